"""Letting one person come to one meal over their limit: somebody who may decides, by name and with a reason."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.gifts.locking import one_at_a_time
from outreach.gifts.payback_models import LimitPass
from outreach.practice import rights
from outreach.practice.models import Person


@dataclass(frozen=True)
class Passed:
    """One pass as a screen shows it."""

    event_id: int
    contact_id: int
    name: str
    reason: str
    approved_by: str
    approved_at: datetime


def let_pass(
    session: Session, event_id: int, contact_id: int, *, now: datetime, reason: str, by_id: int | None
) -> LimitPass | Refusal:
    """That person may come to that meal whatever it makes of their year; the ledger will say who allowed it and why.

    Idempotent: the first reason stays. Refusals: may-not-override, no-contact, no-reason.
    """
    if by_id is None or not rights.may(session, by_id, "override"):
        return Refusal("may-not-override", "Letting somebody pass the limit is not yours: ask an administrator.")
    one_at_a_time(session)
    contact = session.get(Contact, contact_id)
    if contact is None or contact.deleted_at is not None:
        return Refusal("no-contact", "Choose who may come.")
    known = pass_of(session, event_id, contact_id)
    if known is not None:
        return known
    if not reason.strip():
        return Refusal("no-reason", "Say why: the ledger keeps the reason with your name. Nothing was allowed.")
    made = LimitPass(
        event_id=event_id,
        contact_id=contact_id,
        reason=reason.strip()[:500],
        approved_at=now,
        approved_by_id=by_id,
    )
    session.add(made)
    session.flush()
    return made


def pass_of(session: Session, event_id: int, contact_id: int) -> LimitPass | None:
    """The pass of that person for that meal, or None."""
    return session.scalar(select(LimitPass).where(LimitPass.event_id == event_id, LimitPass.contact_id == contact_id))


def passed_ids(session: Session, event_id: int) -> set[int]:
    """Everyone who may come to that meal over their limit."""
    return set(session.scalars(select(LimitPass.contact_id).where(LimitPass.event_id == event_id)))


def passes(session: Session, event_id: int) -> list[Passed]:
    """The same for a screen, by name."""
    return _shown(session, LimitPass.event_id == event_id)


def passes_given(session: Session, begins_at: datetime, ends_at: datetime) -> list[Passed]:
    """Every pass given from `begins_at` until before `ends_at`, by name: for the export of a year."""
    return _shown(session, LimitPass.approved_at >= begins_at, LimitPass.approved_at < ends_at)


def _shown(session: Session, *which: ColumnElement[bool]) -> list[Passed]:
    rows = session.execute(
        select(LimitPass, Contact, Person.name)
        .join(Contact, Contact.id == LimitPass.contact_id)
        .join(Person, Person.id == LimitPass.approved_by_id)
        .where(*which)
        .order_by(Contact.sort_name, Contact.id, LimitPass.id)
    )
    return [Passed(one.event_id, one.contact_id, who.name, one.reason, by, one.approved_at) for one, who, by in rows]
