"""Planning an event: its facts and its time, and its way through the statuses; its timeline follows by itself."""

from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from outreach.contacts.models import Organization
from outreach.deliveries.pacing import resolved
from outreach.errors import Refusal
from outreach.events import handouts, places, rules
from outreach.events.committing import refuse_over_limit
from outreach.events.laying_out import lay_out, tick_off
from outreach.events.models import Event
from outreach.events.saying import is_zone
from outreach.practice.models import Person
from outreach.practice.queries import practice_of

__all__ = ["Facts", "When", "edit", "lay_out", "plan_event", "refuse_time", "set_status", "set_time", "tick_off"]
FURTHEST = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Facts:
    """What an event is about. Money in cents per head."""

    type: str
    title: str
    topic: str = ""
    learning_points: str = ""
    content_minutes: int = 0
    presenter_id: int | None = None
    host_id: int | None = None
    organization_id: int | None = None
    meal: bool = False
    budget_cents: int | None = None
    capacity: int | None = None
    heads_note: str = ""
    materials: str = ""
    backup_presenter_id: int | None = None
    caterer: str = ""
    credit: str = ""
    clinicians: str = ""
    expected_clinicians: int | None = None
    expected_staff: int | None = None
    handouts: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class When:
    """When and where it is, as somebody typed it: local day, minutes after local midnight, IANA zone."""

    on: date
    minute: int
    minutes: int
    zone: str
    place: str = ""


def plan_event(
    session: Session, facts: Facts, when: When | None, *, now: datetime, by_id: int | None, place: str = ""
) -> Event | Refusal:
    """The event is planned: booked with its timeline when it has a date, else an idea.

    Refusals: no-title, unknown-type, unknown-organization, unknown-person, past, too-far, unknown-zone, bad-length,
    unknown-file.
    """
    if (no := _unusable(session, facts)) is not None:
        return no
    if when is not None and (no := refuse_time(when, now=now)) is not None:
        return no
    event = Event(
        **asdict(facts),
        status="idea" if when is None else "booked",
        place=place.strip()[:500],
        time_zone=practice_of(session).time_zone,
        made_by_id=by_id,
        created_at=now,
        updated_at=now,
        criteria=[],
        drafts={},
    )
    if when is not None:
        set_time(event, when)
    session.add(event)
    session.flush()
    lay_out(session, event, now=now)
    return event


def edit(session: Session, event: Event, facts: Facts, *, now: datetime, version: int) -> Refusal | None:
    """The facts are changed; time and place go through `rescheduling`.

    Refusals: changed-meanwhile, over, not-ready, and as `plan_event`.
    """
    if version != event.version:
        return Refusal("changed-meanwhile", "Somebody else changed this event while you were typing. Look again.")
    if event.status == "cancelled":
        return Refusal("over", "The event was cancelled.")
    if (no := _unusable(session, facts)) is not None:
        return no
    if event.status == "confirmed" and (no := _not_ready(facts)) is not None:
        return no
    for name, value in asdict(facts).items():
        setattr(event, name, value)
    event.updated_at, event.version = now, event.version + 1
    lay_out(session, event, now=now)
    places.move_up(session, places.lock(session, event.id), now=now)
    return None


def set_status(session: Session, event: Event, status: str, *, now: datetime) -> Refusal | None:
    """The event is a step further on its path. Idempotent.

    Refusals: no-way, no-date, not-ready, too-early, past, over-limit (somebody on the list would pass the yearly limit
    with the meal, and no administrator let them). Cancelling and taking place have verbs of their own.
    """
    if status == event.status:
        return None
    if status not in ("idea", "offered", "booked", "confirmed", "no-show"):
        return Refusal("no-way", "That is done with its own button.")
    if not rules.may_become(event.status, status):
        was, would = rules.STATUS_LABELS[event.status], rules.STATUS_LABELS[status]
        return Refusal("no-way", f"An event that is “{was}” cannot become “{would}”.")
    if status in rules.DATED and event.starts_at is None:
        return Refusal("no-date", "Give it a date first.")
    if status == "confirmed":
        if (no := _not_ready(event)) is not None:
            return no
        if event.starts_at is not None and event.starts_at <= now:
            return Refusal("past", "The event has begun already.")
        if (over := refuse_over_limit(session, event)) is not None:
            return over
    if status == "no-show" and event.starts_at is not None and event.starts_at > now:
        return Refusal("too-early", "The event has not begun yet. Cancel it instead.")
    event.status, event.updated_at, event.version = status, now, event.version + 1
    lay_out(session, event, now=now)
    return None


def refuse_time(when: When, *, now: datetime) -> Refusal | None:
    """Why an event cannot be at that time, or None."""
    if not is_zone(when.zone):
        return Refusal("unknown-zone", "This time zone is not known. Choose one from the list.")
    if not rules.LEAST_MINUTES <= when.minutes <= rules.MOST_MINUTES:
        return Refusal("bad-length", f"An event lasts {rules.LEAST_MINUTES} minutes to 12 hours.")
    if not 0 <= when.minute < 24 * 60:
        return Refusal("bad-length", "That is not a time of day.")
    starts_at = resolved(when.on, when.minute, ZoneInfo(when.zone))
    if starts_at <= now:
        return Refusal("past", "That time is over. Choose one that lies ahead.")
    if starts_at > now + FURTHEST:
        return Refusal("too-far", "That is more than three years ahead.")
    return None


def set_time(event: Event, when: When) -> None:
    """The event has that time: the intention and the instants that it resolves to (gap: forward; overlap: first)."""
    event.starts_on, event.starts_minute, event.minutes = when.on, when.minute, when.minutes
    event.time_zone, event.place = when.zone, when.place.strip()[:500]
    event.starts_at = resolved(when.on, when.minute, ZoneInfo(when.zone))
    event.ends_at = event.starts_at + timedelta(minutes=when.minutes)


def _unusable(session: Session, facts: Facts) -> Refusal | None:
    if not facts.title.strip():
        return Refusal("no-title", "Give the event a name.")
    if facts.type not in rules.TYPES:
        return Refusal("unknown-type", "Choose what kind of event it is.")
    if facts.organization_id and session.get(Organization, facts.organization_id) is None:
        return Refusal("unknown-organization", "Choose a place from the list.")
    for person_id in (facts.presenter_id, facts.backup_presenter_id, facts.host_id):
        if person_id and session.get(Person, person_id) is None:
            return Refusal("unknown-person", "Choose somebody of the practice.")
    if handouts.unknown(session, facts.handouts):
        return Refusal("unknown-file", "One of the handouts is not in the library any more. Choose from the list.")
    return None


def _not_ready(facts: Facts | Event) -> Refusal | None:
    missing = rules.missing_to_confirm(
        meal=facts.meal,
        topic=facts.topic,
        learning_points=facts.learning_points,
        has_presenter=facts.presenter_id is not None,
        content_minutes=facts.content_minutes,
    )
    if not missing:
        return None
    said = ", ".join(missing[:-1]) + (" and " if len(missing) > 1 else "") + missing[-1]
    return Refusal("not-ready", f"An event with a meal needs {said} before it can be confirmed.", missing)
