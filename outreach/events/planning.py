"""Planning an event: its facts and its time, its way through the statuses, and the dated timeline that follows it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.models import Organization
from outreach.contacts.tasks import Task
from outreach.deliveries.pacing import resolved
from outreach.errors import Refusal
from outreach.events import rules
from outreach.events.models import Event, EventMessage
from outreach.events.saying import is_zone
from outreach.practice.models import Person
from outreach.practice.queries import practice_of, quiet_days

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

    Refusals: no-title, unknown-type, unknown-organization, unknown-person, past, too-far, unknown-zone, bad-length.
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
    return None


def set_status(session: Session, event: Event, status: str, *, now: datetime) -> Refusal | None:
    """The event is a step further on its path. Idempotent.

    Refusals: no-way, no-date, not-ready, too-early, past. Cancelling and taking place have verbs of their own.
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


def lay_out(session: Session, event: Event, *, now: datetime) -> None:
    """Tasks and planned messages fit the event's present time; those of an earlier time are moved or cancelled.

    Idempotent. Nothing is planned for ideas; what was planned is taken back when a date falls away.
    """
    stands = event.status in rules.STANDS and event.starts_on is not None
    _settle_earlier(session, event, now=now, keep_present=stands)
    if not stands:
        if event.status in ("idea", "offered", "no-show"):
            tasks.drop(session, f"event:{event.id}:", now=now)
        return
    assert event.starts_on is not None
    zone = ZoneInfo(event.time_zone)
    dated = rules.timeline(
        event.starts_on,
        meal=event.meal,
        today=now.astimezone(zone).date(),
        weekdays=practice_of(session).send_weekdays,
        quiet=quiet_days(session),
    )
    steps = list(dated)
    _lay_out_tasks(session, event, [one for one in steps if not one.step.is_message], now=now)
    _lay_out_messages(session, event, [one for one in steps if one.step.is_message], zone)


def tick_off(
    session: Session, event: Event, steps: Collection[str], *, now: datetime, by_id: int | None, outcome: str = "done"
) -> None:
    """The tasks of these steps of the timeline are off every list. Idempotent."""
    origins = [f"event:{event.id}:{name}" for name in steps]
    for task in session.scalars(select(Task).where(Task.origin.in_(origins), Task.closed_at.is_(None))):
        tasks.close(session, task, now=now, by_id=by_id, outcome=outcome)


def _lay_out_tasks(session: Session, event: Event, steps: Collection[rules.Dated], *, now: datetime) -> None:
    known = {
        task.origin: task
        for task in session.scalars(select(Task).where(Task.event_id == event.id, Task.origin.is_not(None)))
    }
    for one in steps:
        origin = f"event:{event.id}:{one.step.name}"
        task = known.get(origin)
        if task is None:
            tasks.add(
                session,
                now=now,
                kind=one.step.task,
                title=f"{one.step.title}: {event.title}"[:500],
                due_on=one.on,
                owner_id=event.host_id,
                event_id=event.id,
                origin=origin,
            )
        elif task.closed_at is None:
            task.due_on, task.owner_id = one.on, event.host_id
    wanted = {f"event:{event.id}:{one.step.name}" for one in steps}
    for each, task in known.items():
        name = (each or "").rpartition(":")[2]
        if each not in wanted and name in rules.STEPS and task.closed_at is None:
            tasks.close(session, task, now=now, by_id=None, outcome="dropped")


def _lay_out_messages(session: Session, event: Event, steps: Collection[rules.Dated], zone: ZoneInfo) -> None:
    known = set(
        session.scalars(
            select(EventMessage.step).where(EventMessage.event_id == event.id, EventMessage.sequence == event.sequence)
        )
    )
    for one in steps:
        if one.step.name not in known:
            due_at = resolved(one.on, rules.REMIND_AT_MINUTE, zone)
            session.add(
                EventMessage(
                    event_id=event.id, step=one.step.name, sequence=event.sequence, due_on=one.on, due_at=due_at
                )
            )
    session.flush()


def _settle_earlier(session: Session, event: Event, *, now: datetime, keep_present: bool) -> None:
    gone = update(EventMessage).where(EventMessage.event_id == event.id, EventMessage.state == "planned")
    if keep_present:
        gone = gone.where(EventMessage.sequence != event.sequence)
    elif event.status == "took-place":
        return
    session.execute(gone.values(state="cancelled", settled_at=now))


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
