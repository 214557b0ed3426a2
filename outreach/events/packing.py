"""What goes into the bag for an event, and what happens when on the day: from its kind, its facts and its numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from outreach.events.models import Event
from outreach.events.queries import Heads
from outreach.events.rules import CLIENT_TYPES, DIETS

SPARE = 3
"""So many copies more than people."""
BEFORE = timedelta(minutes=15)
BEFORE_A_MEAL = timedelta(minutes=30)
"""How early to be there: the food is carried in and set out first."""
WELCOME_MINUTES = 10
"""Until everyone sits and has something on the plate, the content does not begin."""


@dataclass(frozen=True)
class Moment:
    """One line of the day: the local time as people say it, and what happens."""

    at: str
    what: str


def bag(event: Event, heads: Heads, handouts: Sequence[str]) -> dict[str, list[str]]:
    """{heading: things}, without empty headings. `handouts` are titles of files."""
    people = max(heads.total, heads.expected)
    found = {
        "Materials": [line.strip(" -•") for line in event.materials.splitlines() if line.strip(" -•")],
        "Handouts": [f"{title}: {_copies(people)}" for title in handouts],
        "To present": list(_to_present(event)),
        "For the people": list(_for_people(event, people)),
        "Food": list(_food(event, heads)) if event.meal else [],
    }
    return {heading: things for heading, things in found.items() if things}


def running_order(event: Event) -> list[Moment]:
    """The day in its local times, from arriving to the end; nothing without a date."""
    if event.starts_at is None or event.ends_at is None:
        return []
    begin, end = event.starts_at, event.ends_at
    early = BEFORE_A_MEAL if event.meal else BEFORE
    moments = [
        (begin - early, "Arrive, let the front desk know, set up" + (" the food" if event.meal else "")),
        (begin, "Begin. The sign-in sheet goes round"),
    ]
    if event.content_minutes:
        content = timedelta(minutes=event.content_minutes)
        first = begin + max(min(timedelta(minutes=WELCOME_MINUTES), end - begin - content), timedelta())
        moments.append((first, f"{event.topic or 'Content'}, {event.content_minutes} minutes"))
        if first + content < end:
            moments.append((first + content, "Questions: note what you cannot answer at once"))
    moments.append((end, "End. Leave the handouts, take the sign-in sheet along"))
    zone = ZoneInfo(event.time_zone)
    return [Moment(_clock(at.astimezone(zone).hour, at.astimezone(zone).minute), what) for at, what in moments]


def _copies(people: int) -> str:
    return f"{people + SPARE} copies, {SPARE} of them to spare" if people else "copies as soon as the number is known"


def _to_present(event: Event) -> Iterator[str]:
    if event.content_minutes:
        yield "Laptop, adapter, and the slides where no network is needed"
    if event.type == "case-discussion":
        yield "The case on paper: no name, age, date or place of a client"
    if event.type == "conference":
        yield "Phone and charger, to note whom you meet"
        yield "Table cover and sign, if you have a table"


def _for_people(event: Event, people: int) -> Iterator[str]:
    if event.type not in ("conference", "one-to-one"):
        yield "Sign-in sheet and two pens"
    if event.credit:
        yield f"Certificates: {people or 'one per person'}, {event.credit}"
    if event.type in (*CLIENT_TYPES, "conference"):
        yield "Brochures"
    yield "Business cards"


def _food(event: Event, heads: Heads) -> Iterator[str]:
    number = f"for {heads.kitchen}" if heads.kitchen else "number not known yet"
    more = f" (the office expects {heads.expected})" if heads.expected > heads.kitchen else ""
    yield f"The food, {number}{more}" + (f", from {event.caterer}" if event.caterer else "")
    for name, many in heads.diets.items():
        yield f"{many} {DIETS[name].lower()}, marked"
    yield "Plates, napkins, something to drink, a bag for what is left"


def _clock(hour: int, minute: int) -> str:
    return f"{hour % 12 or 12}:{minute:02d} {'am' if hour < 12 else 'pm'}"
