"""The week that ended on Sunday in numbers, against the week before, and some names behind them (never a client's)."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.referrals import rhythms
from outreach.referrals.rhythms import Coverage
from outreach.today.figures import figures
from outreach.today.figures.rules import Span
from outreach.today.planning import touches_between

CLIENT = "client"
"""The audience class whose members mail to staff never names."""
NAMED = 5
"""As many names as stand behind a number; the rest are counted."""


@dataclass(frozen=True)
class Change:
    """A number of the week and of the week before."""

    now: int
    before: int


@dataclass(frozen=True)
class Named:
    """People behind a number: some by name and place, the others (clients and the rest) as a count."""

    names: tuple[str, ...]
    others: int

    @property
    def total(self) -> int:
        """How many there are in all."""
        return len(self.names) + self.others


@dataclass(frozen=True)
class Numbers:
    """All that the digest says, for the week before `monday`."""

    monday: date
    week: dict[str, Change]
    """By the names of the figures; "lapsing" is what stands open at the end of the week."""
    new_sources: Named
    quiet: Named
    """Who was noticed in the week."""
    overdue: Change
    coverage: Coverage
    touches: Change


def numbers_of(session: Session, monday: date, *, zone: ZoneInfo) -> Numbers:
    """The week before that Monday. A constant number of queries."""
    span = figures.week_before(monday)
    days = rhythms.rhythms_of(session)
    now, before = (_coverage(session, on, days, zone) for on in (span.last, span.before.last))
    return Numbers(
        monday=monday,
        week={one.name: Change(one.value, one.before) for one in figures.figures_of(session, span)},
        new_sources=_named(session, "new-sources", span),
        quiet=_named(session, "lapsing", span, since=span.first),
        overdue=Change(now.overdue, before.overdue),
        coverage=now,
        touches=Change(*(touches_between(session, one.first, one.last, zone=zone) for one in (span, span.before))),
    )


def _coverage(session: Session, on: date, days: dict[str, int], zone: ZoneInfo) -> Coverage:
    # Tiers and intervals are those of today also for the week before: only the touches differ.
    return sum(rhythms.coverage_by_owner(session, on=on, zone=zone, days=days).values(), Coverage())


def _named(session: Session, name: str, span: Span, *, since: date | None = None) -> Named:
    rows = figures.KINDS[name].rows(span).subquery()
    found = select(Contact).join(rows, rows.c.contact_id == Contact.id)
    if since is not None:
        found = found.where(rows.c.day >= since)
    of_all = session.scalar(select(func.count()).select_from(found.with_only_columns(Contact.id).subquery())) or 0
    named = found.where(Contact.audience_class != CLIENT).order_by(rows.c.day.desc(), Contact.id).limit(NAMED)
    shown = tuple(one.name for one in session.scalars(named))
    return Named(shown, of_all - len(shown))
