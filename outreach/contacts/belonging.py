"""To which places a person belongs, since when and as what; and to which family, by the relation alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.contacts import searching, timeline
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.record_models import OPPOSITE, RELATIONS, FamilyLink
from outreach.errors import Refusal


@dataclass(frozen=True)
class Relative:
    """Somebody of the family: `relation` says what they are to the person the page is about."""

    contact: Contact
    relation: str


def join(
    session: Session,
    contact: Contact,
    place: Organization,
    *,
    now: datetime,
    today: date,
    by_id: int | None,
    role: str = "",
    since_on: date | None = None,
    until_on: date | None = None,
) -> Membership | Refusal:
    """The person belongs to this place too (or did); the first place of all becomes the main one.

    Refusals: gone-place, in-the-future, ends-before-it-begins, there-already. Not idempotent for stays that ended.
    """
    if place.deleted_at is not None:
        return Refusal("gone-place", "This organization is not there any more.")
    refusal = _days(since_on, until_on, today)
    if refusal is not None:
        return refusal
    same = (Membership.contact_id == contact.id, Membership.organization_id == place.id, Membership.until_on.is_(None))
    if until_on is None and session.scalar(select(Membership.id).where(*same)) is not None:
        return Refusal("there-already", f"{contact.name} belongs to {place.name} already.")
    stay = Membership(
        contact_id=contact.id, organization_id=place.id, role=role.strip()[:200], since_on=since_on, until_on=until_on
    )
    session.add(stay)
    session.flush()
    if until_on is None and contact.organization_id is None:
        contact.organization_id = place.id
    searching.note(session, [contact.id])
    _tell(session, contact, f"Belongs to {place.name}", now=now, by_id=by_id)
    return stay


def leave(
    session: Session, stay: Membership, *, now: datetime, today: date, by_id: int | None, on: date | None = None
) -> Refusal | None:
    """The stay has ended and remains in the history; another open one becomes the main place when it was. Idempotent.

    Refusals: in-the-future, ends-before-it-begins.
    """
    if stay.until_on is not None:
        return None
    refusal = _days(stay.since_on, on or today, today)
    if refusal is not None:
        return refusal
    stay.until_on = on or today
    session.flush()
    contact = session.get_one(Contact, stay.contact_id)
    place = session.get_one(Organization, stay.organization_id)
    if contact.organization_id == stay.organization_id:
        contact.organization_id = session.scalar(
            select(Membership.organization_id)
            .where(Membership.contact_id == contact.id, Membership.until_on.is_(None))
            .order_by(Membership.id)
            .limit(1)
        )
    searching.note(session, [contact.id])
    _tell(session, contact, f"Left {place.name}", now=now, by_id=by_id)
    return None


def make_main(session: Session, stay: Membership, *, now: datetime, by_id: int | None) -> Refusal | None:
    """This place stands beside the person's name and in lists. Idempotent. Refusals: ended."""
    if stay.until_on is not None:
        return Refusal("ended", "This stay has ended.")
    contact = session.get_one(Contact, stay.contact_id)
    if contact.organization_id != stay.organization_id:
        contact.organization_id = stay.organization_id
        place = session.get_one(Organization, stay.organization_id)
        _tell(session, contact, f"Mainly at {place.name}", now=now, by_id=by_id)
    return None


def people_of(session: Session, organization_id: int) -> list[tuple[Contact, Membership | None]]:
    """Who belongs to the place now, the desk first, each with the stay that says so (None for an old entry)."""
    stays = {
        stay.contact_id: stay
        for stay in session.scalars(
            select(Membership)
            .where(Membership.organization_id == organization_id, Membership.until_on.is_(None))
            .order_by(Membership.id.desc())
        )
    }
    here = or_(Contact.organization_id == organization_id, Contact.id.in_(list(stays)))
    people = session.scalars(
        select(Contact)
        .where(here, Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None))
        .order_by(Contact.first_name != "", Contact.sort_name, Contact.id)
    )
    return [(person, stays.get(person.id)) for person in people]


def former_people_of(session: Session, organization_id: int) -> list[tuple[Contact, Membership]]:
    """Who belonged to the place once, the latest to leave first."""
    rows = session.execute(
        select(Contact, Membership)
        .join(Membership, Membership.contact_id == Contact.id)
        .where(
            Membership.organization_id == organization_id,
            Membership.until_on.is_not(None),
            Contact.deleted_at.is_(None),
            Contact.merged_into_id.is_(None),
        )
        .order_by(Membership.until_on.desc(), Membership.id.desc())
        .limit(50)
    )
    return [(row[0], row[1]) for row in rows]


def relate(
    session: Session, contact: Contact, relative: Contact, *, relation: str, now: datetime, by_id: int | None
) -> Refusal | None:
    """`relative` is the `relation` (a word of RELATIONS) of the contact; said again, the later word holds.

    Refusals: same-person, bad-relation.
    """
    if contact.id == relative.id:
        return Refusal("same-person", "Choose somebody else: this is the same person.")
    if relation not in RELATIONS:
        return Refusal("bad-relation", "Choose what they are to each other.")
    for row in _links(session, contact.id, relative.id):
        session.delete(row)
    session.flush()
    session.add(FamilyLink(contact_id=contact.id, relative_id=relative.id, relation=relation))
    session.flush()
    return None


def unrelate(session: Session, contact: Contact, relative_id: int) -> None:
    """The two are not linked any more. Idempotent."""
    for row in _links(session, contact.id, relative_id):
        session.delete(row)


def family_of(session: Session, contact_id: int) -> list[Relative]:
    """Everybody linked with the person, from either side, in one query."""
    rows = session.execute(
        select(FamilyLink, Contact)
        .join(
            Contact,
            or_(
                (FamilyLink.contact_id == contact_id) & (Contact.id == FamilyLink.relative_id),
                (FamilyLink.relative_id == contact_id) & (Contact.id == FamilyLink.contact_id),
            ),
        )
        .where(
            or_(FamilyLink.contact_id == contact_id, FamilyLink.relative_id == contact_id),
            Contact.deleted_at.is_(None),
            Contact.merged_into_id.is_(None),
        )
        .order_by(Contact.sort_name)
    )
    return [Relative(other, _as_seen(link, contact_id)) for link, other in rows]


def _as_seen(link: FamilyLink, contact_id: int) -> str:
    word = link.relation if link.contact_id == contact_id else OPPOSITE.get(link.relation, link.relation)
    return RELATIONS[word]


def _links(session: Session, one_id: int, other_id: int) -> Sequence[FamilyLink]:
    this_way = (FamilyLink.contact_id == one_id) & (FamilyLink.relative_id == other_id)
    that_way = (FamilyLink.contact_id == other_id) & (FamilyLink.relative_id == one_id)
    return session.scalars(select(FamilyLink).where(or_(this_way, that_way))).all()


def _days(since_on: date | None, until_on: date | None, today: date) -> Refusal | None:
    if any(day is not None and day > today for day in (since_on, until_on)):
        return Refusal("in-the-future", "This day has not come yet.")
    if since_on is not None and until_on is not None and until_on < since_on:
        return Refusal("ends-before-it-begins", "The last day lies before the first.")
    return None


def _tell(session: Session, contact: Contact, text: str, *, now: datetime, by_id: int | None) -> None:
    contact.updated_at, contact.version = now, contact.version + 1
    timeline.add(session, now=now, contact_id=contact.id, kind="edited", by_id=by_id, text=text)
    session.flush()
