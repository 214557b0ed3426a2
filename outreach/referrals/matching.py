"""The inbox of referrals without a source: grouped by the words they came with, and matched all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.queries import ContactCard, cards_for
from outreach.errors import Refusal
from outreach.practice.models import Service
from outreach.referrals import refreshing, sourcing
from outreach.referrals.duties import owing, thanking
from outreach.referrals.logging import touch_of, zone_of
from outreach.referrals.models import Referral
from outreach.referrals.payers.learning import learn
from outreach.referrals.queries import UNMATCHED

PAGE = 50
AT_ONCE = 500


@dataclass(frozen=True)
class Unmatched:
    """Referrals that came with the same words: how many, the latest day, one of them, and who it may have been."""

    words: str
    number: int
    last_on: date
    referral_id: int
    may_be: tuple[ContactCard, ...]


def inbox(session: Session) -> list[Unmatched]:
    """The words that most referrals wait behind, at most fifty; four queries."""
    last = func.max(Referral.received_on)
    rows = session.execute(
        select(Referral.unmatched_source, func.count(), last, func.max(Referral.id))
        .where(UNMATCHED)
        .group_by(Referral.unmatched_source)
        .order_by(func.count().desc(), last.desc(), Referral.unmatched_source)
        .limit(PAGE)
    ).all()
    keys = {text: sourcing.name_keys(text.partition("(")[0]) for text, *_ in rows if text}
    found = sourcing.by_name(session, {key for several in keys.values() for key in several if key})
    near = {text: [who for key in several for who, _ in found.get(key, ())][:3] for text, several in keys.items()}
    cards = cards_for(session, {who for several in near.values() for who in several})
    return [
        Unmatched(text, number, last_on, referral_id, tuple(cards[who] for who in near.get(text, ()) if who in cards))
        for text, number, last_on, referral_id in rows
    ]


def match_all(
    session: Session, text: str, contact_id: int, *, now: datetime, today: date, by_id: int | None
) -> int | Refusal:
    """Every referral that came with these words has its source, and so have those to come; answers how many.

    Refusals: unknown-source, nothing-left.
    """
    contact = sourcing.survivor(session, contact_id)
    if contact is None:
        return Refusal("unknown-source", "This contact is no longer there. Choose another one.")
    mine = session.scalars(select(Referral).where(UNMATCHED, Referral.unmatched_source == text).limit(AT_ONCE)).all()
    if not mine:
        return Refusal("nothing-left", "Somebody matched these already.")
    sourcing.remember(session, text, contact.id, now=now)
    session.execute(
        update(Referral)
        .where(Referral.id.in_([one.id for one in mine]))
        .values(contact_id=contact.id, source_type="contact")
    )
    session.flush()
    for one in mine:
        session.refresh(one)
    _tell(session, mine, now=now, by_id=by_id)
    owing.owe(session, mine, now=now, today=today)
    thanking.ask_for_thanks(session, mine, now=now, today=today, by_id=by_id)
    learn(session, [(contact.id, one.payer_id) for one in mine if one.direction == "in"])
    refreshing.rescore(session, contact.id, now=now, today=today)
    return len(mine)


def _tell(session: Session, mine: Sequence[Referral], *, now: datetime, by_id: int | None) -> None:
    names, zone = {row.id: row.name for row in session.execute(select(Service.id, Service.name))}, zone_of(session)
    origins = [f"referral:{one.id}" for one in mine]
    session.execute(delete(timeline.Touch).where(timeline.Touch.origin.in_(origins)))
    rows = [touch_of(one, names.get(one.service_id or 0, ""), now=now, zone=zone, by_id=by_id) for one in mine]
    timeline.add_many(session, rows)
