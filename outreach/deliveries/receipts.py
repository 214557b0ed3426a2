"""Facts that come back from a provider: stored first, then applied by rank, in any order and any number of times.

Any number of facts costs the same few statements; only an address that is newly suppressed costs some of its own.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.deliveries import clicks, telling
from outreach.deliveries.models import LEDGER, Delivery, ProviderEvent, Receipt, builder
from outreach.deliveries.returns import matching
from outreach.deliveries.returns.matching import Target
from outreach.deliveries.rules import newer_state
from outreach.deliveries.transports import sendgrid_events
from outreach.deliveries.transports.sendgrid_events import ProviderEvent as Fact

PERSONAL_FIELDS = ("email", "ip", "useragent")
"""Dropped from the stored payload once the fact is applied."""
NOT_YET = ("claimed", "sending")
"""Our own record of the hand-over comes first; the fact waits for it."""
MOST_PAGES = 20
"""Facts that wait for our own record stand in front of others; so many pages are looked through for those."""
WAS_IN_DOUBT = ("unconfirmed", "resend-approved")
TOUCH_OF = {"bounced": "bounced", "complained": "complained"}
STRONGEST = ("complained", "bounced", "invalid-address", "unsubscribed")
"""Of several reasons for one address, the first here is written down."""
C = LEDGER.c


@dataclass
class _Effects:
    """What a page of facts leads to, gathered before anything is written."""

    handled: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    facts_of: dict[int, list[tuple[Fact, datetime]]] = field(default_factory=lambda: defaultdict(list))
    suppressed: dict[str, str] = field(default_factory=dict)


def store(session: Session, facts: Sequence[Fact], *, now: datetime) -> int:
    """The facts are kept, each once by the provider's event id; answers how many are new."""
    if not facts:
        return 0
    rows = [
        {
            "event_id": fact.event_id,
            "event": fact.name,
            "at": min(fact.occurred_at or now, now),
            "received_at": now,
            "payload": dict(fact.raw),
            "outcome": "",
        }
        # Several posts may bring the same events at once: in one order they wait for each other and never in a circle.
        for fact in sorted(facts, key=lambda fact: fact.event_id)
    ]
    statement = builder(session)(ProviderEvent).on_conflict_do_nothing().returning(ProviderEvent.id)
    return len(session.execute(statement, rows).all())


