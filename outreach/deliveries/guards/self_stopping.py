"""Mail of one source that comes back or is reported too often stops itself, until a person has looked (9.14)."""

from datetime import datetime, timedelta

from sqlalchemy import and_, case, func, or_, select, text
from sqlalchemy.orm import Session

from outreach.deliveries import outbox
from outreach.deliveries.models import NEEDS_A_LOOK, Delivery, Hold
from outreach.deliveries.rules import PRINT, too_bad

LOOKED_BACK = timedelta(days=3)
"""What was sent longer ago has had its answers; a source that sent nothing since has nothing left to stop."""


def stop_itself(session: Session, *, now: datetime, except_for: tuple[str, ...] = ("campaign",)) -> int:
    """Every source whose mail meets the limit is on hold, with the reason; answers how many are new. Idempotent.

    `except_for` names sources that do it themselves, because they have more to stop than mail.
    """
    held = outbox.held_scopes(session)
    new = 0
    for source, source_id in _busy(session, now=now, except_for=except_for):
        scope = f"{source}:{source_id}"
        why = "" if scope in held else why_stop(session, source, source_id)
        if why:
            outbox.hold(session, now=now, scope=scope, by_id=None, why=why)
            new += 1
    return new


def why_stop(session: Session, source: str, source_id: int) -> str:
    """Why the mail of this source must stop, in words, or "".

    What was sent before a person last resumed it is not counted again. A refusal by the recipient's server counts as
    mail that came back, and as sent.
    """
    refused = and_(Delivery.state == "failed", Delivery.reason == "refused")
    counted = select(
        func.count(),
        func.count(case((or_(Delivery.state == "bounced", refused), 1))),
        func.count(case((Delivery.state == "complained", 1))),
    ).where(
        Delivery.source == source,
        Delivery.source_id == source_id,
        or_(Delivery.sent_at.is_not(None), refused),
        func.coalesce(Delivery.transport, "") != PRINT,
    )
    lifted = select(func.max(Hold.lifted_at)).where(Hold.scope == f"{source}:{source_id}")
    resumed_at = session.scalar(lifted)
    if resumed_at is not None:
        counted = counted.where(func.coalesce(Delivery.sent_at, Delivery.fenced_at) > resumed_at)
    return too_bad(*session.execute(counted).one())


def _busy(session: Session, *, now: datetime, except_for: tuple[str, ...]) -> list[tuple[str, int]]:
    """The sources that sent lately, or whose mail was refused: each by an index of its own."""
    one = select(Delivery.source, Delivery.source_id).where(Delivery.source.not_in(except_for)).distinct()
    sent = one.where(Delivery.sent_at > now - LOOKED_BACK, Delivery.sent_at.is_not(None))
    refused = one.where(text(f"delivery.{NEEDS_A_LOOK}"), Delivery.state == "failed", Delivery.reason == "refused")
    return sorted({(row.source, row.source_id) for found in (sent, refused) for row in session.execute(found)})
