"""Settles unconfirmed mail by the practice's policy, once receipts had their time (reliability B3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, text, update
from sqlalchemy.orm import Session

from outreach.content.kinds import MESSAGE_KINDS, MessageKind
from outreach.deliveries import claiming, telling
from outreach.deliveries.guards.copy_guard import RESTORED
from outreach.deliveries.house import House, house_of
from outreach.deliveries.models import LEDGER, NEEDS_A_LOOK, Attempt
from outreach.deliveries.policy_models import MOST_HOURS, WAYS_TO_SETTLE, ReceiptWait, UnconfirmedPolicy
from outreach.errors import Refusal
from outreach.screen import World

C = LEDGER.c
COUNTED_AS_SENT = ("newsletter", "card")
"""A second one would be worse than none; about four in five unconfirmed mails did arrive (reliability B2)."""
HOURS = {"sendgrid": 72}
"""SendGrid tells what became of a mail, for up to three days."""
OTHER_HOURS = 1
"""A mail server tells nothing when all went well: waiting longer would only make a reminder late."""
MOST_TRIES_BY_ITSELF = 2
"""A mail of which nobody knows twice waits for a person."""


def policy(session: Session) -> dict[str, str]:
    """{kind: sent, again or wait} of every kind of mail."""
    chosen: dict[str, str] = {row.kind: row.how for row in session.scalars(select(UnconfirmedPolicy))}
    return {name: chosen.get(name, default_of(kind)) for name, kind in MESSAGE_KINDS.items()}


def default_of(kind: MessageKind) -> str:
    """What is done when nobody chose: a second reminder does less harm than none."""
    if kind.name in COUNTED_AS_SENT:
        return "sent"
    return "again" if kind.mail_class == "relationship" or kind.name.startswith("reminder") else "wait"


def hours(session: Session, transports: Sequence[str]) -> dict[str, int]:
    """{transport: hours that its receipts are waited for}."""
    chosen: dict[str, int] = {row.transport: row.hours for row in session.scalars(select(ReceiptWait))}
    return {name: chosen.get(name, HOURS.get(name, OTHER_HOURS)) for name in transports}


def choose(
    session: Session,
    hows: Mapping[str, str],
    waits: Mapping[str, int] | None = None,
    *,
    now: datetime,
    by_id: int | None,
) -> Refusal | None:
    """These kinds go by these ways, and receipts of these transports are waited for so many hours, from now on.

    Idempotent. Refusals: unknown-choice, out-of-range; nothing is changed then.
    """
    waits = waits or {}
    if not set(hows) <= set(MESSAGE_KINDS) or not set(hows.values()) <= set(WAYS_TO_SETTLE):
        return Refusal("unknown-choice", "Choose for each kind of email what is done.")
    if not all(1 <= each <= MOST_HOURS for each in waits.values()):
        return Refusal("out-of-range", f"Wait between 1 and {MOST_HOURS} hours.")
    for kind, how in hows.items():
        session.merge(UnconfirmedPolicy(kind=kind, how=how, changed_at=now, by_id=by_id))
    for transport, each in waits.items():
        session.merge(ReceiptWait(transport=transport, hours=each, changed_at=now, by_id=by_id))
    session.flush()
    return None


def settle_by_policy(session: Session, *, now: datetime, world: World, limit: int = 500, at_once: bool = False) -> int:
    """Unconfirmed mail whose receipts had their time counts as sent or is sent again; answers how many rows.

    Sent again once, with the same Message-ID, and only while it is not too late. What a restore made doubtful is left
    to a person, unless one asks for it: `at_once` waits for nothing. Idempotent.
    """
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    ways = policy(session)
    ready = [text(NEEDS_A_LOOK), C.state == "unconfirmed"]
    if not at_once:
        ready += [C.reason != RESTORED, _waited(session, now=now)]
    many = _count_as_sent(session, [*ready, _of(ways, "sent")], now=now, limit=limit)
    return many + _send_again(session, [*ready, _of(ways, "again"), *_worth_it(now)], now=now, house=house, limit=limit)


def settle_all(
    session: Session, how: str, *, kind: str, reason: str, now: datetime, house: House, limit: int = 5000
) -> int | Refusal:
    """All unconfirmed mail of a kind and a reason ("" for any) counts as sent, is sent again or is given up.

    Refusals: unknown-choice.
    """
    chosen = [text(NEEDS_A_LOOK), C.state == "unconfirmed"]
    chosen += [C.kind == kind] if kind else []
    chosen += [C.reason == reason] if reason else []
    if how == "sent":
        return _count_as_sent(session, chosen, now=now, limit=limit)
    if how == "again":
        return _send_again(session, chosen, now=now, house=house, limit=limit)
    if how == "abandoned":
        gone = {"state": "abandoned", "reason": "", "updated_at": now}
        return len(session.execute(_some(chosen, limit).values(gone).returning(C.id)).all())
    return Refusal("unknown-choice", "Choose what happened with these emails.")


def _count_as_sent(session: Session, chosen: Sequence[ColumnElement[bool] | Any], *, now: datetime, limit: int) -> int:
    sent_at = func.coalesce(C.fenced_at, C.due_at)
    done = session.execute(
        _some(chosen, limit)
        .values(state="sent", reason="", sent_at=sent_at, updated_at=now)
        .returning(C.id, C.contact_id, C.message_id, C.sent_at)
    ).all()
    telling.happened(session, done, "emailed", at={row.id: row.sent_at for row in done})
    return len(done)


def _send_again(session: Session, chosen: Sequence[Any], *, now: datetime, house: House, limit: int) -> int:
    again = session.execute(
        _some(chosen, limit)
        .values(state="resend-approved", reason="", due_at=now, first_attempt_at=None, updated_at=now)
        .returning(C.id, C.kind, C.zone, C.local_minute, C.not_before_at)
    ).all()
    claiming.plan_rows(session, again, now=now, house=house)
    return len(again)


def _some(chosen: Sequence[Any], limit: int) -> Any:
    ids = select(C.id).where(*chosen).order_by(C.id).limit(limit).with_for_update(skip_locked=True)
    return update(LEDGER).where(C.id.in_(ids.correlate(None)), C.state == "unconfirmed")


def _of(ways: Mapping[str, str], how: str) -> ColumnElement[bool]:
    return C.kind.in_([kind for kind, chosen in ways.items() if chosen == how])


def _waited(session: Session, *, now: datetime) -> ColumnElement[bool]:
    names = [name for name in session.scalars(_transports()) if name]
    since = func.coalesce(C.fenced_at, C.updated_at)
    over = [
        and_(C.transport == name, since <= now - timedelta(hours=each)) for name, each in hours(session, names).items()
    ]
    return or_(false(), *over)


def _transports() -> Any:
    return select(C.transport).where(text(NEEDS_A_LOOK), C.state == "unconfirmed").distinct()


def _worth_it(now: datetime) -> tuple[ColumnElement[bool], ...]:
    tries = (
        select(func.count())
        .where(Attempt.delivery_id == C.id, Attempt.outcome == "unknown")
        .correlate(LEDGER)
        .scalar_subquery()
    )
    return or_(C.not_after_at.is_(None), C.not_after_at > now), tries < MOST_TRIES_BY_ITSELF
