"""Writes down what became of hand-overs: one group of finished calls in one turn, each write under its token."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.deliveries import telling
from outreach.deliveries.models import LEDGER, Attempt, TransportState, builder
from outreach.deliveries.rules import retry_at
from outreach.deliveries.stopping import Stopped
from outreach.deliveries.transports.protocol import (
    NAMES,
    Accepted,
    AccountProblem,
    NotHandedOver,
    Outcome,
    Permanent,
    RefusedForNow,
    Unknown,
)

C = LEDGER.c
TROUBLES_BEFORE_REST = 5
REST = timedelta(minutes=1)
"""After so many failed connections in a row the transport rests, so that a backlog does not hammer a dead server."""


@dataclass(frozen=True)
class Finished:
    """One hand-over that came to an end."""

    row: Any
    header: str | None
    digest: str | None
    outcome: Outcome
    started_at: datetime


def record(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    """Each row has the state that its outcome means, with its attempt beside it; a row taken from us is left alone."""
    if not finished:
        return
    accepted = [each for each in finished if isinstance(each.outcome, Accepted)]
    others = [each for each in finished if not isinstance(each.outcome, Accepted)]
    _record_accepted(session, accepted, now=now)
    _record_others(session, others, now=now)
    session.execute(insert(Attempt), [_attempt(each, now) for each in finished])
    for name in sorted({each.row.transport for each in finished}):
        _record_transport(session, name, [each.outcome for each in finished if each.row.transport == name], now=now)


def _record_accepted(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    if not finished:
        return
    session.connection().execute(
        update(LEDGER)
        .where(C.id == bindparam("row_id"), C.token == bindparam("mine"), C.state == "sending")
        .values(
            state="sent",
            reason="",
            last_error="",
            sent_at=now,
            provider_message_id=bindparam("provider_id"),
            message_id_header=bindparam("header"),
            rendered_hash=bindparam("digest"),
            token=None,
            lease_until_at=None,
            updated_at=now,
        ),
        [
            {
                "row_id": each.row.id,
                "mine": each.row.token,
                "provider_id": each.outcome.provider_id if isinstance(each.outcome, Accepted) else None,
                "header": each.header,
                "digest": each.digest,
            }
            for each in finished
        ],
    )
    telling.happened(session, [each.row for each in finished], "emailed", at=now)


def _record_others(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    if not finished:
        return
    written = [_after(each, now) for each in finished]
    session.connection().execute(
        update(LEDGER)
        .where(C.id == bindparam("row_id"), C.token == bindparam("mine"), C.state == "sending")
        .values(
            state=bindparam("new_state"),
            reason=bindparam("new_reason"),
            due_at=bindparam("new_due"),
            last_error=bindparam("error"),
            message_id_header=bindparam("header"),
            rendered_hash=bindparam("digest"),
            token=None,
            lease_until_at=None,
            updated_at=now,
        ),
        written,
    )
    failed = [
        Stopped(each.row.id, each.row.contact_id, each.row.message_id, "failed", new["new_reason"])
        for each, new in zip(finished, written, strict=True)
        if new["new_state"] == "failed"
    ]
    telling.not_sent(session, failed, now=now)
    for each in finished:
        if isinstance(each.outcome, Permanent) and each.outcome.bad_address and each.row.address_hash:
            consent.suppress(
                session, now=now, hashed=each.row.address_hash, reason="bounced", source=each.row.transport
            )


def _after(each: Finished, now: datetime) -> dict[str, Any]:
    state, reason, due_at = _next_state(each, now)
    return {
        "row_id": each.row.id,
        "mine": each.row.token,
        "new_state": state,
        "new_reason": reason,
        "new_due": due_at,
        "error": each.outcome.text[:500],
        "header": each.header,
        "digest": each.digest,
    }


def _next_state(each: Finished, now: datetime) -> tuple[str, str, datetime]:
    """(state, reason, due_at) by the classes of architecture 9.1."""
    outcome, row = each.outcome, each.row
    if isinstance(outcome, Unknown):
        return "unconfirmed", "no-answer", row.due_at
    if isinstance(outcome, Permanent):
        return "failed", "refused", row.due_at
    if isinstance(outcome, AccountProblem):
        # The transport is paused by the same turn; the row waits without having lost a try.
        return "scheduled", "transport-paused", now
    at = retry_at(
        now,
        attempts=row.attempts + 1,
        chance=secrets.SystemRandom().random(),
        first_attempt_at=row.first_attempt_at or each.started_at,
        not_before_at=_not_before(outcome, now),
        not_after_at=row.not_after_at,
    )
    if at is None:
        return "failed", "gave-up", row.due_at
    return "scheduled", "not-reached" if isinstance(outcome, NotHandedOver) else "asked-to-wait", at


def _not_before(outcome: Outcome, now: datetime) -> datetime | None:
    if not isinstance(outcome, RefusedForNow):
        return None
    if outcome.not_before_at is not None:
        # A provider that lies about its reset must not keep mail for ever.
        return min(outcome.not_before_at, now + timedelta(hours=24))
    return now + timedelta(seconds=outcome.wait_seconds) if outcome.wait_seconds is not None else None


def _attempt(each: Finished, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": each.row.id,
        "number": each.row.attempts + 1,
        "transport": each.row.transport,
        "started_at": each.started_at,
        "finished_at": now,
        "outcome": NAMES[type(each.outcome)],
        "text": each.outcome.text[:500],
    }


def _record_transport(session: Session, name: str, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """How the way out is: last success, failed connections in a row, and whether it is paused or rests."""
    worked = any(isinstance(outcome, Accepted | Permanent) for outcome in outcomes)
    unreached = [outcome for outcome in outcomes if isinstance(outcome, NotHandedOver | Unknown)]
    waits = [_not_before(outcome, now) for outcome in outcomes if isinstance(outcome, RefusedForNow) and outcome.busy]
    account = next((outcome for outcome in outcomes if isinstance(outcome, AccountProblem)), None)
    session.execute(builder(session)(TransportState).values(name=name, troubles=0).on_conflict_do_nothing())
    state = session.get_one(TransportState, name, with_for_update=True, populate_existing=True)
    state.troubles = 0 if worked and not unreached else state.troubles + len(unreached)
    if worked:
        state.last_sent_at = now
    trouble = next((outcome.text for outcome in outcomes if not isinstance(outcome, Accepted | Permanent)), "")
    if trouble:
        state.last_trouble_at, state.last_trouble = now, trouble[:500]
    until = max((wait for wait in waits if wait), default=None)
    if state.troubles >= TROUBLES_BEFORE_REST:
        until = max(until or now, now + REST)
    if until is not None:
        state.not_before_at = max(state.not_before_at or until, until)
    if account is not None and state.paused_at is None:
        state.paused_at, state.paused_why, state.paused_by_id = now, account.text[:500], None
    session.flush()
