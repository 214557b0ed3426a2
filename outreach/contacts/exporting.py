"""Contacts as a table that our own import reads again and as vCards, and places as a table."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.consent import EVERYTHING, Consent, Suppression
from outreach.contacts.models import Contact, ContactTag, Organization
from outreach.contacts.queries import cards_for
from outreach.contacts.tasks import Task
from outreach.contacts.vcardfile import Card

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
    "birthday",
    "permission_at",
    "unsubscribed",
)
"""As our own template has them, so that the file comes in again; whoever gets no more mail leaves marked so."""
PLACE_HEADER = (
    "organization",
    "type",
    "street",
    "city",
    "state",
    "zip",
    "phone",
    "fax",
    "website",
    "npi",
    "front desk",
    "referral coordinator",
    "prefers",
    "lunch hour",
    "visiting rules",
    "physicians",
    "nps and pas",
    "staff",
    "people",
    "closed on",
)
TASK_HEADER = ("due on", "task", "how", "whose", "contact", "organization", "phone", "added on")
AT_A_TIME = 500


def lines_of(session: Session, ids: Sequence[int]) -> Iterator[list[str]]:
    """One row per contact, in the order of the ids, under HEADER; a few hundred are loaded at a time."""
    for some in _loaded(session, ids):
        people = [contact for contact, _, _ in some]
        agreed, stopped = _agreed(session, people), _stopped(session, people)
        for contact, place, tags in some:
            stop = "yes" if contact.do_not_contact_at else stopped.get(contact.address_hash or "", "")
            yield [*_line(contact, place, tags), _birthday(contact), agreed.get(contact.id, ""), stop]


def cards_of(session: Session, ids: Sequence[int]) -> Iterator[Card]:
    """One card per contact, in the order of the ids; a few hundred are loaded at a time."""
    for contact, place, tags in (one for some in _loaded(session, ids) for one in some):
        yield Card(
            uid=f"outreach-contact-{contact.id}",
            prefix=contact.prefix,
            first_name=contact.first_name,
            last_name=contact.last_name,
            credentials=contact.credentials,
            organization=place,
            title=contact.title or contact.specialty,
            email=contact.email or "",
            phone=contact.phone,
            fax=contact.fax,
            street=contact.street,
            city=contact.city,
            state=contact.state,
            zip5=contact.zip5,
            tags=tuple(tags),
            birthday_on=contact.birthday_on,
            is_place=not contact.first_name and contact.last_name == place != "",
        )


def place_lines(session: Session, ids: Sequence[int], people: Mapping[int, int]) -> Iterator[list[object]]:
    """One row per organization, in the order of the ids, under PLACE_HEADER; `people` is {id: how many}."""
    for start in range(0, len(ids), AT_A_TIME):
        some = ids[start : start + AT_A_TIME]
        found = {one.id: one for one in session.scalars(select(Organization).where(Organization.id.in_(some)))}
        yield from (_place_line(found[id_], people.get(id_, 0)) for id_ in some if id_ in found)
        session.expire_all()


def task_lines(
    session: Session, tasks: Sequence[Task], owners: Mapping[int, str], *, zone: ZoneInfo
) -> Iterator[list[object]]:
    """One row per task under TASK_HEADER, in one query for the people they are about; days are those of `zone`."""
    cards = cards_for(session, {task.contact_id for task in tasks if task.contact_id})
    for task in tasks:
        card = cards.get(task.contact_id or 0)
        about = [card.name, card.organization_name, card.phone] if card else ["", "", ""]
        owner = owners.get(task.owner_id or 0, "")
        yield [task.due_on, task.title, task.kind, owner, *about, task.created_at.astimezone(zone).date()]


def _loaded(session: Session, ids: Sequence[int]) -> Iterator[list[tuple[Contact, str, list[str]]]]:
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
        by_id = {contact.id: (contact, place or "", tags.get(contact.id, [])) for contact, place in rows}
        yield [by_id[id_] for id_ in some if id_ in by_id]
        session.expire_all()


def _agreed(session: Session, people: Sequence[Contact]) -> dict[int, str]:
    """Since when they agree to our mail, as `filedates.instant` reads it; not those whose last word was no."""
    said = select(Consent.contact_id, Consent.at, Consent.granted).where(
        Consent.topic == EVERYTHING, Consent.contact_id.in_([contact.id for contact in people])
    )
    last: dict[int, tuple[datetime, bool]] = {}
    for contact_id, at, granted in session.execute(said.order_by(Consent.at, Consent.id)):
        last[contact_id] = (at, granted)
    return {id_: f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}" for id_, (at, granted) in last.items() if granted}


def _stopped(session: Session, people: Sequence[Contact]) -> dict[str, str]:
    """Why an address gets no more mail, as our own import reads it, by the hash of the address."""
    held = select(Suppression.address_hash, Suppression.reason).where(
        Suppression.address_hash.in_([contact.address_hash for contact in people if contact.address_hash]),
        Suppression.topic == EVERYTHING,
        Suppression.lifted_at.is_(None),
    )
    return {row[0]: row[1] if row[1] in ("unsubscribed", "bounced") else "yes" for row in session.execute(held)}


def _birthday(contact: Contact) -> str:
    return f"{contact.birthday_on:%m/%d}" if contact.birthday_on else ""


def _place_line(place: Organization, people: int) -> list[object]:
    reach = [place.street, place.city, place.state, place.zip5, place.phone, place.fax, place.website, place.npi or ""]
    desk = [place.front_desk, place.referral_coordinator, place.preferred_channel or "", place.lunch_hour]
    counts = [place.physicians, place.advanced_providers, place.staff, people]
    told = ["" if one is None else one for one in counts]
    return [place.name, place.type, *reach, *desk, place.visit_rules, *told, place.closed_on or ""]


def _line(contact: Contact, place: str, tags: list[str]) -> list[str]:
    names = [contact.kind, contact.prefix, contact.first_name, contact.last_name, contact.credentials, place]
    reach = [contact.title, contact.email or "", contact.phone, contact.street, contact.city, contact.state]
    return [*names, *reach, contact.zip5, contact.npi or "", contact.taxonomy or "", contact.specialty, "; ".join(tags)]
