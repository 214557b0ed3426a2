"""The dated timeline of an event: tasks and planned mail that move along with it and are taken back with it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.models import Organization
from outreach.contacts.tasks import Task
from outreach.deliveries.pacing import resolved
from outreach.events import office_rules, rules, timelines
from outreach.events.models import Event, EventMessage
from outreach.events.timelines import HEAR_BACK, OFFER, Dated
from outreach.practice.queries import practice_of, quiet_days

WITHIN = timedelta(days=7)
"""An idea is offered, and an offer is asked about, within a week."""


def lay_out(session: Session, event: Event, *, now: datetime) -> None:
    """Tasks and planned messages fit the event as it is: its kind, its day, its meal. Idempotent.

    Those of an earlier time are moved or cancelled; what the program itself took back comes again when it fits again.
    An idea at an office has one task, to offer dates; everything is taken back when a date falls away.
    """
    if event.status in ("cancelled", "took-place"):
        _settle_earlier(session, event, now=now)
        return
    zone = ZoneInfo(event.time_zone)
    steps = _steps(session, event, now=now, zone=zone)
    _lay_out_tasks(session, event, [one for one in steps if not one.step.is_message], now=now)
    _lay_out_messages(session, event, [one for one in steps if one.step.is_message], zone, now=now)
    if event.status == "no-show":
        tasks.drop(session, f"event:{event.id}:", now=now)


def tick_off(
    session: Session, event: Event, steps: Collection[str], *, now: datetime, by_id: int | None, outcome: str = "done"
) -> None:
    """The tasks of these steps of the timeline are off every list. Idempotent."""
    origins = [f"event:{event.id}:{name}" for name in steps]
    for task in session.scalars(select(Task).where(Task.origin.in_(origins), Task.closed_at.is_(None))):
        tasks.close(session, task, now=now, by_id=by_id, outcome=outcome)


def _steps(session: Session, event: Event, *, now: datetime, zone: ZoneInfo) -> list[Dated]:
    today = now.astimezone(zone).date()
    if event.status in rules.STANDS and event.starts_on is not None:
        dated = timelines.timeline(
            event.starts_on,
            event_type=event.type,
            meal=event.meal,
            today=today,
            weekdays=practice_of(session).send_weekdays,
            quiet=quiet_days(session),
        )
        return list(dated)
    if event.type not in rules.EDUCATION_TYPES:
        return []
    if event.status == "offered":
        return [Dated(HEAR_BACK, today + WITHIN)]
    if event.status != "idea":
        return []
    office = session.get(Organization, event.organization_id) if event.organization_id else None
    earliest = office_rules.earliest_next(session, office) if office else None
    begin = earliest + timedelta(days=OFFER.days) if earliest else today + WITHIN
    return [Dated(OFFER, max(begin, today + timedelta(days=1)))]


def _lay_out_tasks(session: Session, event: Event, steps: Collection[Dated], *, now: datetime) -> None:
    known = {
        task.origin: task
        for task in session.scalars(select(Task).where(Task.event_id == event.id, Task.origin.is_not(None)))
    }
    for one in steps:
        origin = f"event:{event.id}:{one.step.name}"
        title = f"{one.step.title}: {event.title}"[:500]
        task = known.get(origin)
        if task is None:
            tasks.add(
                session,
                now=now,
                kind=one.step.task,
                title=title,
                due_on=one.on,
                owner_id=event.host_id,
                event_id=event.id,
                origin=origin,
            )
            continue
        if task.outcome == "dropped" and task.closed_by_id is None:
            # Taken back by the program, when the date fell away or the kind of event was another one.
            task.closed_at = task.outcome = None
        if task.closed_at is None:
            waits = one.step in (OFFER, HEAR_BACK)
            task.due_on = task.due_on if waits else one.on
            task.kind, task.title, task.owner_id = one.step.task, title, event.host_id
    _close_others(session, event, known, {f"event:{event.id}:{one.step.name}" for one in steps}, now=now)


def _close_others(
    session: Session, event: Event, known: dict[str | None, Task], wanted: Collection[str], *, now: datetime
) -> None:
    for origin, task in known.items():
        name = (origin or "").removeprefix(f"event:{event.id}:")
        if origin in wanted or name not in timelines.STEP_NAMES or task.closed_at is not None:
            continue
        settled = name in (OFFER.name, HEAR_BACK.name) and event.status in ("offered", *rules.STANDS)
        tasks.close(session, task, now=now, by_id=None, outcome="done" if settled else "dropped")


def _lay_out_messages(
    session: Session, event: Event, steps: Collection[Dated], zone: ZoneInfo, *, now: datetime
) -> None:
    rows = session.scalars(select(EventMessage).where(EventMessage.event_id == event.id)).all()
    known = {row.step: row for row in rows if row.sequence == event.sequence}
    for one in steps:
        due_at = resolved(one.on, rules.REMIND_AT_MINUTE, zone)
        row = known.get(one.step.name)
        if row is not None and row.state == "cancelled" and due_at > now:
            row.state, row.settled_at, row.due_on, row.due_at = "planned", None, one.on, due_at
        # A moment that is over already is told by the invitation or the change itself.
        elif row is None and due_at > now:
            session.add(
                EventMessage(
                    event_id=event.id, step=one.step.name, sequence=event.sequence, due_on=one.on, due_at=due_at
                )
            )
    kept = {one.name for one in timelines.TIMELINES[event.type]} if event.status in rules.STANDS else set()
    for row in rows:
        fits = row.sequence == event.sequence and (row.step in kept or row.step not in timelines.MESSAGES)
        if row.state == "planned" and not fits:
            row.state, row.settled_at = "cancelled", now
    session.flush()


def _settle_earlier(session: Session, event: Event, *, now: datetime) -> None:
    """A cancelled event has nothing planned; one that took place still thanks those who came."""
    if event.status == "took-place":
        return
    gone = update(EventMessage).where(EventMessage.event_id == event.id, EventMessage.state == "planned")
    session.execute(gone.values(state="cancelled", settled_at=now))
