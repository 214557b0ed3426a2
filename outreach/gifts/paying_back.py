"""What a physician gave back of an excess is on record: who, when, how much, and how it came."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks, touching
from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.gifts import curing
from outreach.gifts.locking import one_at_a_time
from outreach.gifts.models import ValueEntry
from outreach.gifts.payback_models import ValuePayback
from outreach.gifts.rules import said

SAME_PRESS = timedelta(minutes=2)


@dataclass(frozen=True)
class Back:
    """What came back. `how`: in which form, and where the proof is kept."""

    contact_id: int
    year: int
    cents: int
    paid_on: date
    how: str


def pay_back(session: Session, back: Back, *, now: datetime, today: date, by_id: int | None) -> ValuePayback | Refusal:
    """The payback counts against the excess of its year; what is still owed shrinks by it.

    The same entry again within two minutes is the same press. When the excess is mended by it, the tasks that asked to
    look at it are dropped; one that paying back does not mend stays with whoever has to look.

    Refusals: no-excess, no-amount, more-than-owed, bad-date, no-text.
    """
    one_at_a_time(session)
    if (known := _just_entered(session, back, now=now)) is not None:
        return known
    found = curing.excesses(session, back.year, contact_ids=[back.contact_id])
    if not found or found[0].owed_cents <= 0:
        return Refusal("no-excess", f"Nothing is owed for {back.year}. Nothing was recorded.")
    excess = found[0]
    if back.cents <= 0:
        return Refusal("no-amount", "Enter what came back in dollars, for example 14.50.")
    if back.cents > excess.owed_cents:
        owed = said(excess.owed_cents)
        return Refusal("more-than-owed", f"Only {owed} are still owed for {back.year}. Nothing was recorded.")
    if not excess.since <= back.paid_on <= today:
        since = f"{excess.since:%b %-d, %Y}"
        return Refusal("bad-date", f"The day must lie between {since}, when the limit was passed, and today.")
    if not back.how.strip():
        return Refusal("no-text", "Say how it came back and where the proof is kept.")
    made = ValuePayback(
        contact_id=back.contact_id,
        year=back.year,
        amount_cents=back.cents,
        paid_on=back.paid_on,
        how=back.how.strip()[:500],
        recorded_at=now,
        recorded_by_id=by_id,
    )
    session.add(made)
    session.flush()
    if _is_mended(session, made):
        for task in session.scalars(_asked(made).where(Task.closed_at.is_(None))):
            tasks.close(session, task, now=now, by_id=None, outcome="dropped")
    return made


def strike(session: Session, payback: ValuePayback, *, now: datetime, by_id: int | None, why: str) -> Refusal | None:
    """The payback counts no more and stays readable with the reason; the tasks that it dropped are open again.

    What a person dropped stays dropped. Refusals: no-reason. Idempotent.
    """
    if not why.strip():
        return Refusal("no-reason", "Say why the entry is wrong: the ledger keeps it.")
    one_at_a_time(session)
    session.flush()
    session.refresh(payback)
    if payback.struck_at is not None:
        return None
    payback.struck_at, payback.struck_by_id, payback.struck_why = now, by_id, why.strip()[:500]
    session.flush()
    if not _is_mended(session, payback):
        dropped = _asked(payback).where(
            Task.outcome == "dropped", Task.closed_by_id.is_(None), Task.closed_at >= payback.recorded_at
        )
        for task in session.scalars(dropped):
            touching.reopen(task)
    return None


def _just_entered(session: Session, back: Back, *, now: datetime) -> ValuePayback | None:
    return session.scalar(
        select(ValuePayback).where(
            ValuePayback.contact_id == back.contact_id,
            ValuePayback.year == back.year,
            ValuePayback.amount_cents == back.cents,
            ValuePayback.paid_on == back.paid_on,
            ValuePayback.how == back.how.strip()[:500],
            ValuePayback.struck_at.is_(None),
            ValuePayback.recorded_at > now - SAME_PRESS,
        )
    )


def _is_mended(session: Session, payback: ValuePayback) -> bool:
    found = curing.excesses(session, payback.year, contact_ids=[payback.contact_id])
    return all(excess.mended for excess in found)


def _asked(payback: ValuePayback) -> Select[Task]:
    """The tasks to look at the excess of that person in that year: each names a meal of the year."""
    meals = select(ValueEntry.event_id).where(
        ValueEntry.contact_id == payback.contact_id,
        ValueEntry.given_on.between(date(payback.year, 1, 1), date(payback.year, 12, 31)),
        ValueEntry.event_id.is_not(None),
    )
    wanted = select(Task).where(
        Task.contact_id == payback.contact_id,
        Task.origin.startswith("value:", autoescape=True),
        Task.event_id.in_(meals),
    )
    return wanted.order_by(Task.id)
