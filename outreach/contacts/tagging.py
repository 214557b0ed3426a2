"""Free words on contacts."""

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from outreach.contacts import names
from outreach.contacts.models import Contact, ContactTag

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
