"""What an event may become, what it needs to be confirmed, and who may answer what. Pure."""

from collections.abc import Collection

TYPES = {
    "lunch-and-learn": "Lunch and learn",
    "in-service": "In-service",
    "case-discussion": "Case discussion",
    "one-to-one": "One-to-one meeting",
    "community-talk": "Community talk or screening",
    "conference": "Conference",
}
EDUCATION_TYPES = ("lunch-and-learn", "in-service", "case-discussion")
CLIENT_TYPES = ("community-talk",)
"""Clients and families are only invited to these."""

ARROWS: dict[str, tuple[str, ...]] = {
    "idea": ("offered", "booked", "cancelled"),
    "offered": ("idea", "booked", "cancelled"),
    "booked": ("confirmed", "offered", "took-place", "no-show", "cancelled"),
    "confirmed": ("booked", "took-place", "no-show", "cancelled"),
    "took-place": (),
    "no-show": (),
    "cancelled": (),
}
STATUSES = tuple(ARROWS)
STATUS_LABELS = {
    "idea": "Idea",
    "offered": "Dates offered",
    "booked": "Booked",
    "confirmed": "Confirmed",
    "took-place": "Took place",
    "no-show": "Nobody came",
    "cancelled": "Cancelled",
}
DATED = ("booked", "confirmed", "took-place", "no-show")
"""These cannot be without a date."""
STANDS = ("booked", "confirmed")
"""People can be invited, answer and be reminded."""
LEAST_CONTENT_MINUTES = 20
"""Domain 3.4: less than that is a meal, not education."""
LEAST_MINUTES, MOST_MINUTES = 5, 12 * 60

ANSWERS = {"yes": "Yes", "no": "No", "maybe": "Not sure"}
OPEN_ANSWERS = ("none", "maybe")
DIETS = {
    "vegetarian": "Vegetarian",
    "vegan": "Vegan",
    "gluten-free": "Gluten-free",
    "dairy-free": "Dairy-free",
    "nut-allergy": "Nut allergy",
    "halal": "Halal",
    "kosher": "Kosher",
}
MOST_GUESTS = 10
"""What one person may bring; larger groups are a telephone call."""
REMIND_AT_MINUTE = 9 * 60
"""When reminders arrive, in the recipient's own time."""


MESSAGE_KINDS = {
    "none": "reminder-unanswered",
    "maybe": "reminder-unsure",
    "yes": "reminder",
    "attended": "thank-you",
}
"""{whom a message of the timeline is for: its words}. A reminder of an accepted meeting is relationship mail, anything
else is commercial (domain 3.3)."""


def may_become(status: str, other: str) -> bool:
    """Whether that arrow is drawn."""
    return other in ARROWS[status]


def missing_to_confirm(
    *, meal: bool, topic: str, learning_points: str, has_presenter: bool, content_minutes: int
) -> tuple[str, ...]:
    """What a meal event still needs before it can be confirmed, as words; nothing for events without a meal."""
    if not meal:
        return ()
    needs = (
        ("a topic", bool(topic.strip())),
        ("learning points", bool(learning_points.strip())),
        ("a presenter", has_presenter),
        (f"at least {LEAST_CONTENT_MINUTES} minutes of content", content_minutes >= LEAST_CONTENT_MINUTES),
    )
    return tuple(words for words, there in needs if not there)


def heads(answers: Collection[tuple[str, int]]) -> int:
    """How many people the kitchen expects: everyone who said yes, with their guests. (answer, guests) per person."""
    return sum(1 + guests for answer, guests in answers if answer == "yes")
