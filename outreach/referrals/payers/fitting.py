"""Whether we take a client's payer on a day, and which payers the source's clients carry: told while it is typed."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, ContactPayer
from outreach.practice.models import Participation, Payer
from outreach.practice.queries import in_network


@dataclass(frozen=True)
class PayerFit:
    """What to say beside a payer. `taken` is None when nothing is on record for that day."""

    taken: bool | None
    sentence: str
    carried: tuple[tuple[str, bool], ...] = ()
    """Payers of the source's clients with whether we take each on that day."""

    @property
    def warns(self) -> bool:
        """Whether the office must hear of it before the client is booked."""
        return self.taken is not True and bool(self.sentence)


def fit(session: Session, *, payer_id: int | None, on: date, contact_id: int | None) -> PayerFit:
    """What to say at entry. Without a payer only the source's payers are told."""
    payer = session.get(Payer, payer_id) if payer_id else None
    carried = carried_by(session, contact_id, on=on) if contact_id else ()
    if payer is None:
        return PayerFit(None, "", carried)
    taken = in_network(session, payer.id, on)
    day = f"{on:%B} {on.day}, {on.year}"
    if taken:
        return PayerFit(True, f"You take {payer.name} on {day}.", carried)
    status = session.scalar(
        select(Participation.status)
        .where(Participation.payer_id == payer.id, *_on(on))
        .order_by(Participation.since_on.desc())
    )
    why = {
        "pending": f"{payer.name} is not yet in network on {day}: your application is pending.",
        "out-of-network": f"{payer.name} is out of network for you on {day}.",
    }.get(status or "", f"Nothing says that you take {payer.name} on {day}, so it counts as out of network.")
    return PayerFit(taken, f"{why} Tell the office before the client is booked.", carried)


def carried_by(session: Session, contact_id: int, *, on: date) -> tuple[tuple[str, bool], ...]:
    """Payers that this contact's clients carry, by name, each with whether we take it on the day."""
    rows = session.execute(
        select(Payer.name, taken_on(on))
        .join(ContactPayer, ContactPayer.payer_id == Payer.id)
        .where(ContactPayer.contact_id == contact_id)
        .order_by(Payer.name)
    )
    return tuple((row[0], bool(row[1])) for row in rows)


def taken_on(on: date) -> ColumnElement[bool]:
    """Whether the practice takes the Payer of the row on a day."""
    status = (
        select(Participation.status)
        .where(Participation.payer_id == Payer.id, *_on(on))
        .order_by(Participation.since_on.desc())
        .limit(1)
        .correlate(Payer)
        .scalar_subquery()
    )
    return func.coalesce(status, "out-of-network") == "in-network"


def sharing_payers(on: date) -> Select[int, int]:
    """Contacts (by id) whose clients carry payers that we take on the day, with how many of them."""
    return (
        select(ContactPayer.contact_id, func.count(Payer.id).label("shared"))
        .join(Payer, Payer.id == ContactPayer.payer_id)
        .join(Contact, and_(Contact.id == ContactPayer.contact_id, Contact.deleted_at.is_(None)))
        .where(taken_on(on))
        .group_by(ContactPayer.contact_id)
    )


def _on(on: date) -> tuple[ColumnElement[bool], ...]:
    return (Participation.since_on <= on, or_(Participation.until_on.is_(None), Participation.until_on >= on))
