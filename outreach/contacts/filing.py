"""Contacts go to the trash and come back; the trash is emptied of names after thirty days."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from outreach.contacts.erasing import PROOF, in_the_ledger
from outreach.contacts.models import Contact, ContactPayer, ContactTag, Group, GroupMember, Membership
from outreach.contacts.record_models import FamilyLink
from outreach.contacts.timeline import OWN_KINDS, Touch
from outreach.errors import Refusal

KEPT_FOR = timedelta(days=30)


def trash(contact: Contact, *, now: datetime) -> None:
    """The contact is in the trash: on no list, in no group, written to no more. Idempotent."""
    if contact.deleted_at is None:
        contact.deleted_at = now
        contact.version += 1


def restore(session: Session, contact: Contact) -> Refusal | None:
    """The contact is back as it was. Refusals: duplicate-npi (somebody else has the number by now), merged."""
    if contact.merged_into_id is not None:
        return Refusal("merged", "This contact was merged into another and lives on there.")
    if contact.npi:
        other = session.scalar(
            select(Contact).where(Contact.npi == contact.npi, Contact.deleted_at.is_(None), Contact.id != contact.id)
        )
        if other is not None:
            return Refusal("duplicate-npi", f"{other.name} has this NPI by now. Change it there first.")
    contact.deleted_at = None
    contact.version += 1
    return None


def trash_group(group: Group, *, now: datetime) -> None:
    """The group is in the trash; campaigns that use it match nobody. Idempotent."""
    group.deleted_at = group.deleted_at or now


def purge(session: Session, *, now: datetime, limit: int) -> int:
    """Contacts that lay in the trash for thirty days lose what names them; suppressions stay. Idempotent.

    The row stays, empty, because deliveries and referrals count it; with its name where the ledger of gifts needs it.
    """
    ids = session.scalars(
        select(Contact.id)
        .where(Contact.deleted_at < now - KEPT_FOR, Contact.merged_into_id.is_(None), Contact.sort_name != "")
        .limit(limit)
    ).all()
    if not ids:
        return 0
    own = [kind.name for kind in OWN_KINDS]
    session.execute(delete(Touch).where(Touch.contact_id.in_(ids), Touch.kind.in_(own)))
    for table in (ContactTag, ContactPayer, GroupMember, Membership, FamilyLink):
        session.execute(delete(table).where(table.contact_id.in_(ids)))
    session.execute(delete(FamilyLink).where(FamilyLink.relative_id.in_(ids)))
    kept = in_the_ledger(session, ids)
    for spared, whose in (((), [id_ for id_ in ids if id_ not in kept]), (PROOF, list(kept))):
        values = {name: value for name, value in _NAMELESS.items() if name not in spared}
        session.execute(update(Contact).where(Contact.id.in_(whose)).values(**values))
    return len(ids)


_NAMELESS = {
    **dict.fromkeys(("prefix", "first_name", "last_name", "credentials", "sort_name", "title", "phone", "fax"), ""),
    **dict.fromkeys(("street", "city", "state", "zip5", "ask_for", "best_time", "refers_for", "languages"), ""),
    **dict.fromkeys(("therapy_relationship", "recovery_hold_why", "do_not_contact_why"), ""),
    **dict.fromkeys(("email", "address_hash", "npi", "birthday_on", "discharged_on", "organization_id")),
}
