"""How much is due to leave now: enough to know how many workers it is worth."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries.models import IS_WAITING, LEDGER

MOST_COUNTED = 10_000
"""Beyond this all workers are told anyway."""


def due_count(session: Session, *, now: datetime) -> int:
    """How many deliveries are due, up to MOST_COUNTED; what is on hold counts too."""
    due = (
        select(LEDGER.c.id)
        .where(text(IS_WAITING), LEDGER.c.kind.in_(list(MESSAGE_KINDS)), LEDGER.c.due_at <= now)
        .limit(MOST_COUNTED)
    )
    return session.scalar(select(func.count()).select_from(due.subquery())) or 0
