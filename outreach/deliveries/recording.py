"""Writes down what became of hand-overs: one group of finished calls in one turn, each write under its token."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Executable, bindparam, case, insert, null, select, update
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.db import Instant
from outreach.deliveries import telling
from outreach.deliveries.models import LEDGER, Attempt
from outreach.deliveries.rules import retry_at
from outreach.deliveries.sets import INSTANT, NUMBER, WORDS, Prepared, Rows, is_one_of, rows_of
from outreach.deliveries.stopping import Stopped
from outreach.deliveries.transports.protocol import (
    NAMES,
    NOT_BEGUN,
    Accepted,
    AccountProblem,
    NotHandedOver,
    Outcome,
    Permanent,
    Unknown,
    told,
)
from outreach.deliveries.ways import throttling

C = LEDGER.c
LONGEST_ID = 200
FREE = {"token": None, "lease_until_at": None}
IN_DOUBT = ("unconfirmed", "resend-approved")
ROW = {"id": NUMBER, "token": WORDS}
NOW = bindparam("p_now", type_=Instant())
ACCEPTED = Rows("accepted", {**ROW, "number": NUMBER, "provider": WORDS, "header": WORDS, "digest": WORDS})
TRIED = Rows(
    "tried",
    {
        "delivery_id": NUMBER,
        "number": NUMBER,
        "transport": WORDS,
        "started_at": INSTANT,
        "outcome": WORDS,
        "text": WORDS,
    },
)


class Finished(NamedTuple):
    """One hand-over that came to an end."""

    row: Any
    header: str | None
    digest: str | None
    outcome: Outcome
    started_at: datetime


def record(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    """Each row has the state that its outcome means, with its attempt beside it; a row taken from us is left alone,
    except that an acceptance of its last attempt settles the doubt in which we left it.

    What was not begun waits again and has lost no try. Constant statements for any number of the same outcome.
    """
    if not finished:
        return
    begun = [each for each in finished if each.outcome != NOT_BEGUN]
    _put_back(session, [each for each in finished if each.outcome == NOT_BEGUN], now=now)
    _record_accepted(session, [each for each in begun if isinstance(each.outcome, Accepted)], now=now)
    _record_others(session, [each for each in begun if not isinstance(each.outcome, Accepted)], now=now)
    _add_attempts(session, begun, now=now)
    answers: dict[str, list[Outcome]] = defaultdict(list)
    for each in begun:
        answers[each.row.transport].append(each.outcome)
    for name in sorted(answers):
        throttling.note(session, name, answers[name], now=now)


def _put_back(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    if finished:
        known = rows_of(session, "known", ROW, [(each.row.id, each.row.token) for each in finished])
        first = case((C.attempts == 1, null()), else_=C.first_attempt_at)
        session.execute(
            update(LEDGER)
            .where(C.id == known.c.id, C.token == known.c.token, C.state == "sending")
            .values(state="scheduled", attempts=C.attempts - 1, first_attempt_at=first, updated_at=now, **FREE)
        )


def _record_accepted(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    if not finished:
        return
    given = ACCEPTED.given(
        session,
        [
            (
                each.row.id,
                each.row.token,
                each.row.attempts + 1,
                _id_told(each.outcome),
                each.header,
                each.digest,
            )
            for each in finished
        ],
    )
    if _SENT.run(session, {**given, "p_now": now}).rowcount < len(finished):
        # Its lease was over before the answer came. The provider has it: nobody needs to look, and nobody sends again.
        _SENT_AFTER_ALL.run(session, {**given, "p_now": now})
    telling.happened(session, [each.row for each in finished], "emailed", at=now)


def _id_told(outcome: Outcome) -> str | None:
    """What a database takes of the provider's id; one that cannot be kept is none."""
    known = outcome.provider_id if isinstance(outcome, Accepted) else None
    return known[:LONGEST_ID] if known and known.isprintable() else None


def _sent(sqlite: bool, *, late: bool) -> Executable:
    known = ACCEPTED.table(sqlite).c
    in_doubt = (C.state.in_(IN_DOUBT), C.attempts == known.number)
    return (
        update(LEDGER)
        .where(C.id == known.id, *(in_doubt if late else (C.token == known.token, C.state == "sending")))
        .values(
            state="sent",
            reason="",
            last_error="",
            sent_at=NOW,
            provider_message_id=known.provider,
            message_id_header=known.header,
            rendered_hash=known.digest,
            updated_at=NOW,
            **FREE,
        )
    )


_SENT = Prepared(partial(_sent, late=False))
_SENT_AFTER_ALL = Prepared(partial(_sent, late=True))


def _record_others(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    if not finished:
        return
    plans = _plans(session, finished)
    written = [_after(each, plans.get(each.row.id), now) for each in finished]
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
            updated_at=now,
            **FREE,
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


def _plans(session: Session, finished: Sequence[Finished]) -> dict[int, Any]:
    """When these rows were due, first tried and are too late: asked only for those that must wait or end."""
    asked = is_one_of(session, C.id, [each.row.id for each in finished])
    found = session.execute(select(C.id, C.due_at, C.first_attempt_at, C.not_after_at).where(asked))
    return {row.id: row for row in found}


def _after(each: Finished, plan: Any, now: datetime) -> dict[str, Any]:
    state, reason, due_at = _next_state(each, plan, now)
    return {
        "row_id": each.row.id,
        "mine": each.row.token,
        "new_state": state,
        "new_reason": reason,
        "new_due": due_at,
        "error": told(each.outcome),
        "header": each.header,
        "digest": each.digest,
    }


def _next_state(each: Finished, plan: Any, now: datetime) -> tuple[str, str, datetime]:
    """(state, reason, due_at) by the classes of architecture 9.1. A row that is gone has no plan."""
    outcome, row = each.outcome, each.row
    due_at = plan.due_at if plan else now
    if isinstance(outcome, Unknown):
        return "unconfirmed", "no-answer", due_at
    if isinstance(outcome, Permanent):
        return "failed", "refused", due_at
    if isinstance(outcome, AccountProblem):
        # The transport is paused by the same turn; the row waits without having lost a try.
        return "scheduled", "transport-paused", now
    at = retry_at(
        now,
        attempts=row.attempts + 1,
        chance=secrets.SystemRandom().random(),
        first_attempt_at=(plan.first_attempt_at if plan else None) or each.started_at,
        not_before_at=throttling.asked_until(outcome, now),
        not_after_at=plan.not_after_at if plan else None,
    )
    if at is None:
        return "failed", "gave-up", due_at
    return "scheduled", "not-reached" if isinstance(outcome, NotHandedOver) else "asked-to-wait", at


def _add_attempts(session: Session, finished: Sequence[Finished], *, now: datetime) -> None:
    if finished:
        tried = [
            (
                each.row.id,
                each.row.attempts + 1,
                each.row.transport,
                each.started_at,
                NAMES[type(each.outcome)],
                told(each.outcome),
            )
            for each in finished
        ]
        _TRIED.run(session, {**TRIED.given(session, tried), "p_now": now})


def _tried(sqlite: bool) -> Executable:
    chosen = select(*TRIED.table(sqlite).c, NOW)
    return insert(Attempt).from_select([*TRIED.columns, "finished_at"], chosen, include_defaults=False)


_TRIED = Prepared(_tried)
