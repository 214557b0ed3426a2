"""Contacts as a table that our own import reads again."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, ContactTag, Organization

HEADER = (
    "kind",
    "prefix",
    "first_name",
    "last_name",
    "credentials",
    "organization",
    "title",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "zip",
    "npi",
    "taxonomy",
    "specialty",
    "tags",
)
AT_A_TIME = 500


def lines_of(session: Session, ids: Sequence[int]) -> Iterator[list[str]]:
    """One row per contact, in the order of the ids, under HEADER; a few hundred are loaded at a time."""
    for start in range(0, len(ids), AT_A_TIME):
        some = ids[start : start + AT_A_TIME]
        tags: dict[int, list[str]] = {}
        for contact_id, tag in session.execute(
            select(ContactTag.contact_id, ContactTag.tag)
            .where(ContactTag.contact_id.in_(some))
            .order_by(ContactTag.tag)
        ):
            tags.setdefault(contact_id, []).append(tag)
        rows = session.execute(
            select(Contact, Organization.name)
            .outerjoin(Organization, Organization.id == Contact.organization_id)
            .where(Contact.id.in_(some))
        )
        by_id = {contact.id: _line(contact, place or "", tags.get(contact.id, [])) for contact, place in rows}
        yield from (by_id[id_] for id_ in some if id_ in by_id)
        session.expire_all()


def _line(contact: Contact, place: str, tags: list[str]) -> list[str]:
    names = [contact.kind, contact.prefix, contact.first_name, contact.last_name, contact.credentials, place]
    reach = [contact.title, contact.email or "", contact.phone, contact.street, contact.city, contact.state]
    return [*names, *reach, contact.zip5, contact.npi or "", contact.taxonomy or "", contact.specialty, "; ".join(tags)]
