"""A touch is logged by a person, and taken back when it was a slip."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import OWN_KINDS, Touch
from outreach.errors import Refusal

TYPED_KINDS = tuple(kind.name for kind in OWN_KINDS if kind.personal)


def log_touch(
    session: Session,
    contact: Contact,
    *,
    now: datetime,
    zone: ZoneInfo,
    by_id: int | None,
    kind: str,
    text: str = "",
    on: date | None = None,
    minutes: int | None = None,
    cost_cents: int | None = None,
    next_step: str = "",
    next_on: date | None = None,
) -> Touch | Refusal:
    """The touch is on the contact's timeline, and the promised next step is a task of whoever logged it.

    `minutes` and `cost_cents` are what it took: time, and money that bought no meal and no gift.

    Refusals: bad-kind, nothing-said (a note without words), in-the-future. Not idempotent.
    """
    text = text.strip()
    if kind not in TYPED_KINDS:
        return Refusal("bad-kind", "Say what it was: a call, a visit, a note …")
    if kind == "note" and not text:
        return Refusal("nothing-said", "A note needs a few words.")
    today = now.astimezone(zone).date()
    if on is not None and on > today:
        return Refusal("in-the-future", "This day has not come yet. Make it a task instead.")
    at = now if on in (None, today) else datetime.combine(on or today, time(12), zone).astimezone(UTC)
    touch = Touch(
        contact_id=contact.id, kind=kind, at=at, text=text, minutes=minutes, cost_cents=cost_cents, by_id=by_id
    )
    session.add(touch)
    session.flush()
    if kind == tasks.THANKS:
        until = now if on in (None, today) else datetime.combine(on or today, time.max, zone)
        tasks.thanked(session, contact.id, at=at, by_id=by_id, made_until=until)
    if next_step.strip():
        tasks.add(
            session,
            now=now,
            kind="other",
            title=next_step.strip(),
            due_on=next_on or today,
            owner_id=by_id,
            contact_id=contact.id,
            origin=f"promise:touch:{touch.id}",
        )
    return touch


def take_back(session: Session, touch: Touch, *, by_id: int | None) -> Refusal | None:
    """A touch that somebody typed is gone, with the next step promised in it that is still to be done.

    Refusals: not-typed (what the system recorded stays), not-yours.
    """
    if touch.origin is not None or touch.kind not in TYPED_KINDS:
        return Refusal("not-typed", "This was recorded by the system and stays.")
    if touch.by_id != by_id:
        return Refusal("not-yours", "Only who logged this can take it back.")
    # Left there, it would also stand in the way of the promise that is typed anew: SQLite gives the number again.
    promised = (Task.origin == f"promise:touch:{touch.id}", Task.closed_at.is_(None))
    session.execute(delete(Task).where(*promised))
    if touch.kind == tasks.THANKS:
        tasks.thanks_taken_back(session, touch.contact_id, at=touch.at)
    session.delete(touch)
    return None


def snooze(task: Task, *, until: date, today: date) -> Refusal | None:
    """The task is due on another day. Refusals: in-the-past, closed."""
    if task.closed_at is not None:
        return Refusal("closed", "This task is done already.")
    if until <= today:
        return Refusal("in-the-past", "Choose a day that is still to come.")
    task.due_on = until
    return None


def change_task(task: Task, *, title: str, kind: str, due_on: date, owner_id: int | None) -> Refusal | None:
    """An open task says, asks and belongs as given. Idempotent. Refusals: closed."""
    if task.closed_at is not None:
        return Refusal("closed", "This task is done already.")
    task.title, task.kind, task.due_on, task.owner_id = title.strip(), kind, due_on, owner_id
    return None


def reopen(task: Task) -> None:
    """The task is on its owner's list again. Idempotent."""
    task.closed_at = task.closed_by_id = task.outcome = None
