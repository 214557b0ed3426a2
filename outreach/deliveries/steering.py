"""What a person does about deliveries: try again, settle a doubt, stop one, pause a way out, note an agreement."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from outreach.deliveries import claiming, telling
from outreach.deliveries.house import House
from outreach.deliveries.models import LEDGER, NEEDS_A_LOOK, Delivery, TransportState
from outreach.deliveries.rules import STOPPABLE
from outreach.errors import Refusal

C = LEDGER.c
SETTLED = {"sent": "counted as sent", "again": "sent again", "abandoned": "given up"}


def retry(session: Session, ids: Sequence[int], *, now: datetime, house: House) -> int:
    """Failed deliveries are scheduled again, with all their tries; answers how many. Those without address stay."""
    found = session.execute(
        update(LEDGER)
        .where(C.id.in_(ids), C.state == "failed", C.reason != "no-email")
        .values(state="scheduled", reason="", due_at=now, first_attempt_at=None, updated_at=now)
        .returning(C.id, C.kind, C.zone, C.local_minute, C.not_before_at)
    ).all()
    claiming.plan_rows(session, found, now=now, house=house)
    return len(found)


def failed_ids(session: Session, limit: int = 500, *, reason: str = "", kind: str = "") -> list[int]:
    """The oldest failed deliveries that can be tried again, of a reason and a kind when these are given."""
    wanted = select(C.id).where(text(NEEDS_A_LOOK), C.state == "failed", C.reason != "no-email")
    wanted = wanted.where(C.reason == reason) if reason else wanted
    wanted = wanted.where(C.kind == kind) if kind else wanted
    return list(session.scalars(wanted.order_by(C.id).limit(limit)))


def settle(session: Session, delivery_id: int, how: str, *, now: datetime, house: House) -> Refusal | None:
    """An unconfirmed delivery counts as sent, is sent again or is given up, as a person decided.

    Refusals: not-unconfirmed (a receipt or somebody else settled it meanwhile), unknown-choice.
    """
    delivery = session.get_one(Delivery, delivery_id, with_for_update=True)
    if how not in SETTLED:
        return Refusal("unknown-choice", "Choose what happened with this email.")
    if delivery.state != "unconfirmed":
        return Refusal("not-unconfirmed", "This email was settled meanwhile. Nothing was changed.")
    delivery.reason, delivery.updated_at = "", now
    if how == "sent":
        delivery.state, delivery.sent_at = "sent", delivery.fenced_at or now
        telling.happened(session, [delivery], "emailed", at=delivery.sent_at)
    elif how == "again":
        delivery.state, delivery.due_at, delivery.first_attempt_at = "resend-approved", now, None
        session.flush()
        claiming.plan_rows(session, [delivery], now=now, house=house)
    else:
        delivery.state = "abandoned"
    session.flush()
    return None


def stop(session: Session, delivery_id: int, *, now: datetime) -> Refusal | None:
    """One delivery that has not left is cancelled. Refusals: already-left."""
    gone = session.execute(
        update(LEDGER)
        .where(C.id == delivery_id, C.state.in_(STOPPABLE))
        .values(state="cancelled", reason="by-hand", token=None, lease_until_at=None, updated_at=now)
        .returning(C.id)
    ).all()
    return None if gone else Refusal("already-left", "This email has left already, or was stopped before.")


def transport_state(session: Session, name: str) -> TransportState:
    """What is recorded about a way out; a fresh row when nothing was so far."""
    state = session.get(TransportState, name)
    if state is None:
        state = TransportState(name=name)
        session.add(state)
        session.flush()
    return state


def pause(session: Session, name: str, *, now: datetime, by_id: int | None, why: str) -> None:
    """Nothing leaves by this transport; what is planned for it waits. Idempotent."""
    state = transport_state(session, name)
    if state.paused_at is None:
        state.paused_at, state.paused_why, state.paused_by_id = now, why[:500], by_id


def resume(session: Session, name: str) -> None:
    """The transport carries mail again, at once. Idempotent."""
    state = transport_state(session, name)
    state.paused_at, state.paused_why, state.paused_by_id, state.not_before_at, state.troubles = None, "", None, None, 0


def record_agreement(
    session: Session, name: str, signed_on: date | None, *, today: date, by_id: int | None, host: str = ""
) -> Refusal | None:
    """The day on which a business associate agreement was signed is on record, or taken back with None.

    `host` is the server that it is about: once the way leads to another one, the agreement does not count.
    Refusals: no-agreement-possible (SendGrid signs none), in-the-future.
    """
    if name == "sendgrid" and signed_on is not None:
        return Refusal("no-agreement-possible", "SendGrid signs no business associate agreement.")
    if signed_on is not None and signed_on > today:
        return Refusal("in-the-future", "The agreement must be signed already: choose a day up to today.")
    state = transport_state(session, name)
    state.baa_signed_on, state.baa_by_id = signed_on, by_id
    state.baa_for = (host.lower() or None) if signed_on is not None else None
    return None
