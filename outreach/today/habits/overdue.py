"""The overdue list: contacts past their tier's interval, per owner, those worth most first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.practice.models import Person
from outreach.referrals import rhythms
from outreach.referrals.rhythms import Coverage

PAGE = 50
EVERYBODY, NOBODY = "all", "nobody"


@dataclass(frozen=True)
class Late:
    """One contact past the interval."""

    contact_id: int
    name: str
    kind: str
    place: str
    phone: str
    tier: str
    last_at: datetime | None
    owner: str


@dataclass(frozen=True)
class Owned:
    """What one person (or nobody, or somebody who left) looks after: per tier, and together."""

    key: str
    """What `whose` in the address is called."""
    name: str
    left: bool
    tiers: dict[str, Coverage]

    @property
    def total(self) -> Coverage:
        """All tiers together."""
        return sum(self.tiers.values(), Coverage())


def owners(session: Session, *, today: date, zone: ZoneInfo) -> list[Owned]:
    """Coverage per owner, who works here first, then who left, then nobody's. Two queries."""
    found = rhythms.coverage_by_owner(session, on=today, zone=zone)
    people = {row.id: row for row in session.execute(select(Person.id, Person.name, Person.active))}
    ids = sorted({owner for owner, _ in found if owner in people}, key=lambda one: people[one].name)
    owned = [Owned(str(one), people[one].name, not people[one].active, _tiers(found, one)) for one in ids]
    owned.sort(key=lambda one: one.left)
    return owned + [Owned(NOBODY, "Nobody yet", False, _tiers(found, None))] * any(owner is None for owner, _ in found)


def late(
    session: Session, whose: str, *, today: date, zone: ZoneInfo, after: int | None = None, limit: int = PAGE
) -> list[Late]:
    """A page of the list, most expected referrals first, after that contact; one row more than a page if any."""
    last = (
        select(func.max(Touch.at))
        .where(Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL))
        .correlate(Contact)
        .scalar_subquery()
    )
    every = rhythms.rhythms_of(session)
    rows = session.execute(
        select(Contact, Organization.name, Standing.tier, last, Person.name)
        .join(Standing, Standing.contact_id == Contact.id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .outerjoin(Person, Person.id == Contact.owner_id)
        .where(rhythms.counted(), rhythms.overdue(every, on=today, zone=zone), _of(whose), _after(session, after))
        .order_by(Standing.expected_90.desc(), Contact.id)
        .limit(limit + 1)
    )
    return [
        Late(one.id, one.name, one.kind, place or "", one.phone, tier or "", at, owner or "")
        for one, place, tier, at, owner in rows
    ]


def _tiers(found: Mapping[tuple[int | None, str], Coverage], owner: int | None) -> dict[str, Coverage]:
    return {tier: one for (whose, tier), one in sorted(found.items(), key=lambda item: item[0][1]) if whose == owner}


def _of(whose: str) -> ColumnElement[bool]:
    if whose == NOBODY:
        return Contact.owner_id.is_(None)
    return Contact.owner_id == int(whose) if whose.isdigit() else true()


def _after(session: Session, contact_id: int | None) -> ColumnElement[bool]:
    standing = session.get(Standing, contact_id) if contact_id else None
    if standing is None:
        return true()
    worth = standing.expected_90
    # The first condition leads the index to the place where the page begins: an "or" alone leads it nowhere.
    behind = or_(Standing.expected_90 < worth, Standing.contact_id > standing.contact_id)
    return and_(Standing.expected_90 <= worth, behind)
