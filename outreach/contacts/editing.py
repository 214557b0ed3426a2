"""Contacts are added and changed, by hand, with the reasons for a "no" that a person can act on."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.contacts import consent, npi, specialties, timeline
from outreach.contacts.addresses import Address
from outreach.contacts.entry import contact_values, sort_name
from outreach.contacts.following import follow
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.organizing import add_organization
from outreach.errors import Refusal
from outreach.practice.models import Person

__all__ = [
    "add_contact",
    "add_organization",
    "edit_contact",
    "set_do_not_contact",
    "set_recovery_hold",
    "stop_all_mail",
]


def add_contact(
    session: Session,
    *,
    now: datetime,
    key: bytes,
    by_id: int | None,
    despite_duplicates: bool = False,
    today: date | None = None,
    **fields: Any,
) -> Contact | Refusal:
    """The contact is in the book, at its organization if one is given. `fields` are columns of Contact.

    Refusals: those of `entry.contact_values`, no-name, duplicate-npi, unknown-organization, unknown-owner, and
    maybe-duplicate (whose details are the ids that look the same) unless `despite_duplicates`. Not idempotent.
    """
    today = today or now.date()
    values = contact_values(fields, today=today)
    if isinstance(values, Refusal):
        return values
    address: Address | None = values.pop("email", None)
    if not (values.get("first_name") or values.get("last_name")):
        return Refusal("no-name", "A contact needs a name.")
    _tell_specialty(values)
    refusal = _conflict(session, values, None)
    if refusal is None and not despite_duplicates:
        refusal = _look_alike(session, values, address, key)
    if refusal is not None:
        return refusal
    contact = Contact(
        **values,
        email=address.email if address else None,
        address_hash=consent.address_hash(key, address.key) if address else None,
        sort_name=sort_name(values.get("first_name", ""), values.get("last_name", "")),
        added_on=today,
        created_at=now,
        updated_at=now,
    )
    session.add(contact)
    session.flush()
    if contact.organization_id is not None:
        session.add(Membership(contact_id=contact.id, organization_id=contact.organization_id, role=contact.title))
        session.flush()
    return contact


def edit_contact(
    session: Session,
    contact: Contact,
    *,
    now: datetime,
    key: bytes,
    by_id: int | None,
    version: int,
    today: date | None = None,
    **fields: Any,
) -> Contact | Refusal:
    """The fields given are changed and the timeline tells which; nothing happens when nothing differs.

    A move to another organization closes the membership that was open. A new address keeps the person's own opt-outs.
    Refusals: those of `entry.contact_values`, no-name, duplicate-npi, unknown-organization, unknown-owner, and
    changed-meanwhile when `version` is not the contact's any more (somebody else saved in between). Idempotent.
    """
    today = today or now.date()
    values = contact_values(fields, today=today)
    if isinstance(values, Refusal):
        return values
    session.refresh(contact, with_for_update=True)
    if contact.version != version:
        return Refusal("changed-meanwhile", f"{_last_editor(session, contact)} changed this in the meantime.")
    address = values.pop("email", None)
    if "email" in fields:
        values["email"] = address.email if address else None
    changed = {name: value for name, value in values.items() if getattr(contact, name) != value}
    _tell_specialty(changed, old=contact)
    changed = {name: value for name, value in changed.items() if getattr(contact, name) != value}
    if not changed:
        return contact
    refusal = _conflict(session, changed, contact.id)
    if refusal is not None:
        return refusal
    if not (changed.get("first_name", contact.first_name) or changed.get("last_name", contact.last_name)):
        return Refusal("no-name", "A contact needs a name.")
    if "email" in changed:
        _readdress(session, contact, address, now=now, key=key, by_id=by_id)
    if "organization_id" in changed:
        _move(session, contact, changed["organization_id"], today=today)
    for name, value in changed.items():
        setattr(contact, name, value)
    contact.sort_name = sort_name(contact.first_name, contact.last_name)
    contact.updated_at, contact.version = now, contact.version + 1
    told = ", ".join(sorted(name.removesuffix("_id").replace("zip5", "ZIP").replace("_", " ") for name in changed))
    timeline.add(session, now=now, contact_id=contact.id, kind="edited", by_id=by_id, text=f"Changed: {told}")
    session.flush()
    return contact


def set_recovery_hold(
    session: Session, contact: Contact, *, now: datetime, by_id: int | None, why: str, held: bool = True
) -> Refusal | None:
    """Asks, newsletters, cards and story requests stop (or go on) for this contact, queued ones included. Idempotent.

    Refusals: no-reason, both for setting and for lifting.
    """
    why = " ".join(why.split())[:500]
    if not why:
        return Refusal("no-reason", "Say in a few words why, so that everybody understands it later.")
    if (contact.recovery_hold_at is not None) == held:
        return None
    contact.recovery_hold_at = now if held else None
    contact.recovery_hold_why = why if held else ""
    contact.updated_at, contact.version = now, contact.version + 1
    text = f"{'On hold' if held else 'Off hold'}: {why}"
    timeline.add(session, now=now, contact_id=contact.id, kind="held", by_id=by_id, text=text)
    return None


def stop_all_mail(session: Session, contact: Contact, *, now: datetime, by_id: int | None) -> Refusal | None:
    """The contact's address gets no more mail, because somebody told us so. Only the person can lift it. Idempotent.

    Refusals: no-email.
    """
    if contact.address_hash is None:
        return Refusal("no-email", "There is no email address to stop.")
    consent.suppress(
        session, now=now, hashed=contact.address_hash, reason="do-not-contact", source="staff", by_id=by_id
    )
    return None


def set_do_not_contact(
    session: Session, contact: Contact, *, now: datetime, by_id: int | None, why: str, stopped: bool = True
) -> Refusal | None:
    """Nothing reaches this person any more, letters, cards and calls included, queued ones too; or it may again.

    A stop of email that they asked for themselves is another thing and stays. Idempotent. Refusals: no-reason.
    """
    why = " ".join(why.split())[:500]
    if not why:
        return Refusal("no-reason", "Say in a few words why, so that everybody understands it later.")
    if (contact.do_not_contact_at is not None) == stopped:
        return None
    contact.do_not_contact_at = now if stopped else None
    contact.do_not_contact_why = why if stopped else ""
    contact.updated_at, contact.version = now, contact.version + 1
    text = f"{'Do not contact' if stopped else 'May be contacted again'}: {why}"
    timeline.add(session, now=now, contact_id=contact.id, kind="held", by_id=by_id, text=text)
    return None


def _conflict(session: Session, values: dict[str, Any], own_id: int | None) -> Refusal | None:
    number, place, owner = values.get("npi"), values.get("organization_id"), values.get("owner_id")
    if number:
        other = session.scalar(select(Contact).where(Contact.npi == number, Contact.deleted_at.is_(None)))
        if other is not None and other.id != own_id:
            return Refusal("duplicate-npi", f"{other.name} has this NPI already.", (str(other.id),))
    if place is not None and session.get(Organization, place) is None:
        return Refusal("unknown-organization", "This organization is not there any more.")
    if owner is not None and session.get(Person, owner) is None:
        return Refusal("unknown-owner", "Nobody here looks after contacts under that name. Choose again.")
    return None


def _look_alike(session: Session, values: dict[str, Any], address: Address | None, key: bytes) -> Refusal | None:
    alike = []
    if address is not None:
        alike.append(Contact.address_hash == consent.address_hash(key, address.key))
    if values.get("first_name") and values.get("last_name") and values.get("zip5"):
        named = sort_name(values["first_name"], values["last_name"])
        alike.append((Contact.sort_name == named) & (Contact.zip5 == values["zip5"]))
    if not alike:
        return None
    found = session.scalars(
        select(Contact).where(or_(*alike), Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None)).limit(3)
    ).all()
    if not found:
        return None
    names = " and ".join(contact.name for contact in found)
    ids = tuple(str(contact.id) for contact in found)
    return Refusal("maybe-duplicate", f"{names} may be the same: save again to keep both.", ids)


def _last_editor(session: Session, contact: Contact) -> str:
    name = session.scalar(
        select(Person.name)
        .join(timeline.Touch, timeline.Touch.by_id == Person.id)
        .where(timeline.Touch.contact_id == contact.id, timeline.Touch.kind.in_(("edited", "held", "merged")))
        .order_by(timeline.Touch.at.desc(), timeline.Touch.id.desc())
        .limit(1)
    )
    return name.split()[0] if name else "Somebody"


def _readdress(
    session: Session, contact: Contact, address: Address | None, *, now: datetime, key: bytes, by_id: int | None
) -> None:
    old, new = contact.address_hash, consent.address_hash(key, address.key) if address else None
    contact.address_hash = new
    contact.email = address.email if address else None
    session.flush()
    follow(session, now=now, contact_id=contact.id, old=old, new=new, by_id=by_id)


def _move(session: Session, contact: Contact, organization_id: int | None, *, today: date) -> None:
    """The stay at the place that was the main one ends; others go on. A stay that is open already is not doubled."""
    stays = session.scalars(
        select(Membership).where(Membership.contact_id == contact.id, Membership.until_on.is_(None))
    ).all()
    for stay in stays:
        if stay.organization_id == contact.organization_id:
            stay.until_on = today
    if organization_id is not None and all(stay.organization_id != organization_id for stay in stays):
        session.add(Membership(contact_id=contact.id, organization_id=organization_id, since_on=today))


def _tell_specialty(values: dict[str, Any], *, old: Contact | None = None) -> None:
    """A specialty of the code set and its code go together; the Stark flag follows them unless somebody sets it.

    `values` are those that are new; a code from outside the set stays when only the words beside it change.
    """
    if values.get("specialty") and not values.get("taxonomy"):
        code = specialties.code_of(values["specialty"])
        if code or old is None or old.taxonomy in specialties.SPECIALTIES:
            values["taxonomy"] = code
    elif values.get("taxonomy") and not values.get("specialty") and (old is None or not old.specialty):
        values["specialty"] = specialties.label(values["taxonomy"])
    if values.get("stark_physician") is not None:
        return
    values.pop("stark_physician", None)
    if values.get("taxonomy"):
        credentials = values.get("credentials", old.credentials if old else "")
        values["stark_physician"] = bool(npi.is_physician(values["taxonomy"], credentials))
