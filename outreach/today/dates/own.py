"""The days of one person: the meetings they host or present at, and their duties. No client is named."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.today import agenda
from outreach.today.agenda import Entry

PRESENTS, HOSTS = "You present.", "You look after it."


@dataclass
class Plan:
    """One person's days. `late`: how many open duties were due before them."""

    meetings: list[Entry] = field(default_factory=list)
    due: list[Entry] = field(default_factory=list)
    late: int = 0


def plans_of(
    session: Session, people: Collection[int], first: date, last: date, *, known_at: datetime | None = None
) -> dict[int, Plan]:
    """{person id: what stands on these local days, both included}, in order of time. Three queries for any number.

    `known_at` leaves out what was made after that instant.
    """
    plans = {one: Plan() for one in people}
    for event, entry in agenda.events_of(session, first, last, people=people):
        for person in {event.host_id, event.presenter_id} & plans.keys():
            if person is not None and (known_at is None or event.created_at <= known_at):
                plans[person].meetings.append(_for(entry, PRESENTS if event.presenter_id == person else HOSTS))
    for task, contact in _tasks(session, people, first, last, known_at):
        if task.owner_id is not None:
            plans[task.owner_id].due.append(agenda.task_entry(task, contact))
    for owner, late in _late(session, people, first):
        plans[owner].late = late
    return plans


def overdue(session: Session, person_id: int, *, before: date, limit: int) -> list[Entry]:
    """The person's open duties that were due before that day, the oldest first."""
    rows = session.execute(
        select(Task, Contact)
        .outerjoin(Contact, Contact.id == Task.contact_id)
        .where(Task.closed_at.is_(None), Task.owner_id == person_id, Task.due_on < before)
        .order_by(Task.due_on, Task.id)
        .limit(limit)
    )
    return [agenda.task_entry(task, contact) for task, contact in rows]


def _for(entry: Entry, role: str) -> Entry:
    return entry.saying(f"{role} {entry.sub}")


def _tasks(
    session: Session, people: Collection[int], first: date, last: date, known_at: datetime | None
) -> Iterable[tuple[Task, Contact | None]]:
    rows = session.execute(
        select(Task, Contact)
        .outerjoin(Contact, Contact.id == Task.contact_id)
        .where(Task.closed_at.is_(None), Task.owner_id.in_(people), Task.due_on.between(first, last))
        .order_by(Task.due_on, Task.id)
    )
    return ((task, contact) for task, contact in rows if known_at is None or task.created_at <= known_at)


def _late(session: Session, people: Collection[int], first: date) -> Iterable[tuple[int, int]]:
    rows = session.execute(
        select(Task.owner_id, func.count())
        .where(Task.closed_at.is_(None), Task.owner_id.in_(people), Task.due_on < first)
        .group_by(Task.owner_id)
    )
    return ((owner, late) for owner, late in rows if owner is not None)
