"""Holding and resuming mail from the terminal, and settling what nobody knows."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select, text

from outreach import audit
from outreach.campaigns import holding as campaigns_holding
from outreach.campaigns.models import Campaign
from outreach.config import Settings
from outreach.deliveries import outbox, settling, steering
from outreach.deliveries.guards import copy_guard
from outreach.deliveries.house import house_of
from outreach.deliveries.models import LEDGER, NEEDS_A_LOOK, Delivery
from outreach.deliveries.words import reason_words
from outreach.errors import OutreachError, Refusal
from outreach.runtime import Runtime, open_runtime
from outreach.screen import Turn


def pause(settings: Settings, campaign: int | None) -> str:
    """Nothing (of that campaign) leaves until `resume`. Idempotent. Errors: OutreachError for an unknown campaign."""
    with _turn(settings) as (turn, _):
        scope, why = _scope(campaign), "Held from the command line."
        found = _campaign(turn, campaign)
        if found is not None and found.status == "live":
            campaigns_holding.hold(turn.session, now=turn.now, campaign=found, by_id=None, why=why)
        waiting = outbox.hold(turn.session, now=turn.now, scope=scope, by_id=None, why=why)
        _note(turn, "hold", scope)
    return f"{_named(campaign)} is on hold; {_emails(waiting)} wait. Go on with: {_again('resume', campaign)}"


def resume(settings: Settings, campaign: int | None) -> str:
    """What waits (in that campaign) may leave again, within sending hours. Idempotent.

    Errors: OutreachError for an unknown campaign, and with the reason when this database looks like an old copy and
    the hold did not say so yet; asked once more, it goes on.
    """
    with _turn(settings) as (turn, _):
        scope = _scope(campaign)
        found = _campaign(turn, campaign)
        if campaign is None:
            left = copy_guard.resume(turn.session, settings.home, now=turn.now, by_id=None)
        else:
            if found is not None and found.status == "held":
                campaigns_holding.resume(turn.session, now=turn.now, campaign=found, by_id=None)
            left = outbox.resume(turn.session, now=turn.now, scope=scope, by_id=None)
        if not isinstance(left, Refusal):
            _note(turn, "resume", scope)
    if isinstance(left, Refusal):
        raise OutreachError(f"{left.text} If that is done, once more: {_again('resume', campaign)}")
    return f"{_named(campaign)} goes on; {_emails(left)} leave within sending hours."


def _campaign(turn: Turn, number: int | None) -> Campaign | None:
    found = turn.session.get(Campaign, number) if number is not None else None
    if number is not None and found is None:
        raise OutreachError(f"There is no campaign with the number {number}.")
    return found


def unconfirmed(settings: Settings) -> str:
    """The emails of which nobody knows whether they arrived, one per line: id, kind, since when. No addresses."""
    with _turn(settings, write=False) as (turn, _):
        rows = turn.session.scalars(
            select(Delivery).where(Delivery.state == "unconfirmed").order_by(Delivery.id).limit(500)
        )
        lines = [
            f"{row.id:>8}  {row.kind:<20}  {row.due_at:%Y-%m-%d %H:%M} UTC  {reason_words(row.reason)}" for row in rows
        ]
    if not lines:
        return "Nothing is unconfirmed."
    advice = (
        "Look into your mail server's log, then: outreach unconfirmed resolve ID sent | again | abandoned\n"
        "All by the practice's rules, at once: outreach unconfirmed resolve --policy"
    )
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


def settle_by_policy(settings: Settings) -> str:
    """All unconfirmed emails go by the practice's rules now, without waiting for receipts; the others stay."""
    with _turn(settings) as (turn, runtime):
        many = settling.settle_by_policy(turn.session, now=turn.now, world=runtime, limit=100_000, at_once=True)
        left = turn.session.scalar(select(func.count()).where(text(NEEDS_A_LOOK), LEDGER.c.state == "unconfirmed")) or 0
        audit.record(
            turn.session, now=turn.now, actor_id=None, action="settle-unconfirmed", subject_type="outbox", many=many
        )
    return f"{_emails(many)} settled by the rules; {_emails(left)} wait for a person."


def _emails(many: int) -> str:
    return "1 email" if many == 1 else f"{many:,} emails"


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
