"""Holding and resuming mail from the terminal, and settling what nobody knows."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from outreach import audit
from outreach.config import Settings
from outreach.deliveries import outbox, steering
from outreach.deliveries.house import house_of
from outreach.deliveries.models import Delivery
from outreach.errors import OutreachError, Refusal
from outreach.runtime import Runtime, open_runtime
from outreach.screen import Turn


def pause(settings: Settings, campaign: int | None) -> str:
    """Nothing (of that campaign) leaves until `resume`. Idempotent."""
    with _turn(settings) as (turn, _):
        scope = _scope(campaign)
        waiting = outbox.hold(turn.session, now=turn.now, scope=scope, by_id=None, why="Held from the command line.")
        _note(turn, "hold", scope)
    return f"{_named(campaign)} is on hold; {waiting} emails wait. Go on with: {_again('resume', campaign)}"


def resume(settings: Settings, campaign: int | None) -> str:
    """What waits (in that campaign) may leave again, within sending hours. Idempotent."""
    with _turn(settings) as (turn, _):
        scope = _scope(campaign)
        waiting = outbox.resume(turn.session, now=turn.now, scope=scope, by_id=None)
        _note(turn, "resume", scope)
    return f"{_named(campaign)} goes on; {waiting} emails leave within sending hours."


def unconfirmed(settings: Settings) -> str:
    """The emails of which nobody knows whether they arrived, one per line: id, kind, since when. No addresses."""
    with _turn(settings, write=False) as (turn, _):
        rows = turn.session.scalars(
            select(Delivery).where(Delivery.state == "unconfirmed").order_by(Delivery.id).limit(500)
        )
        lines = [f"{row.id:>8}  {row.kind:<20}  {row.due_at:%Y-%m-%d %H:%M} UTC  {row.reason}" for row in rows]
    if not lines:
        return "Nothing is unconfirmed."
    advice = "Look into your mail server's log, then: outreach unconfirmed ID sent | again | abandoned"
    return "\n".join([*lines, advice])


def settle(settings: Settings, delivery_id: int, how: str) -> str:
    """One unconfirmed email counts as sent, is sent again or given up.

    Errors: OutreachError with the words of the refusal.
    """
    with _turn(settings) as (turn, runtime):
        if turn.session.get(Delivery, delivery_id) is None:
            raise OutreachError(f"There is no email with the number {delivery_id}.")
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=settings)
        done = steering.settle(turn.session, delivery_id, how, now=turn.now, house=house)
        if isinstance(done, Refusal):
            raise OutreachError(done.text)
        audit.record(
            turn.session,
            now=turn.now,
            actor_id=None,
            action="settle-delivery",
            subject_type="delivery",
            subject_id=delivery_id,
            how=how,
        )
    return f"Email {delivery_id} is {steering.SETTLED[how]}."


@contextmanager
def _turn(settings: Settings, *, write: bool = True) -> Iterator[tuple[Turn, Runtime]]:
    runtime = open_runtime(settings)
    try:
        with runtime.turn(write=write) as turn:
            yield turn, runtime
    finally:
        runtime.close()


def _note(turn: Turn, action: str, scope: str) -> None:
    audit.record(turn.session, now=turn.now, actor_id=None, action=action, subject_type="outbox", scope=scope)


def _scope(campaign: int | None) -> str:
    return "all" if campaign is None else f"campaign:{campaign}"


def _named(campaign: int | None) -> str:
    return "All mail" if campaign is None else f"Campaign {campaign}"


def _again(command: str, campaign: int | None) -> str:
    return f"outreach {command}" + ("" if campaign is None else f" --campaign {campaign}")
