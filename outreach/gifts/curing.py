"""What can be done about value over the limit of a year: how much, since when, and until when it is cured."""

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.gifts import queries, rules
from outreach.gifts.models import ValueEntry
from outreach.gifts.payback_models import ValuePayback


def excesses(session: Session, year: int, *, contact_ids: Collection[int] | None = None) -> list[rules.Excess]:
    """Every physician who got more than the limit of that year, by name; nobody while the limit is not known.

    Planned meals are not in it: only what was given can be paid back. Who paid it back stays in it, with the payback.
    """
    known = queries.limits(session)
    limit = known.get(year)
    if limit is None:
        return []
    wanted = None if contact_ids is None else set(contact_ids)
    over = [
        each
        for each, cents in queries.given(session, year).items()
        if cents > limit and (wanted is None or each in wanted)
    ]
    if not over:
        return []
    people = session.scalars(select(Contact).where(Contact.id.in_(over)).order_by(Contact.sort_name, Contact.id))
    earlier = {before: queries.given(session, before) for before in range(year - rules.CURE_YEARS, year)}
    entries, paid = _entries(session, year, over), _paid(session, year, over)
    found = []
    for person in people:
        if rules.is_limited(person.kind, stark_physician=person.stark_physician):
            before = [y for y, given in earlier.items() if y in known and given.get(person.id, 0) > known[y]]
            found.append(_excess(person, entries[person.id], limit, before, paid.get(person.id, ())))
    return found


def said_of(session: Session, contact_id: int, year: int, *, today: date) -> str:
    """What can be done about this person's excess in that year, in words; empty without one."""
    return " ".join(rules.cure(one, today=today) for one in excesses(session, year, contact_ids=[contact_id]))


def _excess(
    person: Contact,
    entries: Sequence[ValueEntry],
    limit: int,
    before: Sequence[int],
    paid: tuple[tuple[date, int], ...],
) -> rules.Excess:
    total, since = 0, None
    for entry in entries:
        total += entry.amount_cents
        if total > limit and since is None:
            since = entry.given_on
    assert since is not None
    return rules.Excess(
        contact_id=person.id,
        name=person.name,
        cents=total - limit,
        limit_cents=limit,
        since=since,
        on_purpose=any(entry.approved_by_id is not None for entry in entries),
        earlier_year=max(before, default=None),
        paid=paid,
    )


def paybacks(session: Session, year: int, contact_id: int | None = None) -> list[tuple[ValuePayback, str, str]]:
    """(payback, name, place) of everything that came back for that year, by day; struck ones too."""
    found = (
        select(ValuePayback, Contact, Organization.name)
        .join(Contact, Contact.id == ValuePayback.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(ValuePayback.year == year)
        .order_by(ValuePayback.paid_on, ValuePayback.id)
    )
    if contact_id is not None:
        found = found.where(ValuePayback.contact_id == contact_id)
    return [(payback, person.name, place or "") for payback, person, place in session.execute(found)]


def _paid(session: Session, year: int, contact_ids: Collection[int]) -> dict[int, tuple[tuple[date, int], ...]]:
    found: dict[int, tuple[tuple[date, int], ...]] = {}
    rows = session.execute(
        select(ValuePayback.contact_id, ValuePayback.paid_on, ValuePayback.amount_cents)
        .where(ValuePayback.year == year, ValuePayback.contact_id.in_(contact_ids), ValuePayback.struck_at.is_(None))
        .order_by(ValuePayback.paid_on, ValuePayback.id)
    )
    for contact_id, day, cents in rows:
        found[contact_id] = (*found.get(contact_id, ()), (day, cents))
    return found


def _entries(session: Session, year: int, contact_ids: Collection[int]) -> dict[int, list[ValueEntry]]:
    found: dict[int, list[ValueEntry]] = {each: [] for each in contact_ids}
    rows = session.scalars(
        select(ValueEntry)
        .where(
            ValueEntry.contact_id.in_(contact_ids),
            ValueEntry.given_on.between(date(year, 1, 1), date(year, 12, 31)),
            ValueEntry.struck_at.is_(None),
        )
        .order_by(ValueEntry.given_on, ValueEntry.id)
    )
    for entry in rows:
        found[entry.contact_id].append(entry)
    return found
