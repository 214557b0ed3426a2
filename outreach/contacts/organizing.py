"""Organizations are added and changed. What refers or is written to is an organization's desk: a contact of its own."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import searching
from outreach.contacts.entry import organization_values
from outreach.contacts.models import Contact, Membership, Organization
from outreach.errors import Refusal

DESK_KINDS = {"medical-practice": "office", "payer": "payer", "transport-partner": "transport-partner"}
"""The kind of an organization's desk; a therapy practice's is a peer, every other place is community."""


def add_organization(
    session: Session, *, now: datetime, by_id: int | None, despite_duplicates: bool = False, **fields: Any
) -> Organization | Refusal:
    """The organization is in the book. `fields` are columns of Organization.

    Refusals: those of `entry.organization_values`, no-name, duplicate-npi, and maybe-duplicate (same name and ZIP;
    details are ids) unless `despite_duplicates`. Not idempotent.
    """
    values = organization_values(fields, today=now.date())
    if isinstance(values, Refusal):
        return values
    if not values.get("name"):
        return Refusal("no-name", "An organization needs a name.")
    refusal = _conflict(session, values, None)
    if refusal is None and not despite_duplicates:
        refusal = _look_alike(session, values)
    if refusal is not None:
        return refusal
    place = Organization(**values, created_at=now)
    session.add(place)
    session.flush()
    return place


def edit_organization(
    session: Session,
    place: Organization,
    *,
    now: datetime,
    by_id: int | None,
    version: int | None = None,
    **fields: Any,
) -> Organization | Refusal:
    """The fields given are changed. Idempotent. `version` is the one that was shown; None asks for no look.

    Refusals: those of `entry.organization_values`, duplicate-npi, changed-meanwhile (somebody saved in between).
    """
    values = organization_values(fields, today=now.date())
    if isinstance(values, Refusal):
        return values
    session.refresh(place, with_for_update=True)
    if version is not None and place.version != version:
        return Refusal("changed-meanwhile", "Somebody else changed this place in the meantime.")
    refusal = _conflict(session, values, place.id)
    if refusal is not None:
        return refusal
    changed = {name: value for name, value in values.items() if getattr(place, name) != value}
    for name, value in changed.items():
        setattr(place, name, value)
    place.version += bool(changed)
    session.flush()
    if "name" in changed:
        searching.note_people_of(session, place.id)
    return place


def desk_of(session: Session, place: Organization, *, now: datetime, today: date) -> Contact:
    """The one contact that stands for the organization itself; made when there is none. Idempotent."""
    kind = DESK_KINDS.get(
        place.type, "peer-therapist" if place.type == "therapy-practice" else "community-organization"
    )
    desk = session.scalar(
        select(Contact)
        .where(
            Contact.organization_id == place.id,
            Contact.first_name == "",
            Contact.last_name == place.name,
            Contact.deleted_at.is_(None),
        )
        .limit(1)
    )
    if desk is not None:
        return desk
    desk = Contact(
        kind=kind,
        last_name=place.name,
        sort_name=place.name.lower(),
        organization_id=place.id,
        phone=place.phone,
        fax=place.fax,
        street=place.street,
        city=place.city,
        state=place.state,
        zip5=place.zip5,
        added_on=today,
        created_at=now,
        updated_at=now,
    )
    session.add(desk)
    session.flush()
    session.add(Membership(contact_id=desk.id, organization_id=place.id, role="desk"))
    return desk


def _conflict(session: Session, values: dict[str, Any], own_id: int | None) -> Refusal | None:
    if not values.get("npi"):
        return None
    other = session.scalar(select(Organization).where(Organization.npi == values["npi"]))
    if other is None or other.id == own_id:
        return None
    return Refusal("duplicate-npi", f"{other.name} has this NPI already.", (str(other.id),))


def _look_alike(session: Session, values: dict[str, Any]) -> Refusal | None:
    same = select(Organization).where(Organization.name == values["name"], Organization.deleted_at.is_(None))
    if values.get("zip5"):
        same = same.where(Organization.zip5.in_((values["zip5"], "")))
    other = session.scalar(same.limit(1))
    if other is None:
        return None
    text = f"{other.name} is in the book already: save again to keep both."
    return Refusal("maybe-duplicate", text, (str(other.id),))
