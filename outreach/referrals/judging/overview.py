"""All sources together: how much hangs on the biggest, who is new, and how steady the months are."""

import statistics
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, case, extract, func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.referrals.judging.status_models import SourceStatus
from outreach.referrals.models import Referral

YEAR = timedelta(days=365)
MONTHS = 24
LEAST_TO_SHARE = 10
LEAST_MONTHS = 6


@dataclass(frozen=True)
class Overview:
    """The last twelve months of referrals from contacts.

    `top` is the biggest source (id, name, referrals), `top_five` what the five biggest sent, of `received`; `new` and
    `sources` count contacts; `monthly` is the middle of the last twelve full months and `swing` their usual distance
    from it, None with too few.
    """

    received: int
    sources: int
    top: tuple[int, str, int] | None
    top_five: int
    new: int
    monthly: float | None
    swing: float | None
    by_status: dict[str, int]

    @property
    def concentration(self) -> str:
        """How much hangs on the biggest source, in words."""
        if self.top is None or self.received < LEAST_TO_SHARE:
            return "Too few to judge"
        return f"{self.top[2]} of {self.received}"


def overview(session: Session, *, today: date) -> Overview:
    """The figures above the list of sources, in five queries."""
    sent = select(Referral.contact_id, func.count(Referral.id).label("sent")).where(
        *from_contacts(), Referral.received_on > today - YEAR, Referral.received_on <= today
    )
    each = sent.group_by(Referral.contact_id).subquery()
    received, sources = session.execute(select(func.coalesce(func.sum(each.c.sent), 0), func.count())).one()
    biggest = session.execute(
        select(Contact, each.c.sent)
        .join(each, each.c.contact_id == Contact.id)
        .order_by(each.c.sent.desc(), Contact.id)
        .limit(5)
    ).all()
    months = [number for _, number in months_of(session, today=today)][-13:-1]
    known = len(months) >= LEAST_MONTHS and any(months)
    typical = statistics.median(months) if known else None
    by_status = _by_status(session)
    return Overview(
        received=int(received),
        sources=sources,
        top=(biggest[0][0].id, biggest[0][0].name, biggest[0][1]) if biggest else None,
        top_five=sum(number for _, number in biggest),
        new=by_status.get("new", 0),
        monthly=typical,
        swing=statistics.median([abs(n - typical) for n in months]) if typical is not None else None,
        by_status=by_status,
    )


def months_of(session: Session, *, today: date, contact_id: int | None = None) -> list[tuple[date, int]]:
    """The last 24 calendar months, this one included, with what was received in each; of all contacts or the one.

    Months before the first referral ever are left out when all are asked for: nothing was counted then.
    """
    firsts = month_starts(today)
    year, month = extract("year", Referral.received_on), extract("month", Referral.received_on)
    counted = select(year, month, func.count(Referral.id)).where(
        *from_contacts(), Referral.received_on >= firsts[0], Referral.received_on <= today
    )
    if contact_id is not None:
        counted = counted.where(Referral.contact_id == contact_id)
    found = {(int(y), int(m)): number for y, m, number in session.execute(counted.group_by(year, month))}
    rows = [(first, found.get((first.year, first.month), 0)) for first in firsts]
    if contact_id is not None:
        return rows
    earliest = session.scalar(select(func.min(Referral.received_on)).where(*from_contacts()))
    return [row for row in rows if earliest is not None and row[0] >= earliest.replace(day=1)]


def month_starts(today: date, *, months: int = MONTHS) -> list[date]:
    """The first days of the last calendar months, oldest first, this month last."""
    last = today.year * 12 + today.month - 1
    return [date(place // 12, place % 12 + 1, 1) for place in range(last - months + 1, last + 1)]


def from_contacts() -> tuple[ColumnElement[bool], ...]:
    """The conditions on a referral that a contact sent us."""
    return (Referral.contact_id.is_not(None), Referral.direction == "in", Referral.deleted_at.is_(None))


def _by_status(session: Session) -> dict[str, int]:
    counted = (
        select(SourceStatus.status, func.count())
        .join(Contact, Contact.id == SourceStatus.contact_id)
        .where(Contact.deleted_at.is_(None))
        .group_by(SourceStatus.status)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def quiet_places(session: Session) -> list[tuple[int, str, int, int]]:
    """Organizations with two or more sources that are unusually quiet: (id, name, quiet, sources), most first.

    People of one office often stop together: it is one call to the office then, and no proof about each of them.
    """
    quiet = func.sum(case((SourceStatus.status.in_(("lapsing", "stopped")), 1), else_=0))
    rows = session.execute(
        select(Organization.id, Organization.name, quiet, func.count())
        .join(Contact, Contact.organization_id == Organization.id)
        .join(SourceStatus, SourceStatus.contact_id == Contact.id)
        .where(Contact.deleted_at.is_(None))
        .group_by(Organization.id, Organization.name)
        .having(quiet >= 2)
        .order_by(quiet.desc(), Organization.id)
        .limit(10)
    )
    return [(place_id, name, silent, sources) for place_id, name, silent, sources in rows]
