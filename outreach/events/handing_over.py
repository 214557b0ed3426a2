"""When somebody is away, a colleague looks after what is due meanwhile, and gives back what is left of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Update, func, insert, or_, select, update
from sqlalchemy.orm import Session

from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.events import rules
from outreach.events.away_models import Absence, Lent
from outreach.events.models import Event
from outreach.practice.models import Person

LONGEST = timedelta(days=366)
AHEAD = ("offered", *rules.STANDS)
"""Events that somebody still has to look after."""


@dataclass(frozen=True)
class Moved:
    """How many open tasks and events have another owner now. `done`: tasks that the colleague finished meanwhile."""

    tasks: int
    events: int
    done: int = 0


def plan_absence(
    session: Session,
    *,
    now: datetime,
    today: date,
    person_id: int,
    colleague_id: int,
    from_on: date,
    until_on: date,
    by_id: int | None,
) -> Absence | Refusal:
    """The colleague stands in from the first to the last day; `start` hands over, at once or by the tick of that day.

    Refusals: unknown-person, same-person, backwards, past, too-long, already-away, stands-in, colleague-away.
    """
    both = (person_id, colleague_id)
    # Locked in one order: of two presses at the same moment the second finds what the first wrote. Nobody who only
    # names these people, in a task or an event, has to wait.
    known = session.scalars(
        select(Person.id).where(Person.id.in_(both), Person.active).order_by(Person.id).with_for_update(key_share=True)
    ).all()
    if not {*both} <= {*known}:
        return Refusal("unknown-person", "Choose who is away and who takes over.")
    if person_id == colleague_id:
        return Refusal("same-person", "Choose somebody else to take over.")
    refused = _days(from_on, until_on, today)
    if refused is None:
        refused = _clash(session, *both, from_on, until_on)
    if refused is not None:
        return refused
    absence = Absence(
        person_id=person_id,
        colleague_id=colleague_id,
        from_on=from_on,
        until_on=until_on,
        made_at=now,
        made_by_id=by_id,
    )
    session.add(absence)
    session.flush()
    return absence


def start(session: Session, absence: Absence, *, now: datetime, today: date) -> Moved:
    """Open tasks due by the last day, overdue ones too, and events of the days belong to the colleague. Idempotent.

    The tick calls it again and again while the absence lasts: what comes in meanwhile goes over too.
    """
    person, colleague = absence.person_id, absence.colleague_id
    events = session.scalars(
        _given(Event, person, colleague, now)
        .where(
            Event.status.in_(AHEAD), Event.starts_on >= max(today, absence.from_on), Event.starts_on <= absence.until_on
        )
        .returning(Event.id)
    ).all()
    wanted = or_(Task.due_on <= absence.until_on, Task.event_id.in_(events))
    tasks = session.scalars(_given(Task, person, colleague, now).where(wanted).returning(Task.id)).all()
    _note(session, absence, "event", events, now)
    _note(session, absence, "task", tasks, now)
    absence.started_at = absence.started_at or now
    session.flush()
    return Moved(len(tasks), len(events))


def end(session: Session, absence: Absence, *, now: datetime) -> Moved:
    """What was lent and is still open belongs to the person again; what the colleague gave on stays there. Idempotent.

    Somebody who left meanwhile gets nothing back: the colleague keeps it.
    """
    if absence.ended_at is not None:
        return Moved(0, 0)
    absence.ended_at = now
    lent = select(Lent.item_id).where(Lent.absence_id == absence.id)
    mine = Task.id.in_(lent.where(Lent.kind == "task"))
    done = session.scalar(select(func.count()).where(mine, Task.closed_at.is_not(None), Task.outcome != "dropped"))
    if not session.get_one(Person, absence.person_id).active:
        return Moved(0, 0, done or 0)
    colleague, person = absence.colleague_id, absence.person_id
    tasks = session.scalars(_given(Task, colleague, person, now).where(mine).returning(Task.id)).all()
    back = Event.id.in_(lent.where(Lent.kind == "event")) & Event.status.in_(AHEAD)
    events = session.scalars(_given(Event, colleague, person, now).where(back).returning(Event.id)).all()
    session.flush()
    return Moved(len(tasks), len(events), done or 0)


def change_last_day(
    session: Session, absence: Absence, until_on: date, *, now: datetime, today: date
) -> Moved | Refusal:
    """Back sooner or later than planned; what is due in added days goes over, what lies beyond comes back.

    Refusals: over, backwards, past, too-long, already-away, stands-in, colleague-away.
    """
    if absence.ended_at is not None:
        return Refusal("over", "This is over. Hand over anew.")
    refused = _BACKWARDS if until_on < absence.from_on else _days(min(absence.from_on, today), until_on, today)
    if refused is None:
        both = absence.person_id, absence.colleague_id
        refused = _clash(session, *both, absence.from_on, until_on, beside=absence.id)
    if refused is not None:
        return refused
    absence.until_on = until_on
    if absence.started_at is None:
        return Moved(0, 0)
    end(session, absence, now=now)
    absence.ended_at = None
    session.flush()
    return start(session, absence, now=now, today=today)


def hand_over_for_good(session: Session, *, from_id: int, to_id: int, now: datetime, today: date) -> Moved | Refusal:
    """All open tasks and coming events of somebody who left belong to the colleague. Idempotent.

    Refusals: unknown-person (also for somebody who still works here).
    """
    gone, colleague = session.get(Person, from_id), session.get(Person, to_id)
    if gone is None or gone.active or colleague is None or not colleague.active:
        return Refusal("unknown-person", "Choose who takes over.")
    tasks = session.scalars(_given(Task, from_id, to_id, now).returning(Task.id)).all()
    ahead = (Event.starts_on >= today) | Event.starts_on.is_(None)
    coming = _given(Event, from_id, to_id, now).where(Event.status.in_(("idea", *AHEAD)), ahead)
    events = session.scalars(coming.returning(Event.id)).all()
    session.flush()
    return Moved(len(tasks), len(events))


_BACKWARDS = Refusal("backwards", "The last day away comes before the first.")


def _days(from_on: date, until_on: date, today: date) -> Refusal | None:
    if until_on < from_on:
        return _BACKWARDS
    if until_on < today:
        return Refusal("past", "That day is over. Choose the last day away.")
    if until_on - from_on > LONGEST:
        return Refusal("too-long", "That is more than a year. Choose an earlier last day.")
    return None


def _clash(
    session: Session, person_id: int, colleague_id: int, from_on: date, until_on: date, *, beside: int = 0
) -> Refusal | None:
    """Nobody is away twice, and nobody stands in who is away or whose own colleague would have to give on."""
    others = session.scalars(
        select(Absence)
        .where(
            Absence.ended_at.is_(None), Absence.from_on <= until_on, Absence.until_on >= from_on, Absence.id != beside
        )
        .order_by(Absence.from_on, Absence.id)
    ).all()
    names = {row[0]: row[1] for row in session.execute(select(Person.id, Person.name))}
    for other in others:
        days = f"{spoken(other.from_on)} to {spoken(other.until_on)}"
        if other.person_id == person_id:
            return Refusal("already-away", f"{names[person_id]} is away from {days} already.")
        if other.colleague_id == person_id:
            stands = f"{names[person_id]} stands in for {names[other.person_id]} from {days}."
            return Refusal("stands-in", f"{stands} Choose somebody else for that first.")
        if other.person_id == colleague_id:
            return Refusal("colleague-away", f"{names[colleague_id]} is away from {days}. Choose somebody else.")
    return None


def spoken(day: date) -> str:
    """A day in words: "December 1"."""
    return f"{day:%B} {day.day}"


def _given(table: type[Task] | type[Event], from_id: int, to_id: int, now: datetime) -> Update:
    if table is Task:
        return update(Task).where(Task.owner_id == from_id, Task.closed_at.is_(None)).values(owner_id=to_id)
    return (
        update(Event)
        .where(Event.host_id == from_id)
        .values(host_id=to_id, updated_at=now, version=Event.version + 1)
        .execution_options(synchronize_session="fetch")
    )


def _note(session: Session, absence: Absence, kind: str, ids: object, now: datetime) -> None:
    wanted = list(ids)  # type: ignore[call-overload]
    known = session.scalars(
        select(Lent.item_id).where(Lent.absence_id == absence.id, Lent.kind == kind, Lent.item_id.in_(wanted))
    ).all()
    rows = [{"absence_id": absence.id, "kind": kind, "item_id": one, "at": now} for one in {*wanted} - {*known}]
    if rows:
        session.execute(insert(Lent), rows)
