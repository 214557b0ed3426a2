"""What an event may become, what it needs to be confirmed, and its dated timeline. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

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


@dataclass(frozen=True)
class Step:
    """One line of the timeline. `days` from the day of the event, or working days when `working`.

    A message names its `audience`: open (no answer or not sure), yes, or attended. A task names its kind.
    """

    name: str
    days: int
    title: str
    task: str = ""
    audience: str = ""
    meal: bool = False
    working: bool = False

    @property
    def is_message(self) -> bool:
        """Whether it writes to people; otherwise a person does something."""
        return bool(self.audience)


TIMELINE = (
    Step("invite", -21, "Send the invitations", task="send"),
    Step("ask-14", -14, "Reminder to those who have not answered", audience="open"),
    Step("remind-7", -7, "Reminder to those who are coming", audience="yes"),
    Step("ask-7", -7, "Last reminder to those who have not answered", audience="open"),
    Step("heads", -7, "Ask the office for head count and diets", task="call"),
    Step("order", -5, "Close the answers and order the food", task="prepare", meal=True, working=True),
    Step("brief", -3, "Brief the presenter, pack the materials", task="prepare"),
    Step("confirm", -1, "Call the office: are the clinicians coming?", task="call"),
    Step("remind-1", -1, "Reminder to those who are coming", audience="yes"),
    Step("sheet", 0, "Print the sign-in sheet", task="prepare"),
    Step("sign-in", 1, "Enter who came and what it cost", task="other"),
    Step("thanks", 1, "Thank-you to everyone who came", audience="attended"),
    Step("questions", 7, "Answer the open questions", task="write"),
    Step("follow-up", 10, "Follow-up call", task="call"),
)
"""Domain 6.3, with the checklist of the ui-guide; look-backs after 30 and 90 days live in reports."""
STEPS = {step.name: step for step in TIMELINE}
MESSAGE_KINDS = {"open": "reminder-unanswered", "yes": "reminder", "attended": "thank-you"}
"""A reminder of an accepted meeting is relationship mail, anything else is commercial (domain 3.3)."""


@dataclass(frozen=True)
class Dated:
    """A step with its day."""

    step: Step
    on: date


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


def timeline(
    day: date, *, meal: bool, today: date, weekdays: Collection[int] = range(5), quiet: Collection[date] = ()
) -> Iterator[Dated]:
    """The steps of an event on `day` that can still happen, with their days, in order.

    Mail that would leave on a closed day leaves on the open day before (after, for thanks); mail whose day is over is
    left out; a task whose day is over is due today, unless it is about inviting and the event is over.
    """
    for step in TIMELINE:
        if step.meal and not meal:
            continue
        on = day_of(step, day, weekdays=weekdays, quiet=quiet)
        if step.is_message:
            late = on < today or (step.days < 0 and on >= day)
            if not late:
                yield Dated(step, on)
        elif on >= today or day >= today:
            yield Dated(step, max(on, today))


def day_of(step: Step, day: date, *, weekdays: Collection[int], quiet: Collection[date]) -> date:
    """The local day of a step: working days are counted, mail keeps off closed days."""
    if step.working:
        return working_days_before(day, -step.days, weekdays=weekdays, quiet=quiet)
    on = day + timedelta(days=step.days)
    return _open_day(on, -1 if step.days <= 0 else 1, weekdays, quiet) if step.is_message else on


def working_days_before(day: date, count: int, *, weekdays: Collection[int], quiet: Collection[date]) -> date:
    """The day that lies `count` open days before `day`; at most a year back."""
    for back in range(1, 366):
        on = day - timedelta(days=back)
        if on.weekday() in weekdays and on not in quiet:
            count -= 1
        if count <= 0:
            return on
    return day


def heads(answers: Collection[tuple[str, int]]) -> int:
    """How many people the kitchen expects: everyone who said yes, with their guests. (answer, guests) per person."""
    return sum(1 + guests for answer, guests in answers if answer == "yes")


def _open_day(on: date, step: int, weekdays: Collection[int], quiet: Collection[date]) -> date:
    for away in range(30):
        day = on + timedelta(days=step * away)
        if day.weekday() in weekdays and day not in quiet:
            return day
    return on
