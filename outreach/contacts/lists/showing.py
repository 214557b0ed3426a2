"""What the columns of the list need beside the rows themselves, in one query each and only when asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import ContactTag
from outreach.practice.models import Person


@dataclass(frozen=True)
class More:
    """Tags by contact, and the names of those who look after contacts."""

    tags: dict[int, list[str]] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)


def more_about(session: Session, ids: Sequence[int], columns: Collection[str]) -> More:
    """What the columns show of these contacts."""
    more = More()
    if "tags" in columns and ids:
        rows = select(ContactTag.contact_id, ContactTag.tag).where(ContactTag.contact_id.in_(ids))
        for contact_id, tag in session.execute(rows.order_by(ContactTag.tag)):
            more.tags.setdefault(contact_id, []).append(tag)
    if "owner" in columns:
        more.owners.update({row[0]: row[1] for row in session.execute(select(Person.id, Person.name))})
    return more


def owners(session: Session) -> list[tuple[str, str]]:
    """Whose contacts the list can be narrowed to."""
    rows = session.execute(select(Person.id, Person.name).where(Person.active.is_(True)).order_by(Person.name))
    return [("", "Everybody’s"), ("0", "Nobody’s"), *((str(row[0]), row[1]) for row in rows)]
