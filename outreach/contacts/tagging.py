"""Free words on contacts, and the payers that their clients carry."""

from collections.abc import Collection

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from outreach.contacts import names
from outreach.contacts.models import Contact, ContactPayer, ContactTag
from outreach.practice.models import Payer

LONGEST = 60


def tags_of(session: Session, contact: Contact) -> list[str]:
    """The contact's tags in alphabetical order."""
    return list(
        session.scalars(select(ContactTag.tag).where(ContactTag.contact_id == contact.id).order_by(ContactTag.tag))
    )


def set_tags(session: Session, contact: Contact, text: str) -> None:
    """The contact has exactly the tags of a comma-separated text. Idempotent."""
    wanted = dict.fromkeys(tag for part in text.split(",") if (tag := names.clean(part)[:LONGEST]))
    held = set(tags_of(session, contact))
    gone = held - set(wanted)
    if gone:
        session.execute(delete(ContactTag).where(ContactTag.contact_id == contact.id, ContactTag.tag.in_(gone)))
    fresh = [{"contact_id": contact.id, "tag": tag} for tag in wanted if tag not in held]
    if fresh:
        session.execute(insert(ContactTag), fresh)
    contact.version += bool(gone or fresh)


def payers_of(session: Session, contact: Contact) -> list[int]:
    """The ids of the payers that this contact's clients carry."""
    return list(session.scalars(select(ContactPayer.payer_id).where(ContactPayer.contact_id == contact.id)))


def set_payers(session: Session, contact: Contact, payer_ids: Collection[int]) -> None:
    """The contact's clients carry exactly these payers; unknown ids are left out. Idempotent."""
    wanted = set(session.scalars(select(Payer.id).where(Payer.id.in_(payer_ids))))
    held = set(payers_of(session, contact))
    if held - wanted:
        gone = ContactPayer.payer_id.in_(held - wanted)
        session.execute(delete(ContactPayer).where(ContactPayer.contact_id == contact.id, gone))
    fresh = [{"contact_id": contact.id, "payer_id": payer_id} for payer_id in wanted - held]
    if fresh:
        session.execute(insert(ContactPayer), fresh)
    contact.version += wanted != held
