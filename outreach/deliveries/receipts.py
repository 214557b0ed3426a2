"""Facts that come back from a provider: stored first, then applied by rank, in any order and any number of times."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.deliveries import links, telling
from outreach.deliveries.models import Delivery, ProviderEvent, Receipt, builder
from outreach.deliveries.rules import newer_state
from outreach.deliveries.transports import sendgrid_events
from outreach.deliveries.transports.sendgrid_events import ProviderEvent as Fact

PERSONAL_FIELDS = ("email", "ip", "useragent")
"""Dropped from the stored payload once the fact is applied."""
NOT_YET = ("claimed", "sending")
"""Our own record of the hand-over comes first; the fact waits for it."""
ROW_NUMBER = re.compile(r"[0-9]{1,18}")
TOUCH_OF = {"bounced": "bounced", "complained": "complained"}


def store(session: Session, facts: Sequence[Fact], *, now: datetime) -> int:
    """The facts are kept, each once by the provider's event id; answers how many are new."""
    if not facts:
        return 0
    rows = [
        {
            "event_id": fact.event_id,
            "event": fact.name,
            "at": fact.occurred_at or now,
            "received_at": now,
            "payload": dict(fact.raw),
            "outcome": "",
        }
        for fact in facts
    ]
    statement = builder(session)(ProviderEvent).on_conflict_do_nothing().returning(ProviderEvent.id)
    return len(session.execute(statement, rows).all())


def apply(session: Session, *, now: datetime, key: bytes, limit: int = 500) -> int:
    """Stored facts have moved their deliveries forward and suppressed what they must; answers how many were applied.

    A hard bounce, complaint or unsubscribe suppresses even when no delivery is known. Idempotent.
    """
    waiting = session.scalars(
        select(ProviderEvent).where(ProviderEvent.handled_at.is_(None)).order_by(ProviderEvent.id).limit(limit)
    ).all()
    if not waiting:
        return 0
    facts = {row.id: _fact(row) for row in waiting}
    found = _deliveries(session, key, facts)
    applied = 0
    for row in waiting:
        delivery = found.get(row.id)
        if delivery is not None and delivery.state in NOT_YET:
            continue
        row.outcome = _apply_one(session, facts[row.id], delivery, row, now=now, key=key)
        row.handled_at = now
        row.payload = {name: value for name, value in row.payload.items() if name not in PERSONAL_FIELDS}
        applied += 1
    session.flush()
    return applied


def _apply_one(
    session: Session, fact: Fact, delivery: Delivery | None, row: ProviderEvent, *, now: datetime, key: bytes
) -> str:
    reason = sendgrid_events.suppressing(fact)
    if reason:
        hashes = {delivery.address_hash} if delivery else set()
        hashes |= {consent.address_hash(key, fact.email)} if fact.email else set()
        for hashed in sorted(filter(None, hashes)):
            consent.suppress(session, now=now, hashed=hashed, reason=reason, source="webhook")
    rank = sendgrid_events.rank(fact)
    if delivery is None:
        return "no-delivery" if rank else "ignored"
    words = fact.reason or fact.response
    session.execute(
        insert(Receipt),
        {
            "delivery_id": delivery.id,
            "provider_event_id": row.id,
            "event": fact.name,
            "at": row.at,
            "text": _without_addresses(words, fact),
        },
    )
    return move(session, delivery, fact.name, rank, at=row.at, now=now)


def move(session: Session, delivery: Delivery, event: str, rank: int, *, at: datetime, now: datetime) -> str:
    """The delivery stands at the strongest fact known so far; "applied", "older" or "ignored"."""
    if rank == 0:
        return "ignored"
    if rank <= delivery.fact_rank:
        return "older"
    delivery.fact_rank = rank
    state = newer_state(delivery.state, event)
    if state is not None:
        delivery.sent_at = delivery.sent_at or at
        delivery.state, delivery.reason, delivery.updated_at = state, "", now
        session.flush()
        if state in TOUCH_OF:
            telling.happened(session, [delivery], TOUCH_OF[state], at=at)
    return "applied"


def _fact(row: ProviderEvent) -> Fact:
    """The stored element, read again."""
    read = sendgrid_events.parse_events(json.dumps([row.payload]).encode())
    return read[0] if isinstance(read, list) and read else Fact(row.event_id, sendgrid_events.UNREADABLE)


def _deliveries(session: Session, key: bytes, facts: dict[int, Fact]) -> dict[int, Delivery]:
    """{provider event: its delivery}: by our own id, else the request's id, else Message-ID, else the address."""
    by_id = {event: int(f.mid) for event, f in facts.items() if f.mid and ROW_NUMBER.fullmatch(f.mid)}
    for event, fact in facts.items():
        if event not in by_id and fact.smtp_id and (named := links.deliveries_named(key, f"<{fact.smtp_id}>")):
            by_id[event] = named[0]
    requests = {f.request_id for event, f in facts.items() if event not in by_id and f.request_id}
    known = _rows(session, Delivery.id.in_(set(by_id.values())))
    asked = {
        row.provider_message_id: row for row in _rows(session, Delivery.provider_message_id.in_(requests)).values()
    }
    found: dict[int, Delivery] = {}
    for event, fact in facts.items():
        row = _if_its_own(known.get(by_id.get(event, 0)), key, fact) or asked.get(fact.request_id)
        row = row or _last_to(session, key, fact)
        if row is not None:
            found[event] = row
    return found


def _if_its_own(delivery: Delivery | None, key: bytes, fact: Fact) -> Delivery | None:
    """Two installations may share one account and count alike: a number alone names nobody."""
    if delivery is None or not fact.email or delivery.address_hash is None:
        return delivery
    return delivery if delivery.address_hash == consent.address_hash(key, fact.email) else None


def _rows(session: Session, condition: Any) -> dict[int, Delivery]:
    return {row.id: row for row in session.scalars(select(Delivery).where(condition))}


def _last_to(session: Session, key: bytes, fact: Fact) -> Delivery | None:
    """Asynchronous bounces name no message: it is the last one that went to that address."""
    if fact.name != "bounce" or not fact.email:
        return None
    hashed = consent.address_hash(key, fact.email)
    return session.scalars(
        select(Delivery)
        .join(Contact, Contact.id == Delivery.contact_id)
        .where(Contact.address_hash == hashed, Delivery.sent_at.is_not(None))
        .order_by(Delivery.sent_at.desc())
        .limit(1)
    ).first()


def _without_addresses(words: str, fact: Fact) -> str:
    return words.replace(fact.email, "(address)")[:500] if fact.email else words[:500]
