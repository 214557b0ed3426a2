"""Five numbers of this month against last month's up to the same day; each is counted over the rows of its list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Integer, Select, and_, case, exists, func, literal, null, or_, select, true
from sqlalchemy.orm import Session, aliased

from outreach.contacts.models import Contact, Organization
from outreach.referrals.models import LapseAlert, Referral
from outreach.referrals.queries import Filter
from outreach.today.figures.rules import Span, changed

PAGE = 50
Key = tuple[date, int]
"""Where a page of a list begins: the day and the row of the last one before it."""


@dataclass(frozen=True)
class Figure:
    """One number of the strip, with its change in words; `tone` is good, bad or ""."""

    name: str
    label: str
    value: int
    before: int
    note: str
    tone: str
    href: str


@dataclass(frozen=True)
class Line:
    """One row of a list. `number` is the client's, where the row is a referral."""

    key: Key
    contact_id: int | None
    name: str
    kind: str
    place: str
    number: str = ""
    referral_id: int | None = None


@dataclass(frozen=True)
class _Kind:
    """How one figure is counted and listed: `rows` has columns day, id, contact_id, referral_id and number."""

    label: str
    more_is_good: bool | None
    rows: Callable[[Span], Select[*tuple[Any, ...]]]
    by_day: bool = True
    """Whether a row counts by its own day alone, whatever happened before the span."""
    log: dict[str, str] | None = None
    """The filter of the referral log that shows the same rows; without one the list is ours."""


def figures_of(session: Session, span: Span) -> list[Figure]:
    """The five figures of a span, against the span before it, in a constant number of queries."""
    return [_figure(session, name, span) for name in KINDS]


def lines(session: Session, name: str, span: Span, *, after: Key | None = None, limit: int = PAGE) -> list[Line]:
    """A page of a figure's list, the latest first; one row more than `limit` when there is another page.

    Errors: KeyError for a name that is no figure.
    """
    rows = KINDS[name].rows(span).subquery()
    found = session.execute(
        select(rows, Contact, Organization.name)
        .outerjoin(Contact, Contact.id == rows.c.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(_beyond(rows.c, after))
        .order_by(rows.c.day.desc(), rows.c.id.desc())
        .limit(limit + 1)
    )
    return [
        Line(
            key=(row.day, row.id),
            contact_id=row.contact_id,
            name=row.Contact.name if row.Contact else row.source.replace("-", " ").capitalize(),
            kind=row.Contact.kind if row.Contact else "",
            place=row.name or "",
            number=row.number,
            referral_id=row.referral_id,
        )
        for row in found
    ]


def count(session: Session, name: str, span: Span) -> int:
    """How many rows the figure's list has in all."""
    return session.scalar(select(func.count()).select_from(KINDS[name].rows(span).subquery())) or 0


def _figure(session: Session, name: str, span: Span) -> Figure:
    kind = KINDS[name]
    now, before = _counts(session, name, span)
    note, tone = changed(now, before, more_is_good=kind.more_is_good)
    href = f"/today/figures/{name}"
    if kind.log is not None:
        days = {"view": "all", "from": span.first.isoformat(), "until": span.last.isoformat()}
        href = "/referrals/?" + urlencode(days | kind.log)
    return Figure(name, kind.label, now, before, note, tone, href)


def _counts(session: Session, name: str, span: Span) -> tuple[int, int]:
    """This span's count and the one before; where a row counts by its day alone, both in one walk over the log."""
    kind, earlier = KINDS[name], span.before
    if not kind.by_day:
        return count(session, name, span), count(session, name, earlier)
    rows = kind.rows(Span(min(span.first, earlier.first), max(span.last, earlier.last))).subquery()
    sums = [func.sum(case((rows.c.day.between(one.first, one.last), 1), else_=0)) for one in (span, earlier)]
    found = session.execute(select(*sums)).one()
    return found[0] or 0, found[1] or 0


_NO_REFERRAL = (
    null().cast(Integer).label("referral_id"),
    literal("").label("number"),
    literal("").label("source"),
)


def _received(*, network: str = "") -> Callable[[Span], Select[*tuple[Any, ...]]]:
    def rows(span: Span) -> Select[*tuple[Any, ...]]:
        same = Filter(view="all", received_from=span.first, received_until=span.last, network=network)
        return _log(Referral.received_on, same.condition())

    return rows


def _started(span: Span) -> Select[*tuple[Any, ...]]:
    day = func.coalesce(Referral.started_on, Referral.evaluated_on, Referral.received_on)
    got_there = or_(Referral.started_on.is_not(None), Referral.stage.in_(("started", "completed")))
    return _log(day.label("day"), and_(Filter(view="all").condition(), got_there, day.between(span.first, span.last)))


def _new_sources(span: Span) -> Select[*tuple[Any, ...]]:
    earlier = aliased(Referral)
    older = exists().where(
        earlier.contact_id == Referral.contact_id,
        earlier.direction == "in",
        earlier.deleted_at.is_(None),
        earlier.received_on < span.first,
    )
    return (
        select(
            func.min(Referral.received_on).label("day"), Contact.id.label("id"), Contact.id.label("contact_id"),
            *_NO_REFERRAL,
        )
        .join(Contact, Contact.id == Referral.contact_id)
        .where(
            Filter(view="all", received_from=span.first, received_until=span.last).condition(),
            ~older,
            Contact.deleted_at.is_(None),
        )
        .group_by(Contact.id)
    )  # fmt: skip


def _lapsing(span: Span) -> Select[*tuple[Any, ...]]:
    open_then = or_(LapseAlert.ended_on.is_(None), LapseAlert.ended_on > span.last)
    raised = func.max(LapseAlert.raised_on)
    return (
        select(
            raised.label("day"), Contact.id.label("id"), Contact.id.label("contact_id"),
            *_NO_REFERRAL,
        )
        .join(Contact, Contact.id == LapseAlert.contact_id)
        .where(LapseAlert.raised_on <= span.last, open_then, Contact.deleted_at.is_(None))
        .group_by(Contact.id)
    )  # fmt: skip


def _log(day: Any, condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            day.label("day"), Referral.id.label("id"), Referral.contact_id.label("contact_id"),
            Referral.id.label("referral_id"), Referral.client_number.label("number"),
            Referral.source_type.label("source"),
        )
        .select_from(Referral)
        .where(condition)
    )  # fmt: skip


def _beyond(columns: Any, after: Key | None) -> ColumnElement[bool]:
    if after is None:
        return true()
    day, key = after
    return or_(columns.day < day, and_(columns.day == day, columns.id < key))


KINDS: dict[str, _Kind] = {
    "referrals": _Kind("Referrals", True, _received(), log={}),
    "clients": _Kind("Became clients", True, _started),
    "new-sources": _Kind("New sources", True, _new_sources, by_day=False),
    "lapsing": _Kind("Lapsing now", False, _lapsing, by_day=False),
    "out-of-network": _Kind("Out of network", False, _received(network="out"), log={"network": "out"}),
}


def month_so_far(today: date) -> Span:
    """This month up to today; before it stands last month up to the same day."""
    first = today.replace(day=1)
    before_first = (first - timedelta(days=1)).replace(day=1)
    last_day = first - timedelta(days=1)
    return Span(first, today, Span(before_first, min(before_first + (today - first), last_day)))


def week_before(monday: date) -> Span:
    """The seven days before that Monday; before them the seven before those."""
    earlier = Span(monday - timedelta(days=14), monday - timedelta(days=8))
    return Span(monday - timedelta(days=7), monday - timedelta(days=1), earlier)
