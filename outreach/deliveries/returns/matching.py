"""Which delivery a provider's fact is about: by our own id, else Message-ID, else request and address, else address.

A number alone names nobody: two installations may share an account and count alike, and one request carries many
people. So the address that the fact names must be the one that the delivery went to.
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.deliveries import links
from outreach.deliveries.models import LEDGER
from outreach.deliveries.transports.sendgrid_events import ProviderEvent as Fact
from outreach.screen import LARGEST_NUMBER

ROW_NUMBER = re.compile(r"[0-9]{1,10}")
C = LEDGER.c


class Target(NamedTuple):
    """A delivery as far as its facts need to know."""

    id: int
    contact_id: int | None
    message_id: int
    address_hash: str | None
    state: str
    reason: str
    fact_rank: int
    sent_at: datetime | None
    updated_at: datetime
    provider_message_id: str | None


COLUMNS = tuple(C[name] for name in Target._fields)


def deliveries_of(session: Session, key: bytes, facts: Mapping[int, Fact]) -> dict[int, Target]:
    """{provider event: its delivery}; at most three statements."""
    hashes = {event: consent.address_hash(key, fact.email) for event, fact in facts.items() if fact.email}
    named = {event: _named(key, fact) for event, fact in facts.items()}
    known = _rows(session, C.id.in_({each for each in named.values() if each}))
    found: dict[int, Target] = {}
    for event, number in named.items():
        row = known.get(number or 0)
        if row is not None and (row.address_hash is None or hashes.get(event, row.address_hash) == row.address_hash):
            found[event] = row
    rest = {event: hashes[event] for event in facts if event not in found and event in hashes}
    found |= _by_request(session, {event: facts[event].request_id or "" for event in rest}, rest)
    late = {event: rest[event] for event in rest if event not in found and facts[event].name == "bounce"}
    return found | _last_to(session, late)


def locked(session: Session, ids: Collection[int]) -> dict[int, Target]:
    """Those rows as they are now, kept from others until the turn ends; one that somebody else writes is left out."""
    if not ids:
        return {}
    found = session.execute(select(*COLUMNS).where(C.id.in_(ids)).order_by(C.id).with_for_update(skip_locked=True))
    return {row.id: Target(*row) for row in found}


def _named(key: bytes, fact: Fact) -> int | None:
    if fact.mid and ROW_NUMBER.fullmatch(fact.mid) and int(fact.mid) <= LARGEST_NUMBER:
        return int(fact.mid)
    named = links.deliveries_named(key, f"<{fact.smtp_id}>") if fact.smtp_id else []
    return named[0] if named else None


def _rows(session: Session, condition: ColumnElement[bool]) -> dict[int, Target]:
    return {row.id: Target(*row) for row in session.execute(select(*COLUMNS).where(condition))}


def _by_request(session: Session, requests: Mapping[int, str], hashes: Mapping[int, str]) -> dict[int, Target]:
    """By the answer's X-Message-Id, which all people of one request share, together with the address."""
    asked = {request for request in requests.values() if request}
    if not asked:
        return {}
    rows = _rows(session, C.provider_message_id.in_(asked) & C.address_hash.in_(set(hashes.values())))
    by_both = {(row.provider_message_id, row.address_hash): row for row in rows.values()}
    wanted = {event: by_both.get((request, hashes[event])) for event, request in requests.items()}
    return {event: row for event, row in wanted.items() if row is not None}


def _last_to(session: Session, hashes: Mapping[int, str]) -> dict[int, Target]:
    """Asynchronous bounces name no message: it is the last one that went to that address."""
    if not hashes:
        return {}
    newest = func.row_number().over(partition_by=C.address_hash, order_by=(C.sent_at.desc(), C.id.desc()))
    ranked = (
        select(*COLUMNS, newest.label("place"))
        .join(Contact, (Contact.id == C.contact_id) & (Contact.address_hash == C.address_hash))
        .where(Contact.address_hash.in_(set(hashes.values())), C.sent_at.is_not(None))
        .subquery()
    )
    found = session.execute(select(*(ranked.c[name] for name in Target._fields)).where(ranked.c.place == 1))
    by_hash = {row.address_hash: row for row in (Target(*row) for row in found)}
    return {event: by_hash[hashed] for event, hashed in hashes.items() if hashed in by_hash}