def apply(session: Session, *, now: datetime, key: bytes, limit: int = 500) -> int:
    """Stored facts have moved their deliveries forward and suppressed what they must; answers how many were applied.

    A hard bounce, complaint or unsubscribe suppresses even when no delivery is known. Idempotent.
    """
    applied, last = 0, 0
    for _ in range(MOST_PAGES):
        page = session.execute(
            select(ProviderEvent.id, ProviderEvent.event_id, ProviderEvent.at, ProviderEvent.payload)
            .where(ProviderEvent.handled_at.is_(None), ProviderEvent.id > last)
            .order_by(ProviderEvent.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        applied += _apply_page(session, page, now=now, key=key) if page else 0
        if applied or len(page) < limit:
            break
        last = page[-1].id
    return applied


def _apply_page(session: Session, page: Sequence[Any], *, now: datetime, key: bytes) -> int:
    facts = {row.id: _fact(row) for row in page}
    found = matching.deliveries_of(session, key, facts)
    free = matching.locked(session, {target.id for target in found.values()})
    effects = _Effects()
    for row in page:
        target = found.get(row.id)
        if target is None:
            _gather(effects, row, facts[row.id], None, now=now, key=key)
        elif target.id in free and free[target.id].state not in NOT_YET:
            _gather(effects, row, facts[row.id], free[target.id], now=now, key=key)
    if effects.handled:
        _write(session, effects, free, now=now)
    return len(effects.handled)


def _gather(effects: _Effects, row: Any, fact: Fact, target: Target | None, *, now: datetime, key: bytes) -> None:
    reason = sendgrid_events.suppressing(fact)
    if reason:
        hashes = {target.address_hash} if target else set()
        hashes |= {consent.address_hash(key, fact.email)} if fact.email else set()
        for hashed in filter(None, hashes):
            earlier = effects.suppressed.get(hashed, reason)
            effects.suppressed[hashed] = min(reason, earlier, key=STRONGEST.index)
    outcome = _outcome(fact, target)
    if target is not None:
        effects.facts_of[target.id].append((fact, row.at))
        effects.receipts.append(
            {
                "delivery_id": target.id,
                "provider_event_id": row.id,
                "event": "machine-open" if fact.name == "open" and fact.machine else fact.name,
                "at": row.at,
                "text": _without_address(fact.reason or fact.response, fact.email)[:500],
            }
        )
    payload = {
        name: _without_address(value, fact.email) if isinstance(value, str) else value
        for name, value in row.payload.items()
        if name not in PERSONAL_FIELDS
    }
    effects.handled.append({"row_id": row.id, "said": outcome, "kept": payload, "done": now})


def _outcome(fact: Fact, target: Target | None) -> str:
    rank = sendgrid_events.rank(fact)
    if rank == 0:
        return "ignored"
    if target is None:
        return "no-delivery"
    return "applied" if rank > target.fact_rank else "older"


def _write(session: Session, effects: _Effects, targets: Mapping[int, Target], *, now: datetime) -> None:
    _suppress(session, effects.suppressed, now=now)
    if effects.receipts:
        session.execute(builder(session)(Receipt).on_conflict_do_nothing(), effects.receipts)
    moves = [_move(targets[each], facts, now) for each, facts in effects.facts_of.items()]
    if moves:
        session.connection().execute(
            update(LEDGER)
            .where(C.id == bindparam("row_id"))
            .values(
                state=bindparam("new_state"),
                reason=bindparam("new_reason"),
                fact_rank=bindparam("new_rank"),
                sent_at=bindparam("new_sent_at"),
                updated_at=bindparam("done"),
            ),
            moves,
        )
        session.expire_all()
        _tell(session, effects, targets, {each["row_id"]: each for each in moves})
    session.connection().execute(
        update(ProviderEvent.__table__)  # type: ignore[arg-type]
        .where(ProviderEvent.__table__.c.id == bindparam("row_id"))
        .values(outcome=bindparam("said"), payload=bindparam("kept"), handled_at=bindparam("done")),
        effects.handled,
    )


def _move(target: Target, facts: Sequence[tuple[Fact, datetime]], now: datetime) -> dict[str, Any]:
    state = target.state
    for fact, _ in sorted(facts, key=lambda each: sendgrid_events.rank(each[0])):
        state = newer_state(state, fact.name) or state
    moved = state != target.state
    return {
        "row_id": target.id,
        "new_state": state,
        "new_reason": "" if moved else target.reason,
        "new_rank": max(target.fact_rank, *(sendgrid_events.rank(fact) for fact, _ in facts)),
        "new_sent_at": target.sent_at or (min(at for _, at in facts) if moved else None),
        "done": now if moved else target.updated_at,
    }


def _tell(session: Session, effects: _Effects, targets: Mapping[int, Target], moves: Mapping[int, Any]) -> None:
    """What facts mean for the timeline, whatever stood there before: in every order the same is told."""
    told: dict[str, dict[int, datetime]] = defaultdict(dict)
    delivered: dict[int, datetime] = {}
    for each, facts in effects.facts_of.items():
        if targets[each].state in WAS_IN_DOUBT and moves[each]["new_state"] not in WAS_IN_DOUBT:
            told["emailed"][each] = moves[each]["new_sent_at"]
        for fact, at in facts:
            kind = TOUCH_OF.get(newer_state("sent", fact.name) or "")
            if kind and moves[each]["new_state"] in TOUCH_OF:
                told[kind][each] = min(at, told[kind].get(each, at))
        arrived = [at for fact, at in facts if fact.name == "delivered"]
        if arrived:
            delivered[each] = min(arrived)
    for kind, at_of in told.items():
        telling.happened(session, [targets[each] for each in at_of], kind, at=at_of)
    clicks.arrived(session, delivered)


def _suppress(session: Session, wanted: Mapping[str, str], *, now: datetime) -> None:
    """Each address once; what is as strong already is not written again."""
    if not wanted:
        return
    there = {
        row.address_hash: row.reason
        for row in session.scalars(
            select(consent.Suppression).where(
                consent.Suppression.address_hash.in_(wanted),
                consent.Suppression.topic == consent.EVERYTHING,
                consent.Suppression.lifted_at.is_(None),
            )
        )
    }
    for hashed in sorted(wanted):
        reason = there.get(hashed)
        if reason is None or (reason in consent.LIFTABLE and reason != wanted[hashed]):
            consent.suppress(session, now=now, hashed=hashed, reason=wanted[hashed], source="webhook")


def move(session: Session, delivery: Delivery, event: str, rank: int, *, at: datetime, now: datetime) -> str:
    """The delivery stands at the strongest fact known so far; "applied", "older" or "ignored".

    The state follows from the facts alone, in whatever order they came: states have an order of their own, and one
    that may not follow is not taken (`rules.newer_state`).
    """
    if rank == 0:
        return "ignored"
    state, before = newer_state(delivery.state, event), delivery.fact_rank
    delivery.fact_rank = max(before, rank)
    if state is not None:
        in_doubt = delivery.state in WAS_IN_DOUBT
        delivery.sent_at = delivery.sent_at or at
        delivery.state, delivery.reason, delivery.updated_at = state, "", now
        session.flush()
        if in_doubt:
            telling.happened(session, [delivery], "emailed", at=delivery.sent_at)
        if state in TOUCH_OF:
            telling.happened(session, [delivery], TOUCH_OF[state], at=at)
    return "applied" if rank > before else "older"


def _fact(row: Any) -> Fact:
    """The stored element, read again."""
    read = sendgrid_events.parse_events(json.dumps([row.payload]).encode())
    return read[0] if isinstance(read, list) and read else Fact(row.event_id, sendgrid_events.UNREADABLE)


def _without_address(words: str, email: str) -> str:
    return re.sub(re.escape(email), "(address)", words, flags=re.IGNORECASE) if email else words
