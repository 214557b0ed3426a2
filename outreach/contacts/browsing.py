"""The list of contacts: page by page, with a constant number of queries and no count, whatever the size of the book."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from outreach.contacts import searching
from outreach.contacts.consent import EVERYTHING
from outreach.contacts.group_asking import among
from outreach.contacts.group_rules import Choices, GroupFact
from outreach.contacts.groups import latest_consent, live, matching
from outreach.contacts.kinds import REFERRING_KINDS
from outreach.contacts.models import Contact, ContactTag, Group
from outreach.contacts.queries import ContactCard, Month, cards_for, months_of
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


SORTS = {"yield": "Highest yield first", "name": "By name"}
FROM_YIELD = ("top", "lapsing")
"""Views that tell who refers: a list made of one carries the mark (architecture 3)."""
MOST_COUNTED = 1000
"""So many are counted at once; of more the page says "more than 1,000" and counts them afterwards."""
SPARSE = 0.05
SOURCE_STATUS = "source-status"


@dataclass(frozen=True)
class Wanted:
    """What the list is asked for."""

    view: str = "all"
    text: str = ""
    kind: str = ""
    owner: str = ""
    """A person's id, "0" for nobody, "" for everybody's."""
    tag: str = ""
    group: str = ""
    status: str = ""
    """A status as a source, of those that the fact SOURCE_STATUS offers."""
    sort: str = "yield"
    after: str = ""
    """Where the last page ended: "y:expected:id" among those with a standing, "n:id:sort_name" among the others: as
    they were shown, so that a change in between moves nobody else off the pages."""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the whole book is asked for."""
        return bool(self.view != "all" or self.text or self.kind or self.owner or self.tag or self.group or self.status)


@dataclass(frozen=True)
class Row:
    """One contact of the list."""

    card: ContactCard
    standing: Standing | None
    months: list[Month]
    last_touch_at: datetime | None


@dataclass(frozen=True)
class Listing:
    """One page; `after` is where the next one begins, or empty at the end. `total` is None for more than 1,000."""

    rows: list[Row]
    total: int | None
    after: str
    ids: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Asking:
    """The turn's side of a question to the list."""

    session: Session
    now: datetime
    zone: ZoneInfo
    facts: Sequence[GroupFact]


def listing(asking: Asking, wanted: Wanted) -> Listing:
    """The page that is asked for: highest yield first, then those without a standing by name; or all by name.

    Few are found by an index and sorted; many are met soon by walking along the order that is wanted.
    """
    session = asking.session
    some = select(Contact.id).where(condition(asking, wanted, seeking=True)).limit(MOST_COUNTED + 1)
    found = list(session.scalars(some))
    few = len(found) <= MOST_COUNTED
    where = Contact.id.in_(found) if few else condition(asking, wanted)
    walking = not few and _mostly_ranked(session, found)
    ids, more = _page(session, wanted, where, walking=walking, among_few=found if few else ())
    rows = rows_for(session, ids, now=asking.now, zone=asking.zone)
    after = _cursor(session, wanted, ids[-1]) if more else ""
    return Listing(rows, len(found) if few else None, after, ids)


def condition(asking: Asking, wanted: Wanted, *, seeking: bool = False) -> ColumnElement[bool]:
    """The condition on Contact that the filters stand for; `seeking`: see `group_rules.Fact.seek`."""
    clauses = [live(), _view(asking, wanted.view, seeking)]
    if wanted.kind:
        clauses.append(Contact.kind == wanted.kind)
    if wanted.owner:
        nobodys = wanted.owner == "0"
        clauses.append(Contact.owner_id.is_(None) if nobodys else Contact.owner_id == _id(wanted.owner))
    if wanted.tag:
        clauses.append(_tagged(wanted.tag, seeking))
    if wanted.group:
        clauses.append(_in_group(asking, _id(wanted.group), seeking))
    if wanted.status:
        clauses.append(_asked(asking, SOURCE_STATUS, wanted.status, seeking))
    if wanted.text.strip():
        asked = searching.found if seeking else searching.stands_in
        clauses.append(asked(asking.session, wanted.text))
    return and_(*clauses)


def total(asking: Asking, wanted: Wanted) -> int:
    """How many contacts the list has: up to a second in a million, so it is asked for after the page is there."""
    counted = select(func.count()).select_from(Contact).where(condition(asking, wanted, seeking=True))
    return asking.session.scalar(counted) or 0


def all_ids(asking: Asking, wanted: Wanted) -> list[int]:
    """Every contact of the list, by name: for an export."""
    chosen = select(Contact.id).where(condition(asking, wanted, seeking=True))
    return list(asking.session.scalars(chosen.order_by(Contact.sort_name, Contact.id)))


def rests_on_yield(session: Session, wanted: Wanted) -> bool:
    """Whether who is on the list tells of referrals or yield."""
    group = session.get(Group, _id(wanted.group)) if wanted.group else None
    return bool(wanted.status) or wanted.view in FROM_YIELD or (group is not None and group.from_yield)


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
    # Contact by contact along its own touches: grouped, SQLite would walk through those of everybody.
    last = select(func.max(Touch.at)).where(Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL))
    rows = session.execute(select(Contact.id, last.scalar_subquery()).where(Contact.id.in_(ids)))
    return {row[0]: row[1] for row in rows if row[1] is not None}


