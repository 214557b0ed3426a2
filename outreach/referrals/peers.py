"""Peers: how we work together, who sent whom, and who treats what near where and takes which payer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.groups import live
from outreach.contacts.kinds import REFERRING_KINDS
from outreach.contacts.models import Contact, ContactPayer, ContactTag, Organization
from outreach.errors import Refusal
from outreach.practice.models import Payer
from outreach.referrals.models import Referral
from outreach.referrals.payers.fitting import sharing_payers
from outreach.referrals.source_models import PEER_RELATIONS, PeerRelation

SHOWN = 50
TREATING = ("peer-therapist", "provider", "physician")


@dataclass(frozen=True)
class Peer:
    """A peer with both directions of the last span, the niche in words, and how we work together."""

    contact: Contact
    place: str
    sent: int
    received: int
    niche: str
    relations: tuple[str, ...]
    payers: tuple[str, ...] = ()
    miles: float | None = None


def relate(
    session: Session, contact_id: int, relation: str, *, since_on: date, today: date, by_id: int | None
) -> PeerRelation | Refusal:
    """The relation is on record from that day on; idempotent. Refusals: unknown, future, unknown-contact."""
    if relation not in PEER_RELATIONS:
        return Refusal("unknown", "Choose how you work together from the list.")
    if since_on > today:
        return Refusal("future", "Say since when you have worked together; this day lies in the future.")
    if session.scalar(select(Contact.id).where(Contact.id == contact_id, live())) is None:
        return Refusal("unknown-contact", "This contact is no longer there.")
    known = session.scalar(
        select(PeerRelation).where(
            PeerRelation.contact_id == contact_id, PeerRelation.relation == relation, PeerRelation.until_on.is_(None)
        )
    )
    if known is not None:
        return known
    made = session.scalar(
        select(PeerRelation).where(
            PeerRelation.contact_id == contact_id, PeerRelation.relation == relation, PeerRelation.since_on == since_on
        )
    ) or PeerRelation(contact_id=contact_id, relation=relation, since_on=since_on, by_id=by_id)
    made.until_on = None
    session.add(made)
    session.flush()
    return made


def part(relation: PeerRelation, *, today: date) -> None:
    """The relation ended today; it stays on record. Idempotent."""
    relation.until_on = relation.until_on or max(today, relation.since_on)


def relations_of(session: Session, contact_id: int) -> list[PeerRelation]:
    """Relations that last, by name."""
    found = select(PeerRelation).where(PeerRelation.contact_id == contact_id, PeerRelation.until_on.is_(None))
    return list(session.scalars(found.order_by(PeerRelation.relation)))


def reciprocity(session: Session, *, since: date) -> list[Peer]:
    """Peers with what they sent us and we sent them since that day, the busiest first; a constant number of queries."""
    sent = func.sum(case((Referral.direction == "in", 1), else_=0))
    received = func.sum(case((Referral.direction == "out", 1), else_=0))
    related = exists().where(PeerRelation.contact_id == Contact.id, PeerRelation.until_on.is_(None))
    rows = session.execute(
        select(Contact, Organization.name, func.coalesce(sent, 0), func.coalesce(received, 0))
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .outerjoin(
            Referral,
            and_(Referral.contact_id == Contact.id, Referral.deleted_at.is_(None), Referral.received_on >= since),
        )
        .where(live(), or_(Contact.kind == "peer-therapist", related))
        .group_by(Contact.id, Organization.name)
        .order_by(func.count(Referral.id).desc(), Contact.sort_name, Contact.id)
        .limit(SHOWN)
    ).all()
    return _peers(session, [(row[0], row[1] or "", row[2], row[3], None) for row in rows])


def who_treats(
    session: Session, *, what: str, near: Mapping[str, float] | None, prefix: str, payer_id: int | None
) -> list[Peer]:
    """Peers and providers whose niche holds every word, in ZIPs near a place, taking the payer; at most fifty.

    The niche is what they are known for: tags, specialty, what they refer for or treat, and their discipline. `near`
    is {ZIP: miles}, None for anywhere; `prefix` are the first digits of the ZIP where no distances are known.
    """
    found = (
        select(Contact, Organization.name, func.coalesce(func.nullif(Contact.zip5, ""), Organization.zip5))
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(live(), Contact.kind.in_(TREATING))
    )
    for word in what.lower().split()[:6]:
        tagged = exists().where(
            ContactTag.contact_id == Contact.id, func.lower(ContactTag.tag).contains(word, autoescape=True)
        )
        columns = (Contact.specialty, Contact.refers_for, Contact.discipline, Contact.title)
        found = found.where(or_(tagged, *(func.lower(one).contains(word, autoescape=True) for one in columns)))
    if near is not None:
        found = found.where(or_(Contact.zip5.in_(near), and_(Contact.zip5 == "", Organization.zip5.in_(near))))
    elif prefix:
        starts = (one.startswith(prefix, autoescape=True) for one in (Contact.zip5, Organization.zip5))
        found = found.where(or_(*starts))
    if payer_id:
        found = found.where(exists().where(ContactPayer.contact_id == Contact.id, ContactPayer.payer_id == payer_id))
    # Peers first, then by name: whom a client is told of is not ranked by what they send.
    rows = session.execute(
        found.order_by(Contact.kind != "peer-therapist", Contact.sort_name, Contact.id).limit(SHOWN)
    ).all()
    counts = _both_ways(session, [row[0].id for row in rows])
    miles = near or {}
    return _peers(
        session,
        [(one, place or "", *counts.get(one.id, (0, 0)), miles.get((zip5 or "")[:5])) for one, place, zip5 in rows],
    )


def prospects(session: Session, *, on: date) -> list[tuple[Contact, str, int]]:
    """Contacts who never referred and whose clients carry payers that we take, with how many; the best fit first."""
    shared = sharing_payers(on).subquery()
    ever = exists().where(Referral.contact_id == Contact.id, Referral.direction == "in", Referral.deleted_at.is_(None))
    rows = session.execute(
        select(Contact, Organization.name, shared.c.shared)
        .join(shared, shared.c.contact_id == Contact.id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(live(), Contact.kind.in_(REFERRING_KINDS), ~ever)
        .order_by(shared.c.shared.desc(), Contact.sort_name, Contact.id)
        .limit(SHOWN)
    )
    return [(row[0], row[1] or "", row[2]) for row in rows]


def _both_ways(session: Session, ids: list[int]) -> dict[int, tuple[int, int]]:
    rows = session.execute(
        select(
            Referral.contact_id,
            func.sum(case((Referral.direction == "in", 1), else_=0)),
            func.sum(case((Referral.direction == "out", 1), else_=0)),
        )
        .where(Referral.contact_id.in_(ids), Referral.deleted_at.is_(None))
        .group_by(Referral.contact_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows if row[0] is not None}


def _peers(session: Session, rows: list[tuple[Contact, str, int, int, float | None]]) -> list[Peer]:
    ids = [row[0].id for row in rows]
    tags: dict[int, list[str]] = {}
    for contact_id, tag in session.execute(
        select(ContactTag.contact_id, ContactTag.tag).where(ContactTag.contact_id.in_(ids)).order_by(ContactTag.tag)
    ):
        tags.setdefault(contact_id, []).append(tag)
    relations: dict[int, list[str]] = {}
    for one in session.scalars(
        select(PeerRelation).where(PeerRelation.contact_id.in_(ids), PeerRelation.until_on.is_(None))
    ):
        relations.setdefault(one.contact_id, []).append(one.relation)
    payers: dict[int, list[str]] = {}
    for contact_id, name in session.execute(
        select(ContactPayer.contact_id, Payer.name)
        .join(Payer, Payer.id == ContactPayer.payer_id)
        .where(ContactPayer.contact_id.in_(ids))
        .order_by(Payer.name)
    ):
        payers.setdefault(contact_id, []).append(name)
    return [
        Peer(
            contact=one,
            place=place,
            sent=sent,
            received=received,
            niche=", ".join(filter(None, (one.specialty, one.discipline or "", *tags.get(one.id, ())))),
            relations=tuple(relations.get(one.id, ())),
            payers=tuple(payers.get(one.id, ())),
            miles=miles,
        )
        for one, place, sent, received, miles in rows
    ]
