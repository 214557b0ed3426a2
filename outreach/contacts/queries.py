"""Reads shaped for screens of any room: a contact at a glance, and the months behind the pulse."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from outreach.contacts import searching
from outreach.contacts.models import Contact, Organization
from outreach.contacts.timeline import PERSONAL, Touch

REFERRED = "referred"
MONTHS = 12


@dataclass(frozen=True)
class ContactCard:
    """A contact as rows and pickers show it."""

    id: int
    name: str
    kind: str
    audience_class: str
    organization_id: int | None
    organization_name: str
    title: str
    specialty: str
    email: str | None
    phone: str
    city: str
    ask_for: str
    best_time: str
    owner_id: int | None

    @property
    def role(self) -> str:
        """What they are, in words: the title, else the specialty."""
        return self.title or self.specialty


@dataclass(frozen=True)
class Month:
    """One month of the pulse."""

    referrals: int
    touches: int
    label: str


def cards_for(session: Session, contact_ids: Collection[int]) -> dict[int, ContactCard]:
    """Cards by id, in one query; ids that do not exist are left out."""
    if not contact_ids:
        return {}
    rows = session.execute(
        select(Contact, Organization.name)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(Contact.id.in_(contact_ids))
    )
    return {contact.id: card(contact, place) for contact, place in rows}


def card(contact: Contact, organization_name: str | None) -> ContactCard:
    """The card of a loaded contact."""
    return ContactCard(
        id=contact.id,
        name=contact.name or contact.email or "No name",
        kind=contact.kind,
        audience_class=contact.audience_class,
        organization_id=contact.organization_id,
        organization_name=organization_name or "",
        title=contact.title,
        specialty=contact.specialty,
        email=contact.email,
        phone=contact.phone,
        city=contact.city,
        ask_for=contact.ask_for,
        best_time=contact.best_time,
        owner_id=contact.owner_id,
    )


def months_of(
    session: Session, contact_ids: Collection[int], *, now: datetime, zone: tzinfo = UTC
) -> dict[int, list[Month]]:
    """Twelve months up to this one, oldest first, for every id: referrals received and personal touches made."""
    first, labels = _months_before(now.astimezone(zone))
    counted = {contact_id: [[0, 0] for _ in labels] for contact_id in contact_ids}
    if not counted:
        return {}
    # The kind as an expression: SQLite would else go through all touches of these kinds, whosever they are.
    kinds = Touch.kind.concat("").in_((REFERRED, *PERSONAL))
    rows = session.execute(
        select(Touch.contact_id, Touch.kind, Touch.at).where(
            Touch.contact_id.in_(contact_ids), Touch.at >= first, kinds
        )
    )
    start = first.astimezone(zone)
    for contact_id, kind, at in rows:
        local = at.astimezone(zone)
        month = (local.year - start.year) * 12 + local.month - start.month
        if 0 <= month < MONTHS:
            counted[contact_id][month][0 if kind == REFERRED else 1] += 1
    return {
        contact_id: [Month(r, t, label) for (r, t), label in zip(months, labels, strict=True)]
        for contact_id, months in counted.items()
    }


def _months_before(local: datetime) -> tuple[datetime, list[str]]:
    start = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    firsts = []
    for _ in range(MONTHS):
        firsts.append(start)
        last_month = start.month - 1 or 12
        start = start.replace(year=start.year - (last_month == 12), month=last_month)
    return firsts[-1].astimezone(UTC), [f"{first:%b}" for first in reversed(firsts)]


def find(session: Session, text: str, *, limit: int = 8) -> list[ContactCard]:
    """Contacts in whose name, place, phone, e-mail or NPI the text stands, for pickers; by name."""
    live = and_(Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None))
    found = searching.few(session, live, text)
    rows = session.execute(
        select(Contact, Organization.name)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(live, searching.stands_in(session, text) if found is None else Contact.id.in_(found))
        .order_by(Contact.sort_name, Contact.id)
        .limit(limit)
    )
    return [card(contact, place) for contact, place in rows]
