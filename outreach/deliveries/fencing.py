"""The fence: one statement that checks everything again, committed before the provider is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Date, Executable, bindparam, func, update
from sqlalchemy.orm import Session

from outreach.db import Instant
from outreach.deliveries import gates, stopping, telling
from outreach.deliveries.claiming import LEASE, tokens_of
from outreach.deliveries.house import House
from outreach.deliveries.models import LEDGER
from outreach.deliveries.rules import LEASED, Way
from outreach.deliveries.sets import Ids, Prepared, is_one_of
from outreach.deliveries.stopping import Stopped, returned

C = LEDGER.c
IDS = Ids("p_ids")
NOW = bindparam("p_now", type_=Instant())


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
    ids = [row.id for row in rows]
    given = {
        **IDS.given(session, ids),
        "tokens": tokens_of(rows),
        "p_now": now,
        "p_today": house.today,
        "p_until": now + LEASE,
    }
    passed = frozenset(_passing(house.ways).run(session, given).scalars().all())
    if len(passed) == len(rows):
        return Fenced(passed, ())
    refused = IDS.given(session, [each for each in ids if each not in passed])
    stopped = tuple(Stopped(*row) for row in _refusing(house.ways).run(session, {**given, **refused}))
    telling.not_sent(session, stopped, now=now)
    unlicensed = {row.message_id for row in stopped if row.reason == "no-authorization"}
    stopping.hold_whole_messages(session, sorted(unlicensed), now=now, house=house)
    return Fenced(passed, stopped)


@lru_cache(maxsize=8)
def _passing(ways: tuple[Way, ...]) -> Prepared:
    """Every gate is asked once, and what passes is `sending`; answers the ids."""

    def build(sqlite: bool) -> Executable:
        return (
            update(LEDGER)
            .where(*_held(sqlite), C.lease_until_at > NOW, ~gates.any_closed(_gates(ways)))
            .values(
                state="sending",
                attempts=C.attempts + 1,
                first_attempt_at=func.coalesce(C.first_attempt_at, NOW),
                fenced_at=NOW,
                lease_until_at=bindparam("p_until", type_=Instant()),
                updated_at=NOW,
            )
            .returning(C.id)
        )

    return Prepared(build)


@lru_cache(maxsize=8)
def _refusing(ways: tuple[Way, ...]) -> Prepared:
    """What did not pass has the state and the reason of its first closed gate."""

    def build(sqlite: bool) -> Executable:
        state, reason = gates.verdict(_gates(ways))
        return (
            update(LEDGER)
            .where(*_held(sqlite))
            .values(state=state, reason=reason, token=None, lease_until_at=None, updated_at=NOW)
            .returning(*returned())
        )

    return Prepared(build)


def _gates(ways: tuple[Way, ...]) -> tuple[gates.Gate, ...]:
    now, today = cast(Any, NOW), cast(Any, bindparam("p_today", type_=Date()))
    return (*gates.lasting(now=now, today=today, ways=ways), *gates.passing(now=now))


def _held(sqlite: bool) -> tuple[ColumnElement[bool], ...]:
    tokens = C.token.in_(bindparam("tokens", expanding=True))
    return IDS.hold(sqlite, C.id), tokens, C.state == "claimed"


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
