"""What the ledger says: totals of a year, entries, and the limit. Ordered by name and date, by nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.gifts import rules
from outreach.gifts.models import ValueEntry, YearLimit
from outreach.gifts.payback_models import ValuePayback
from outreach.practice.models import Person

PAGE = 50


@dataclass(frozen=True)
class Total:
    """One recipient's year. `share` is 0 to 100, None without a limit; planned meals count as given."""

    contact_id: int
    name: str
    kind: str
    place: str
    total_cents: int
    limit_cents: int | None
    limited: bool
    committed_cents: int = 0
    """Meals that are planned."""

    @property
    def share(self) -> int | None:
        """Percent of the limit that is used; 100 is said of exactly the limit only, 101 of anything over it."""
        if not self.limit_cents:
            return None
        used = self.total_cents + self.committed_cents
        share = round(100 * used / self.limit_cents)
        return max(share, 101) if used > self.limit_cents else min(share, 100)


@dataclass(frozen=True)
class Line:
    """One entry as the list shows it."""

    id: int
    given_on: date
    contact_id: int
    name: str
    kind: str
    place: str
    what: str
    sort: str
    amount_cents: int
    receipt_note: str
    override_reason: str
    event_id: int | None
    struck_why: str
    approved_by: str
    """The administrator who let it pass the limit."""


def limit_of(session: Session, year: int) -> int | None:
    """The limit per physician in cents: as entered here, else as published; None when neither is known."""
    return _entered(session).get(year, rules.PUBLISHED_CENTS.get(year))


def limits(session: Session) -> dict[int, int]:
    """{year: cents} of every year that is known."""
    return dict(sorted({**rules.PUBLISHED_CENTS, **_entered(session)}.items(), reverse=True))


def total_of(session: Session, contact_id: int, year: int) -> int:
    """What the contact kept of that calendar year, in cents: neither struck entries nor what they paid back count."""
    mine = select(func.coalesce(func.sum(ValueEntry.amount_cents), 0)).where(
        ValueEntry.contact_id == contact_id, _in(year), ValueEntry.struck_at.is_(None)
    )
    return max((session.scalar(mine) or 0) - paid_back(session, year, contact_id).get(contact_id, 0), 0)


def spent(session: Session, year: int) -> dict[int, int]:
    """{contact id: cents} of what everyone kept of that year; neither struck entries nor paybacks count."""
    back = paid_back(session, year)
    return {contact_id: max(cents - back.get(contact_id, 0), 0) for contact_id, cents in given(session, year).items()}


def given(session: Session, year: int) -> dict[int, int]:
    """{contact id: cents} of what everyone got in that year, whatever came back; struck entries do not count."""
    rows = session.execute(
        select(ValueEntry.contact_id, func.sum(ValueEntry.amount_cents))
        .where(_in(year), ValueEntry.struck_at.is_(None))
        .group_by(ValueEntry.contact_id)
    )
    return {contact_id: int(cents) for contact_id, cents in rows}


def paid_back(session: Session, year: int, contact_id: int | None = None) -> dict[int, int]:
    """{contact id: cents} of what came back for that year."""
    found = select(ValuePayback.contact_id, func.sum(ValuePayback.amount_cents)).where(
        ValuePayback.year == year, ValuePayback.struck_at.is_(None)
    )
    if contact_id is not None:
        found = found.where(ValuePayback.contact_id == contact_id)
    return {each: int(cents) for each, cents in session.execute(found.group_by(ValuePayback.contact_id))}


def totals(session: Session, year: int, committed: Mapping[int, int] | None = None) -> list[Total]:
    """Everyone who got something in the year, and for whom a meal is planned, by name."""
    limit, kept, planned = limit_of(session, year), spent(session, year), committed or {}
    rows = session.execute(
        select(Contact, Organization.name)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(Contact.id.in_({*kept, *planned}))
        .order_by(Contact.sort_name, Contact.id)
    )
    return [_total(one, place, kept.get(one.id, 0), limit, planned.get(one.id, 0)) for one, place in rows]


def lines(session: Session, year: int, *, page: int = 1, contact_id: int | None = None) -> list[Line]:
    """The entries of a year, newest first; one more than a page, so that the screen knows whether there are more."""
    found = _lines(year).order_by(ValueEntry.given_on.desc(), ValueEntry.id.desc())
    if contact_id is not None:
        found = found.where(ValueEntry.contact_id == contact_id)
    rows = session.execute(found.limit(PAGE + 1).offset((page - 1) * PAGE))
    return [_line(*row) for row in rows]


def every_line(session: Session, year: int) -> list[Line]:
    """All entries of a year by day, for the export."""
    rows = session.execute(_lines(year).order_by(ValueEntry.given_on, ValueEntry.id))
    return [_line(*row) for row in rows]


def of_event(session: Session, event_id: int) -> list[ValueEntry]:
    """The shares that were entered for one event."""
    found = select(ValueEntry).where(ValueEntry.event_id == event_id, ValueEntry.struck_at.is_(None))
    return list(session.scalars(found.order_by(ValueEntry.id)))


def years(session: Session, today: date) -> list[int]:
    """This year and every year with entries, newest first."""
    first = session.scalar(select(func.min(ValueEntry.given_on)))
    return list(range(today.year, min(first.year if first else today.year, today.year) - 1, -1))


def _lines(year: int) -> Select[*tuple[Any, ...]]:
    return (
        select(ValueEntry, Contact, Organization.name, Person.name)
        .join(Contact, Contact.id == ValueEntry.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .outerjoin(Person, Person.id == ValueEntry.approved_by_id)
        .where(_in(year))
    )


def _line(entry: ValueEntry, contact: Contact, place: str | None, approved_by: str | None) -> Line:
    return Line(
        id=entry.id,
        given_on=entry.given_on,
        contact_id=contact.id,
        name=contact.name,
        kind=contact.kind,
        place=place or "",
        what=entry.what,
        sort=rules.KIND_LABELS[entry.kind],
        amount_cents=entry.amount_cents,
        receipt_note=entry.receipt_note,
        override_reason=entry.override_reason,
        event_id=entry.event_id,
        struck_why=entry.struck_why,
        approved_by=approved_by or "",
    )


def _total(contact: Contact, place: str | None, given: int, limit: int | None, planned: int) -> Total:
    limited = rules.is_limited(contact.kind, stark_physician=contact.stark_physician)
    if contact.audience_class == "client":
        limit, limited = rules.CLIENT_YEAR_CENTS, True
    reach = limit if limited else None
    return Total(contact.id, contact.name, contact.kind, place or "", given, reach, limited, planned)


def _entered(session: Session) -> dict[int, int]:
    return {row.year: row.limit_cents for row in session.scalars(select(YearLimit))}


def _in(year: int) -> ColumnElement[bool]:
    return ValueEntry.given_on.between(date(year, 1, 1), date(year, 12, 31))
