"""Writing the ledger: entries that pass the limits, entries struck out, and the limit of a year."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.gifts import new_year, passing, queries, rules
from outreach.gifts.locking import one_at_a_time
from outreach.gifts.models import ValueEntry, YearLimit

MOST_CENTS = 1_000_000
EARLIEST_YEAR = 2021


@dataclass(frozen=True)
class Given:
    """What is about to be entered. `solicited`: somebody asked for it, the giver or the recipient."""

    contact_id: int
    given_on: date
    kind: str
    what: str
    amount_cents: int
    event_id: int | None = None
    solicited: bool = False
    receipt_note: str = ""
    reason: str = ""
    """Why an administrator lets it pass the limit."""


@dataclass(frozen=True)
class Recorded:
    """The entry, and how far its recipient is now."""

    entry: ValueEntry
    standing: rules.Standing


def record(
    session: Session,
    given: Given,
    *,
    now: datetime,
    today: date,
    by_id: int | None,
    is_administrator: bool = False,
    committed_cents: int = 0,
) -> Recorded | Refusal:
    """The value is in the ledger. Refusals: refused-kind, no-text, no-amount, bad-date, no-contact, over-limit.

    `committed_cents`: planned meals of the same year for the same person; they count as given.
    Over the limit only an administrator may, with a reason that is kept. Idempotent for one meal of one event.
    Two turns at the same second are weighed one after the other.
    """
    one_at_a_time(session)
    contact = session.get(Contact, given.contact_id)
    if (no := _shape(given, contact, today)) is not None:
        return no
    assert contact is not None
    if (known := _known(session, given)) is not None:
        return Recorded(known, weigh(session, contact, given, before=-known.amount_cents))
    standing = weigh(session, contact, given, committed=committed_cents)
    passed = standing.level == "blocked" and is_administrator and bool(given.reason.strip())
    if standing.level == "blocked" and not passed:
        return Refusal("over-limit", f"{standing.text} Only an administrator can enter it, with a reason.")
    entry = _entry(given, now=now, by_id=by_id, passed=passed)
    session.add(entry)
    session.flush()
    return Recorded(entry, standing)


def record_eaten(
    session: Session, given: Given, *, now: datetime, today: date, by_id: int | None
) -> Recorded | Refusal:
    """A share of a meal that took place is in the ledger, over the limit too: what happened is never left out.

    The standing says "blocked" then; the caller sees to it that an administrator looks at the cure (411.357(k)(3)).
    Refusals and idempotence: as `record`, without over-limit. An administrator's pass for this meal is kept with it.
    """
    one_at_a_time(session)
    contact = session.get(Contact, given.contact_id)
    if (no := _shape(given, contact, today)) is not None:
        return no
    assert contact is not None
    known = _known(session, given)
    if known is not None:
        return Recorded(known, weigh(session, contact, given, before=-known.amount_cents))
    standing = weigh(session, contact, given)
    entry = _entry(given, now=now, by_id=by_id, passed=False)
    leave = passing.pass_of(session, given.event_id, given.contact_id) if given.event_id is not None else None
    if leave is not None and standing.level == "blocked":
        entry.override_reason, entry.approved_by_id = leave.reason, leave.approved_by_id
    session.add(entry)
    session.flush()
    return Recorded(entry, standing)


def weigh(session: Session, contact: Contact, given: Given, *, before: int = 0, committed: int = 0) -> rules.Standing:
    """What giving this would mean in its year, without writing anything."""
    year = given.given_on.year
    return rules.weigh(
        given.amount_cents,
        before_cents=queries.total_of(session, contact.id, year) + before,
        limit_cents=queries.limit_of(session, year),
        limited=rules.is_limited(contact.kind, stark_physician=contact.stark_physician),
        client=contact.audience_class == "client",
        year=year,
        committed_cents=committed,
    )


def strike(session: Session, entry: ValueEntry, *, now: datetime, by_id: int | None, why: str) -> Refusal | None:
    """The entry counts no more, and stays readable with the reason. Refusals: no-reason. Idempotent."""
    if not why.strip():
        return Refusal("no-reason", "Say why the entry is wrong: the ledger keeps it.")
    one_at_a_time(session)
    session.flush()
    session.refresh(entry)
    if entry.struck_at is None:
        entry.struck_at, entry.struck_by_id, entry.struck_why = now, by_id, why.strip()[:500]
    return None


def set_limit(
    session: Session, year: int, limit_cents: int, *, now: datetime, by_id: int | None, source: str = ""
) -> Refusal | None:
    """The limit of that year is known, and nobody is asked for it any more. Refusals: bad-year, no-amount."""
    if not EARLIEST_YEAR <= year <= now.year + 1:
        return Refusal("bad-year", f"Limits are kept from {EARLIEST_YEAR} to next year.")
    if not 0 < limit_cents <= MOST_CENTS:
        return Refusal("no-amount", "Enter the limit in dollars, for example 535.")
    one_at_a_time(session)
    row = session.get(YearLimit, year, populate_existing=True) or YearLimit(year=year)
    row.limit_cents, row.source, row.set_at, row.set_by_id = limit_cents, source.strip()[:500], now, by_id
    session.add(row)
    new_year.no_more_asked(session, year, now=now)
    return None


def _shape(given: Given, contact: Contact | None, today: date) -> Refusal | None:
    if given.solicited:
        return Refusal("refused-kind", rules.REFUSED["solicited"])
    if given.kind not in rules.KINDS:
        return Refusal("refused-kind", rules.REFUSED.get(given.kind, "This kind of gift is not known."))
    if contact is None or contact.deleted_at is not None:
        return Refusal("no-contact", "Choose who got it.")
    if not given.what.strip():
        return Refusal("no-text", "Say what it was.")
    if not 0 < given.amount_cents <= MOST_CENTS:
        return Refusal("no-amount", "Enter what it was worth in dollars, for example 14.50.")
    if given.given_on > today or given.given_on.year < EARLIEST_YEAR:
        return Refusal("bad-date", f"The day must lie between {EARLIEST_YEAR} and today.")
    return None


def _known(session: Session, given: Given) -> ValueEntry | None:
    if given.event_id is None:
        return None
    return session.scalar(
        select(ValueEntry).where(
            ValueEntry.event_id == given.event_id,
            ValueEntry.contact_id == given.contact_id,
            ValueEntry.kind == given.kind,
            ValueEntry.struck_at.is_(None),
        )
    )


def _entry(given: Given, *, now: datetime, by_id: int | None, passed: bool) -> ValueEntry:
    return ValueEntry(
        given_on=given.given_on,
        contact_id=given.contact_id,
        kind=given.kind,
        what=given.what.strip()[:500],
        amount_cents=given.amount_cents,
        event_id=given.event_id,
        receipt_note=given.receipt_note.strip()[:500],
        recorded_at=now,
        recorded_by_id=by_id,
        override_reason=given.reason.strip()[:500] if passed else "",
        approved_by_id=by_id if passed else None,
    )
