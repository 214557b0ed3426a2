"""The list of contacts, by yield: page by page, with a constant number of queries whatever the size of the book."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select, true
from sqlalchemy.orm import Session, aliased

from outreach.contacts.consent import EVERYTHING
from outreach.contacts.group_rules import GroupFact
from outreach.contacts.groups import latest_consent, live
from outreach.contacts.kinds import REFERRING_KINDS
from outreach.contacts.models import Contact, Organization
from outreach.contacts.queries import ContactCard, Month, cards_for, months_of, named_like
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import PERSONAL, Touch

PAGE = 50
NEW_FOR = timedelta(days=30)
QUIET_AFTER = timedelta(days=90)
VIEWS = {
    "all": "All",
    "top": "Top referrers",
    "lapsing": "Lapsing",
    "new": "New",
    "never": "Never contacted",
    "no-permission": "No permission",
}


@dataclass(frozen=True)
class Wanted:
    """What the list is asked for."""

    view: str = "all"
    text: str = ""
    kind: str = ""
    after: str = ""
    """Where the last page ended: "y:expected:id" among those with a standing, "n:id" among the others."""


@dataclass(frozen=True)
class Row:
    """One contact of the list."""

    card: ContactCard
    standing: Standing | None
    months: list[Month]
    last_touch_at: datetime | None


@dataclass(frozen=True)
class Listing:
    """One page; `after` is where the next one begins, or empty at the end."""

    rows: list[Row]
    total: int
    after: str
    ids: list[int] = field(default_factory=list)


def listing(session: Session, wanted: Wanted, *, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact]) -> Listing:
    """The page that is asked for: highest yield first, then those without a standing by name."""
    matching = condition(wanted, now=now, zone=zone, facts=facts)
    total = session.scalar(_from(select(func.count(Contact.id)), wanted).where(matching)) or 0
    ids, more = _page(session, wanted, matching)
    return Listing(rows_for(session, ids, now=now, zone=zone), total, _cursor(session, ids[-1]) if more else "", ids)


def condition(wanted: Wanted, *, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact]) -> ColumnElement[bool]:
    """The condition on Contact (with Organization joined) that the filters stand for."""
    clauses = [live(), _view(wanted.view, now=now, zone=zone, facts=facts)]
    if wanted.kind:
        clauses.append(Contact.kind == wanted.kind)
    if wanted.text.strip():
        clauses.append(named_like(wanted.text))
    return and_(*clauses)


def all_ids(session: Session, wanted: Wanted, matching: ColumnElement[bool]) -> list[int]:
    """Every contact of the list, by name: for an export."""
    return list(
        session.scalars(_from(select(Contact.id), wanted).where(matching).order_by(Contact.sort_name, Contact.id))
    )


def rows_for(session: Session, ids: Sequence[int], *, now: datetime, zone: ZoneInfo) -> list[Row]:
    """Rows in the order of the ids, in four queries."""
    cards, months = cards_for(session, ids), months_of(session, ids, now=now, zone=zone)
    standings, touched = standings_of(session, ids), last_touches(session, ids)
    return [Row(cards[id_], standings.get(id_), months[id_], touched.get(id_)) for id_ in ids if id_ in cards]


def standings_of(session: Session, ids: Collection[int]) -> dict[int, Standing]:
    """Standings by contact, in one query."""
    if not ids:
        return {}
    found = session.scalars(select(Standing).where(Standing.contact_id.in_(ids)))
    return {standing.contact_id: standing for standing in found}


def last_touches(session: Session, ids: Collection[int]) -> dict[int, datetime]:
    """When each contact was last called, visited, met or written to in person, in one query."""
    if not ids:
        return {}
    rows = session.execute(
        select(Touch.contact_id, func.max(Touch.at))
        .where(Touch.contact_id.in_(ids), Touch.kind.in_(PERSONAL))
        .group_by(Touch.contact_id)
    )
    return {row[0]: row[1] for row in rows}


def _view(view: str, *, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact]) -> ColumnElement[bool]:
    if view == "top":
        return Contact.id.in_(select(Standing.contact_id).where(Standing.tier == "A"))
    if view == "lapsing":
        return _lapsing(now=now, zone=zone, facts=facts)
    if view == "new":
        return Contact.added_on >= (now.astimezone(zone) - NEW_FOR).date()
    if view == "never":
        return not_(exists().where(Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL)))
    if view == "no-permission":
        return latest_consent(EVERYTHING).is_not(True)
    return true()


def _lapsing(*, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact]) -> ColumnElement[bool]:
    known = next((fact for fact in facts if fact.name == "lapsing"), None)
    if known is not None:
        return known.clause("is", ["yes"], now=now, zone=zone)
    referred = exists().where(Touch.contact_id == Contact.id, Touch.kind == "referred")
    return and_(Contact.kind.in_(REFERRING_KINDS), referred, not_(referred.where(Touch.at >= now - QUIET_AFTER)))


def _from(query: Select[Any], wanted: Wanted) -> Select[Any]:
    if not wanted.text.strip():
        return query
    return query.outerjoin(Organization, Organization.id == Contact.organization_id)


def _page(session: Session, wanted: Wanted, matching: ColumnElement[bool]) -> tuple[list[int], bool]:
    """Two stretches, each along its index: those with a standing by yield, then the others by name."""
    kind, *place = wanted.after.split(":")
    ids: list[int] = []
    if kind in ("", "y"):
        # An alias, so that a condition on standings stays a query of its own.
        own = aliased(Standing)
        ranked = _from(select(Contact.id).join(own, own.contact_id == Contact.id), wanted).where(matching)
        if len(place) == 2:
            expected, last_id = _number(place[0]), _id(place[1])
            same = and_(own.expected_90 == expected, own.contact_id < last_id)
            ranked = ranked.where(or_(own.expected_90 < expected, same))
        ranked = ranked.order_by(own.expected_90.desc(), own.contact_id.desc())
        ids += session.scalars(ranked.limit(PAGE + 1)).all()
    if len(ids) <= PAGE:
        unranked = not_(exists().where(Standing.contact_id == Contact.id))
        others = _from(select(Contact.id), wanted).where(matching, unranked)
        if kind == "n" and place:
            last_id = _id(place[0])
            last = session.get(Contact, last_id)
            name = last.sort_name if last else ""
            same = and_(Contact.sort_name == name, Contact.id > last_id)
            others = others.where(or_(Contact.sort_name > name, same))
        others = others.order_by(Contact.sort_name, Contact.id)
        ids += session.scalars(others.limit(PAGE + 1 - len(ids))).all()
    return ids[:PAGE], len(ids) > PAGE


def _cursor(session: Session, last_id: int) -> str:
    standing = session.get(Standing, last_id)
    return f"y:{standing.expected_90!r}:{last_id}" if standing else f"n:{last_id}"


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
