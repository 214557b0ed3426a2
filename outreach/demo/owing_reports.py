"""Demo: reports that went out and a few that are late, payers that clients carry, and what peers are known for."""

from datetime import date, datetime, timedelta
from random import Random

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, ContactPayer, ContactTag
from outreach.practice.models import Payer, Person
from outreach.referrals.duties import owing
from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.models import Referral
from outreach.referrals.payers.learning import learn
from outreach.referrals.source_models import PEER_RELATIONS, PeerRelation

LATE = 3
"""So many reports nobody has sent yet."""
NICHES = ("Hand and splints", "Feeding", "Vestibular", "Pelvic health", "Aphasia", "Handwriting", "Lymphedema", "Voice")


def furnish_owed(session: Session, *, now: datetime, today: date, chance: Random) -> None:
    """Every recent referral has its duties; most are done in time. The last ones due are late."""
    recent = session.scalars(
        select(Referral).where(Referral.received_on >= today - timedelta(days=150)).order_by(Referral.id)
    ).all()
    owing.owe(session, recent, now=now, today=today)
    maya = session.scalars(select(Person.id).where(Person.email == "maya@cedarlane.example")).one()
    past = session.scalars(
        select(ReferralDuty).where(ReferralDuty.due_on < today).order_by(ReferralDuty.due_on, ReferralDuty.id)
    ).all()
    for duty in past[: max(0, len(past) - LATE)]:
        duty.done_on, duty.done_by_id = duty.due_on - timedelta(days=chance.randrange(0, 2)), maya
    rows = session.execute(select(Referral.contact_id, Referral.payer_id).where(Referral.direction == "in"))
    learn(session, [(row[0], row[1]) for row in rows])
    _payers_of_others(session, chance)
    _peers(session, maya, today=today)
    session.flush()


def _payers_of_others(session: Session, chance: Random) -> None:
    payers = list(session.scalars(select(Payer.id).order_by(Payer.id)))
    carried = select(ContactPayer.contact_id)
    others = session.scalars(
        select(Contact.id)
        .where(Contact.kind.in_(("physician", "provider")), Contact.id.not_in(carried))
        .order_by(Contact.id)
    ).all()
    rows = [
        {"contact_id": contact_id, "payer_id": payer_id}
        for contact_id in others[::2]
        for payer_id in chance.sample(payers, min(len(payers), chance.randrange(1, 4)))
    ]
    if rows:
        session.execute(insert(ContactPayer), rows)


def _peers(session: Session, by_id: int, *, today: date) -> None:
    peers = session.scalars(select(Contact.id).where(Contact.kind == "peer-therapist").order_by(Contact.id)).all()
    for number, contact_id in enumerate(peers):
        tag = NICHES[number % len(NICHES)]
        if session.get(ContactTag, (contact_id, tag)) is None:
            session.add(ContactTag(contact_id=contact_id, tag=tag))
        if number < 5:
            relation = PEER_RELATIONS[number % len(PEER_RELATIONS)]
            since_on = today - timedelta(days=90 * (number + 1))
            session.add(PeerRelation(contact_id=contact_id, relation=relation, since_on=since_on, by_id=by_id))
