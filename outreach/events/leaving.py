"""What an event left behind: questions, materials that stay there, and the next step as somebody's task."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.events.models import Event

WITHIN = timedelta(days=7)
"""When the next step is due, unless somebody says another day."""


@dataclass(frozen=True)
class Left:
    """What somebody noted after the event. `next_on`: the local day of the next step."""

    questions: str = ""
    materials_left: str = ""
    next_step: str = ""
    next_on: date | None = None


def note_left(session: Session, event: Event, left: Left, *, now: datetime, by_id: int | None) -> Refusal | None:
    """The event has these notes, and its next step is one task; another step takes its place. Idempotent.

    Refusals: cancelled, too-early, past (a next step on a day that is over).
    """
    today = now.astimezone(ZoneInfo(event.time_zone)).date()
    if event.status == "cancelled":
        return Refusal("cancelled", "The event was cancelled.")
    if event.starts_at is None or event.starts_at > now:
        return Refusal("too-early", "The event has not begun yet.")
    if left.next_step.strip() and left.next_on is not None and left.next_on < today:
        return Refusal("past", "The day of the next step is over. Choose one that lies ahead. Nothing was changed.")
    event.questions, event.materials_left = left.questions.strip(), left.materials_left.strip()
    event.next_step = left.next_step.strip()[:500]
    event.updated_at, event.version = now, event.version + 1
    origin = f"event:{event.id}:next:{crc32(event.next_step.encode())}" if event.next_step else None
    _drop_others(session, event, origin, now=now)
    if origin:
        task = tasks.add(
            session,
            now=now,
            kind="other",
            title=f"{event.next_step}: {event.title}"[:500],
            due_on=left.next_on or today + WITHIN,
            owner_id=event.host_id or by_id,
            event_id=event.id,
            origin=origin,
        )
        _again(task, left.next_on)
    session.flush()
    return None


def next_on(session: Session, event: Event) -> date | None:
    """The day of the open task of its next step, or None."""
    task = session.scalar(_steps(event).where(Task.closed_at.is_(None)).order_by(Task.id).limit(1))
    return task.due_on if task else None


def _drop_others(session: Session, event: Event, origin: str | None, *, now: datetime) -> None:
    for task in session.scalars(_steps(event).where(Task.closed_at.is_(None))):
        if task.origin != origin:
            tasks.close(session, task, now=now, by_id=None, outcome="dropped")


def _again(task: Task, on: date | None) -> None:
    """What the program itself took back comes again; what somebody did stays done."""
    if task.outcome == "dropped" and task.closed_by_id is None:
        task.closed_at = task.outcome = None
    if task.closed_at is None and on is not None:
        task.due_on = on


def _steps(event: Event) -> Select[Task]:
    return select(Task).where(Task.event_id == event.id, Task.origin.startswith(f"event:{event.id}:next:"))