def _view(asking: Asking, view: str, seeking: bool) -> ColumnElement[bool]:
    if view == "top":
        if seeking:
            return among(Standing.contact_id, Standing.tier == "A")
        return exists().where(Standing.contact_id == Contact.id, Standing.tier == "A")
    if view == "lapsing":
        return _lapsing(asking, seeking)
    if view == "new":
        return Contact.added_on >= (asking.now.astimezone(asking.zone) - NEW_FOR).date()
    if view == "never":
        return not_(exists().where(Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL)))
    if view == "no-permission":
        return latest_consent(EVERYTHING).is_not(True)
    return true()


def statuses(asking: Asking) -> Choices:
    """What a source can be, as (stored, shown); empty where nobody offers it."""
    known = _known(asking, SOURCE_STATUS)
    return known.choices(asking.session) if known is not None else ()


def _known(asking: Asking, name: str) -> GroupFact | None:
    return next((fact for fact in asking.facts if fact.name == name), None)


def _asked(asking: Asking, name: str, value: str, seeking: bool) -> ColumnElement[bool]:
    """The condition of another room's fact; nobody where no room offers it."""
    known = _known(asking, name)
    if known is None:
        return false()
    seek = getattr(known, "seek", None) if seeking else None
    try:
        if seek is not None:
            sought: ColumnElement[bool] = seek("is", [value], asking.now, asking.zone)
            return sought
        return known.clause("is", [value], now=asking.now, zone=asking.zone)
    except ValueError:  # an address may ask for a word that nobody knows
        return false()


def _lapsing(asking: Asking, seeking: bool) -> ColumnElement[bool]:
    if _known(asking, "lapsing") is not None:
        return _asked(asking, "lapsing", "yes", seeking)
    referred = exists().where(Touch.contact_id == Contact.id, Touch.kind == "referred")
    quiet = not_(referred.where(Touch.at >= asking.now - QUIET_AFTER))
    return and_(Contact.kind.in_(REFERRING_KINDS), referred, quiet)


def _tagged(tag: str, seeking: bool) -> ColumnElement[bool]:
    if seeking:
        return among(ContactTag.contact_id, ContactTag.tag == tag)
    return exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag == tag)


def _in_group(asking: Asking, group_id: int, seeking: bool) -> ColumnElement[bool]:
    group = asking.session.get(Group, group_id) or Group(id=0, name="", rules={}, fixed=False)
    return matching(asking.session, group, now=asking.now, zone=asking.zone, facts=asking.facts, seeking=seeking)


def _mostly_ranked(session: Session, some: Sequence[int]) -> bool:
    """Whether enough of these have a standing that a walk along the standings soon meets a page of them."""
    ranked = select(func.count()).select_from(Standing).where(Standing.contact_id.in_(some))
    return (session.scalar(ranked) or 0) >= SPARSE * len(some)


def _page(
    session: Session, wanted: Wanted, where: ColumnElement[bool], *, walking: bool, among_few: Sequence[int]
) -> tuple[list[int], bool]:
    """Two stretches, each along its index: those with a standing by yield, then the others by name."""
    kind, *place = wanted.after.split(":", 2)
    ids: list[int] = []
    if wanted.sort == "yield" and kind in ("", "y"):
        ids += session.scalars(_ranked(where, place, walking).limit(PAGE + 1)).all()
    if len(ids) <= PAGE:
        others = _by_name(where, place if kind == "n" else [], among_few)
        if wanted.sort == "yield":
            # The outer query's contact, under the name that `_by_name` gives it.
            others = others.where(not_(exists().where(Standing.contact_id == _walked.id)))
        ids += session.scalars(others.limit(PAGE + 1 - len(ids))).all()
    return ids[:PAGE], len(ids) > PAGE


_walked = aliased(Contact, name="walked")
"""The contact met on the way; a condition on Contact is asked about it in a query of its own, which has no other way
to go about it than by the number. Without this SQLite would rather take an index of the condition and sort."""


def _ranked(where: ColumnElement[bool], place: list[str], walking: bool) -> Select[int]:
    own = aliased(Standing)
    if walking:
        ranked = select(own.contact_id).where(exists().where(Contact.id == own.contact_id, where))
    else:
        ranked = select(own.contact_id).join(Contact, Contact.id == own.contact_id).where(where)
    if len(place) == 2:
        ranked = ranked.where(tuple_(own.expected_90, own.contact_id) < tuple_(_number(place[0]), _id(place[1])))
    return ranked.order_by(own.expected_90.desc(), own.contact_id.desc())


def _by_name(where: ColumnElement[bool], place: list[str], among_few: Sequence[int]) -> Select[int]:
    few = _walked.id.in_(among_few)
    others = select(_walked.id).where(few if among_few else exists().where(Contact.id == _walked.id, where))
    if place:
        last_id = _id(place[0])
        name = place[1] if len(place) == 2 else ""
        others = others.where(tuple_(_walked.sort_name, _walked.id) > tuple_(name, last_id))
    return others.order_by(_walked.sort_name, _walked.id)


def _cursor(session: Session, wanted: Wanted, last_id: int) -> str:
    standing = session.get(Standing, last_id) if wanted.sort == "yield" else None
    if standing is not None:
        return f"y:{standing.expected_90!r}:{last_id}"
    return f"n:{last_id}:{session.get_one(Contact, last_id).sort_name}"


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
