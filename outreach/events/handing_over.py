"""When somebody is away, a colleague takes over what is due meanwhile: their tasks, and the events they look after."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.events import rules
from outreach.events.models import Event
from outreach.practice.models import Person


@dataclass(frozen=True)
class HandedOver:
    """How many open tasks and events have a new owner."""

    tasks: int
    events: int


def hand_over(
    session: Session, *, from_id: int, to_id: int, until: date, now: datetime, today: date
) -> HandedOver | Refusal:
    """Open tasks due by that day, overdue ones too, and events that stand by then belong to the colleague. Idempotent.

    Refusals: unknown-person, same-person, past (the last day away is over).
    """
    known = set(session.scalars(select(Person.id).where(Person.id.in_((from_id, to_id)), Person.active)))
    if to_id not in known or session.get(Person, from_id) is None:
        return Refusal("unknown-person", "Choose who is away and who takes over.")
    if from_id == to_id:
        return Refusal("same-person", "Choose somebody else to take over.")
    if until < today:
        return Refusal("past", "That day is over. Choose the last day away.")
    events = session.scalars(
        update(Event)
        .where(
            Event.host_id == from_id,
            Event.status.in_(rules.STANDS),
            Event.starts_on >= today,
            Event.starts_on <= until,
        )
        .values(host_id=to_id, updated_at=now, version=Event.version + 1)
        .returning(Event.id)
    ).all()
    mine = update(Task).where(Task.owner_id == from_id, Task.closed_at.is_(None))
    due = session.scalars(mine.where(Task.due_on <= until).values(owner_id=to_id).returning(Task.id)).all()
    later = session.scalars(mine.where(Task.event_id.in_(events)).values(owner_id=to_id).returning(Task.id)).all()
    session.flush()
    return HandedOver(len(due) + len(later), len(events))


def waiting_for(session: Session) -> dict[int, int]:
    """{person id: open tasks}, for the choice on the screen."""
    rows = session.execute(
        select(Task.owner_id, func.count())
        .where(Task.closed_at.is_(None), Task.owner_id.is_not(None))
        .group_by(Task.owner_id)
    )
    return {owner: many for owner, many in rows if owner is not None}
