"""What is done with a row of Today: reached, put off, and both taken back."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks, timeline
from outreach.contacts.models import Contact
from outreach.deliveries.models import builder
from outreach.errors import Refusal
from outreach.today.causes import PROMISE
from outreach.today.models import DayDone, Snooze
from outreach.today.rules import ACTIONS
from outreach.today.wording import DONE_WORDS

TOUCH_OF_ACTION = {"Thank": "thank-you", "Call": "call", "Visit": "visit", "Send": "note", "Write": "note"}
LONGEST_SNOOZE_DAYS = 366
NEXT_REFERRAL = "next-referral"
AGAIN = timedelta(minutes=1)
"""The same snooze within this time is a second click."""


@dataclass(frozen=True)
class Reached:
    """What is typed when a row is done. `action` says what was done in the end, whatever had been suggested."""

    action: str
    note: str = ""
    minutes: int | None = None
    outcome: str = "done"
    task_id: int | None = None
    promised: str = ""
    promised_on: date | None = None


def done(
    session: Session, contact_id: int, reached: Reached, *, now: datetime, today: date, by_id: int | None
) -> DayDone | Refusal:
    """The touch is on the timeline, the duty closed, the promise a task, the row folded away. Idempotent for a day.

    Who was reached today already (another tab, another person) stays so: only words and a promise typed now are added.

    Refusals: unknown-contact, unknown-action, no-day-for-promise.
    """
    refusal = _refuse(session, contact_id, reached, today=today)
    if refusal is not None:
        return refusal
    row, fresh = _row(session, contact_id, reached, now=now, today=today, by_id=by_id)
    if not fresh:
        _tell_more(session, row, reached, now=now, today=today, by_id=by_id)
        return row
    duty = _duty(session, contact_id, reached.task_id)
    if duty is not None:
        tasks.close(session, duty, now=now, by_id=by_id, outcome=reached.outcome, note=reached.note)
        row.task_id = duty.id
    kind = _touch_of(reached)
    if duty is None or kind != tasks.touch_of(duty, reached.outcome):
        _tell(session, row, reached, now=now, by_id=by_id)
    if kind == tasks.THANKS:
        tasks.thanked(session, contact_id, at=now, by_id=by_id)
    if reached.promised and reached.promised_on is not None:
        row.promise_id = _promise(session, row, reached.promised, reached.promised_on, now=now, by_id=by_id)
    session.flush()
    return row


def undo_done(session: Session, done_id: int) -> bool:
    """The row stands on the list again as if nothing had been pressed; answers whether it was done. Idempotent."""
    row = session.get(DayDone, done_id)
    if row is None:
        return False
    told = or_(timeline.Touch.origin == f"today:{row.id}", timeline.Touch.origin.startswith(f"today:{row.id}:"))
    session.execute(delete(timeline.Touch).where(timeline.Touch.contact_id == row.contact_id, told))
    duty = session.get(tasks.Task, row.task_id) if row.task_id else None
    if duty is not None:
        duty.closed_at = duty.closed_by_id = duty.outcome = None
        session.execute(delete(timeline.Touch).where(timeline.Touch.origin == f"task:{duty.id}"))
    # Whatever the row's action: a call that closed a duty to thank has thanked too.
    tasks.thanks_taken_back(session, row.contact_id, at=row.at)
    promise = session.get(tasks.Task, row.promise_id) if row.promise_id else None
    session.delete(row)
    session.flush()
    if promise is not None and promise.closed_at is None:
        session.delete(promise)
        session.flush()
    return True


def snooze(
    session: Session, contact_id: int, until: str, *, now: datetime, today: date, by_id: int | None
) -> Snooze | Refusal:
    """The contact is off the list until then. `until`: tomorrow, next-week, next-referral, or a day as 2026-03-09.

    The latest snooze of a contact counts. Idempotent: the same again answers the same row.

    Refusals: unknown-contact, unknown-day, past-day, too-far.
    """
    if _contact(session, contact_id) is None:
        return Refusal("unknown-contact", "This contact is no longer there.")
    day = None if until == NEXT_REFERRAL else day_of(until, today=today)
    if isinstance(day, Refusal):
        return day
    last = session.scalar(select(Snooze).where(Snooze.contact_id == contact_id).order_by(Snooze.id.desc()).limit(1))
    if last is not None and last.until_on == day and now - last.made_at < AGAIN:
        return last
    row = Snooze(contact_id=contact_id, person_id=by_id, until_on=day, made_at=now)
    session.add(row)
    session.flush()
    return row


def wake(session: Session, snooze_id: int) -> bool:
    """The snooze is taken back; answers whether it was there. Idempotent."""
    row = session.get(Snooze, snooze_id)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def day_of(until: str, *, today: date) -> date | Refusal:
    """The local day that a snooze ends on. Refusals: unknown-day, past-day, too-far."""
    if until == "tomorrow":
        return today + timedelta(days=1)
    if until == "next-week":
        return today + timedelta(days=7 - today.weekday())
    try:
        day = date.fromisoformat(until)
    except ValueError:
        return Refusal("unknown-day", "Choose a day from the calendar.")
    if day <= today:
        return Refusal("past-day", "Choose a day after today.")
    if day > today + timedelta(days=LONGEST_SNOOZE_DAYS):
        return Refusal("too-far", "A snooze lasts a year at most. Choose an earlier day.")
    return day


def _refuse(session: Session, contact_id: int, reached: Reached, *, today: date) -> Refusal | None:
    if _contact(session, contact_id) is None:
        return Refusal("unknown-contact", "This contact is no longer there.")
    if reached.action not in ACTIONS or reached.outcome not in tasks.OUTCOMES:
        return Refusal("unknown-action", "Say what you did: thanked, called, visited, sent or wrote.")
    if reached.promised and (reached.promised_on is None or reached.promised_on < today):
        return Refusal("no-day-for-promise", "Say by which day you promised it, today or later.")
    return None


def _row(
    session: Session, contact_id: int, reached: Reached, *, now: datetime, today: date, by_id: int | None
) -> tuple[DayDone, bool]:
    """The row of the day, and whether it is new: of two clicks at once one makes it, on any database."""
    made = session.execute(
        builder(session)(DayDone)
        .values(contact_id=contact_id, on=today, action=reached.action, by_id=by_id, at=now)
        .on_conflict_do_nothing()
        .returning(DayDone.id)
    ).scalar()
    known = select(DayDone).where(DayDone.on == today, DayDone.contact_id == contact_id)
    return session.scalars(known).one(), made is not None


def _tell_more(
    session: Session, row: DayDone, reached: Reached, *, now: datetime, today: date, by_id: int | None
) -> None:
    said = select(timeline.Touch.id).where(
        timeline.Touch.contact_id == row.contact_id, timeline.Touch.text == reached.note, timeline.Touch.at >= row.at
    )
    if reached.note and session.scalar(said.limit(1)) is None:
        _tell(session, row, reached, now=now, by_id=by_id, more=hashlib.sha256(reached.note.encode()).hexdigest()[:12])
    if reached.promised and reached.promised_on is not None and row.promise_id is None:
        row.promise_id = _promise(session, row, reached.promised, reached.promised_on, now=now, by_id=by_id)
        session.flush()


def _contact(session: Session, contact_id: int) -> Contact | None:
    return session.scalar(select(Contact).where(Contact.id == contact_id, Contact.deleted_at.is_(None)))


def _duty(session: Session, contact_id: int, task_id: int | None) -> tasks.Task | None:
    duty = session.get(tasks.Task, task_id) if task_id else None
    return duty if duty is not None and duty.contact_id == contact_id and duty.closed_at is None else None


def _touch_of(reached: Reached) -> str:
    kind = TOUCH_OF_ACTION[reached.action]
    return "call" if kind == tasks.THANKS and reached.outcome in tasks.UNHEARD else kind


def _tell(
    session: Session, row: DayDone, reached: Reached, *, now: datetime, by_id: int | None, more: str = ""
) -> None:
    outcome = "" if reached.outcome == "done" else f" ({reached.outcome.replace('-', ' ')})"
    timeline.add(
        session,
        now=now,
        contact_id=row.contact_id,
        kind=_touch_of(reached),
        by_id=by_id,
        minutes=reached.minutes,
        origin=f"today:{row.id}:{more}" if more else f"today:{row.id}",
        text=reached.note or f"{DONE_WORDS[reached.action]}{outcome}",
    )


def _promise(session: Session, row: DayDone, what: str, on: date, *, now: datetime, by_id: int | None) -> int:
    made = tasks.add(
        session,
        now=now,
        kind="send",
        title=what,
        due_on=on,
        owner_id=by_id,
        contact_id=row.contact_id,
        origin=f"{PROMISE}day-done:{row.id}",
    )
    return made.id
