"""The fence: one statement that checks everything again, committed before the provider is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.orm import Session

from outreach.deliveries import gates, stopping, telling
from outreach.deliveries.claiming import LEASE, tokens_of
from outreach.deliveries.house import House
from outreach.deliveries.models import LEDGER
from outreach.deliveries.rules import LEASED
from outreach.deliveries.sets import is_one_of
from outreach.deliveries.stopping import Stopped, returned

C = LEDGER.c


@dataclass(frozen=True)
class Fenced:
    """The ids that may be handed over now, and what was stopped instead."""

    ids: frozenset[int]
    stopped: tuple[Stopped, ...]


def fence(session: Session, rows: Sequence[Any], *, now: datetime, house: House) -> Fenced:
    """Claimed rows are `sending` if token and lease still hold and every gate is open; the others get their reason.

    At most two statements, and two more when something is told on a timeline or a whole message is held. What is
    fenced must be handed over only after this turn is committed.
    """
    if not rows:
        return Fenced(frozenset(), ())
    closed = (*gates.lasting(now=now, today=house.today, ways=house.ways), *gates.passing(now=now))
    mine = (*_mine(session, rows), C.state == "claimed")
    passed = session.execute(
        update(LEDGER)
        .where(*mine, C.lease_until_at > now, ~gates.any_closed(closed))
        .values(
            state="sending",
            attempts=C.attempts + 1,
            first_attempt_at=func.coalesce(C.first_attempt_at, now),
            fenced_at=now,
            lease_until_at=now + LEASE,
            updated_at=now,
        )
        .returning(C.id)
    )
    ids = frozenset(row.id for row in passed)
    if len(ids) == len(rows):
        return Fenced(ids, ())
    return Fenced(ids, _named(session, rows, ids, closed, now=now, house=house))


def renew(session: Session, rows: Sequence[Any], *, now: datetime) -> frozenset[int]:
    """The leases of rows that this worker holds are prolonged; answers which rows are still its own."""
    if not rows:
        return frozenset()
    kept = session.execute(
        update(LEDGER)
        .where(*_mine(session, rows), C.state.in_(LEASED))
        .values(lease_until_at=now + LEASE)
        .returning(C.id)
    )
    return frozenset(row.id for row in kept)


def _mine(session: Session, rows: Sequence[Any]) -> tuple[ColumnElement[bool], ...]:
    return is_one_of(session, C.id, [row.id for row in rows]), C.token.in_(tokens_of(rows))


def _named(
    session: Session,
    rows: Sequence[Any],
    passed: frozenset[int],
    closed: Sequence[gates.Gate],
    *,
    now: datetime,
    house: House,
) -> tuple[Stopped, ...]:
    state, reason = gates.verdict(closed)
    refused = [row.id for row in rows if row.id not in passed]
    found = session.execute(
        update(LEDGER)
        .where(is_one_of(session, C.id, refused), C.token.in_(tokens_of(rows)), C.state == "claimed")
        .values(state=state, reason=reason, token=None, lease_until_at=None, updated_at=now)
        .returning(*returned())
    )
    stopped = tuple(Stopped(*row) for row in found)
    telling.not_sent(session, stopped, now=now)
    unlicensed = {row.message_id for row in stopped if row.reason == "no-authorization"}
    stopping.hold_whole_messages(session, sorted(unlicensed), now=now, house=house)
    return stopped
