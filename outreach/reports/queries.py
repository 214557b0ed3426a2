"""The numbers of analytics, each by one aggregate in the database and each with the list behind it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, distinct, extract, func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.practice.models import Payer
from outreach.referrals.models import LapseAlert, Referral
from outreach.referrals.queries import class_of_source, got_to, out_of_network
from outreach.referrals.rules import OPEN_STAGES, STAGE_LABELS
from outreach.reports.rules import Span, middle_of
from outreach.reports.scope import Scope

ACTIVE_DAYS = 90
FUNNEL = ("received", "contacted", "scheduled", "evaluated", "started")
SERIES = {
    "provider": "Physicians and offices",
    "organization": "Community",
    "client": "Former clients",
    "peer": "Peer therapists",
    "other": "Other",
}
TOP = 6


@dataclass(frozen=True)
class Totals:
    """The counts of a stretch of days."""

    received: int
    started: int
    open: int
    sources: int
    reached: dict[str, int]
    out_of_network: int
    known_payer: int


@dataclass(frozen=True)
class Source:
    """One source with its numbers and its last twelve months."""

    contact_id: int
    name: str
    place: str
    kind: str
    sent: int
    started: int
    trend: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Quiet:
    """A referrer whose silence is unusual by their own rhythm."""

    contact_id: int
    name: str
    place: str
    kind: str
    phone: str
    last_on: date
    usual_gap_days: float
    p_active: float

    @property
    def a_year(self) -> float:
        """What the rhythm before the silence comes to in a year."""
        return 365 / self.usual_gap_days if self.usual_gap_days > 0 else 0.0


def totals(session: Session, scope: Scope) -> Totals:
    """All plain counts of a scope in one query."""
    stages = [_sum(got_to(stage)) for stage in FUNNEL[1:]]
    received, started, still_open, sources, out, known, *reached = session.execute(
        _from_log(
            func.count(Referral.id),
            _sum(got_to("started")),
            _sum(Referral.stage.in_(OPEN_STAGES)),
            func.count(distinct(Referral.contact_id)),
            _sum(out_of_network()),
            _sum(Referral.payer_id.is_not(None)),
            *stages,
        ).where(scope.condition())
    ).one()
    counts = dict(zip(FUNNEL, (received, *reached), strict=True))
    return Totals(
        received=received,
        started=started or 0,
        open=still_open or 0,
        sources=sources,
        reached={stage: number or 0 for stage, number in counts.items()},
        out_of_network=out or 0,
        known_payer=known or 0,
    )


def days_to_evaluation(session: Session, scope: Scope) -> float | None:
    """The median of days from received to the first visit, over those evaluated; None of nobody."""
    rows = session.execute(
        _from_log(Referral.received_on, Referral.evaluated_on, func.count(Referral.id))
        .where(scope.condition(), Referral.evaluated_on.is_not(None))
        .group_by(Referral.received_on, Referral.evaluated_on)
    )
    return middle_of([((seen - received).days, often) for received, seen, often in rows])


def active_referrers(session: Session, scope: Scope) -> int:
    """Contacts with a referral in the 90 days up to the end of the scope."""
    counted = _from_log(func.count(distinct(Referral.contact_id))).where(last_ninety(scope).condition())
    return session.scalar(counted) or 0


def last_ninety(scope: Scope) -> Scope:
    """The same filters over the 90 days up to the end of the scope."""
    last = scope.span.last
    return scope.over(Span(last - timedelta(days=ACTIVE_DAYS - 1), last))


def by_month(session: Session, scope: Scope) -> list[tuple[Span, dict[str, int]]]:
    """Every month of the scope with its referrals by sort of source; the ends are cut to the scope."""
    rows = session.execute(
        _from_log(
            extract("year", Referral.received_on),
            extract("month", Referral.received_on),
            class_of_source(),
            func.count(Referral.id),
        )
        .where(scope.condition())
        .group_by(extract("year", Referral.received_on), extract("month", Referral.received_on), class_of_source())
    )
    counts = {(int(year), int(month), group): number for year, month, group, number in rows}
    return [
        (part, {group: counts.get((part.first.year, part.first.month, group), 0) for group in SERIES})
        for part in months_in(scope.span)
    ]


def months_in(span: Span) -> list[Span]:
    """The calendar months that a span touches, cut to it."""
    parts, first = [], span.first
    while first <= span.last:
        following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
        parts.append(Span(first, min(following - timedelta(days=1), span.last)))
        first = following
    return parts


def top_sources(session: Session, scope: Scope, *, limit: int = TOP) -> list[Source]:
    """The contacts who sent the most in the scope, with their trend over the twelve months up to its end."""
    rows = session.execute(
        _from_log(Contact, Organization.name, func.count(Referral.id), _sum(got_to("started")))
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(scope.condition(), Referral.contact_id.is_not(None))
        .group_by(Contact.id, Organization.name)
        .order_by(func.count(Referral.id).desc(), Contact.sort_name, Contact.id)
        .limit(limit)
    ).all()
    trends = _trends(session, scope, [row[0].id for row in rows])
    return [
        Source(contact.id, contact.name, place or "", contact.kind, sent, started or 0, trends[contact.id])
        for contact, place, sent, started in rows
    ]


def payer_mix(session: Session, scope: Scope) -> list[tuple[int | None, str, int, int]]:
    """(payer id, name, in network, out of network), the most frequent first; the unknown one last."""
    outside = case((out_of_network(), 1), else_=0)
    rows = session.execute(
        _from_log(Referral.payer_id, Payer.name, func.count(Referral.id), func.sum(outside))
        .outerjoin(Payer, Payer.id == Referral.payer_id)
        .where(scope.condition())
        .group_by(Referral.payer_id, Payer.name)
        .order_by(func.count(Referral.id).desc(), Payer.name)
    ).all()
    found = [(payer, name or "Not known yet", number - (out or 0), out or 0) for payer, name, number, out in rows]
    return sorted(found, key=lambda row: row[0] is None)


def closed_by(session: Session, scope: Scope, column: Any) -> list[tuple[str, int]]:
    """Closed referrals of the scope by close reason or barrier, the most frequent first."""
    rows = session.execute(
        _from_log(column, func.count(Referral.id))
        .where(scope.condition(), Referral.stage == "closed", column.is_not(None))
        .group_by(column)
        .order_by(func.count(Referral.id).desc(), column)
    )
    return [(word, number) for word, number in rows]


def lapsing(session: Session, *, limit: int = 50) -> list[Quiet]:
    """Referrers who are unusually quiet now, those worth most first."""
    rows = session.execute(
        select(LapseAlert, Contact, Organization.name)
        .join(Contact, Contact.id == LapseAlert.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(LapseAlert.ended_on.is_(None), Contact.deleted_at.is_(None))
        .order_by(LapseAlert.usual_gap_days, LapseAlert.id)
        .limit(limit)
    )
    return [
        Quiet(
            contact.id,
            contact.name,
            place or "",
            contact.kind,
            contact.phone,
            alert.last_on,
            alert.usual_gap_days,
            alert.p_active,
        )
        for alert, contact, place in rows
    ]


def log_rows(session: Session, scope: Scope) -> Iterable[tuple[object, ...]]:
    """The referrals of the scope for a file: no client but by number, newest first."""
    rows = session.execute(
        _from_log(Referral, Contact, Organization.name, Payer.name, out_of_network())
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .outerjoin(Payer, Payer.id == Referral.payer_id)
        .where(scope.condition())
        .order_by(Referral.received_on.desc(), Referral.id.desc())
    )
    for referral, contact, place, payer, outside in rows:
        yield (
            referral.received_on.isoformat(),
            contact.name if contact else referral.source_type.replace("-", " "),
            contact.kind if contact else "",
            place or "",
            referral.discipline,
            payer or "",
            "" if not payer else "out" if outside else "in",
            STAGE_LABELS[referral.stage],
            referral.close_reason or "",
            referral.client_number,
        )


def _trends(session: Session, scope: Scope, contact_ids: list[int]) -> dict[int, list[int]]:
    last = scope.span.last
    year = Span((last - timedelta(days=364)).replace(day=1), last)
    months = [(part.first.year, part.first.month) for part in months_in(year)][-12:]
    moment = (extract("year", Referral.received_on), extract("month", Referral.received_on))
    rows = session.execute(
        _from_log(Referral.contact_id, *moment, func.count(Referral.id))
        .where(scope.over(year).condition(), Referral.contact_id.in_(contact_ids))
        .group_by(Referral.contact_id, *moment)
    )
    counts = {(contact_id, int(y), int(m)): number for contact_id, y, m, number in rows}
    return {one: [counts.get((one, *month), 0) for month in months] for one in contact_ids}


def _from_log(*columns: Any) -> Select[Any]:
    return select(*columns).select_from(Referral).outerjoin(Contact, Contact.id == Referral.contact_id)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
