"""Holds all mail of a database that looks like an old copy, and lets a person go on with it (reliability C7)."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from outreach.deliveries import outbox
from outreach.deliveries.guards import high_water
from outreach.deliveries.models import LEDGER, Hold
from outreach.errors import Refusal

C = LEDGER.c
MAY_HAVE_LEFT = ("scheduled", "resend-approved", "claimed", "sending")
RESTORED = "restored"
"""The reason of what may have left after the copy was made. No policy settles it: a person does."""


def holds(session: Session, home: Path, *, now: datetime) -> bool:
    """Whether nothing may be sent because this looks like an old copy; then all mail is on hold, with the reason.

    Noticed for the first time, what was due and may have been forgotten is unconfirmed. Idempotent.
    """
    why = high_water.old_copy(session, home)
    if why is None:
        return False
    if say(session, why, now=now) and why in high_water.MAY_HAVE_FORGOTTEN:
        doubt(session, now=now)
    return True


def doubt(session: Session, *, now: datetime) -> int:
    """What is due by now may have left before the copy was put in place: it is unconfirmed. Answers how many."""
    return _doubt(session, C.due_at <= now, now=now)


def resume(session: Session, home: Path, *, now: datetime, by_id: int | None) -> int | Refusal:
    """All mail may leave again, a person says; answers how many are left. Idempotent.

    After a restore, what planners put in meanwhile and wants to leave at once is unconfirmed too: it may be a second
    planning of what the lost database had sent. Refusals: old-copy when the reason was not on the screen yet.
    """
    why = high_water.old_copy(session, home)
    hold = session.scalar(select(Hold).where(Hold.scope == "all", Hold.lifted_at.is_(None)))
    if why is not None and (hold is None or why not in hold.why):
        holds(session, home, now=now)
        return Refusal("old-copy", why)
    if hold is not None and _restored(session, since=hold.since_at):
        again = or_(C.due_at <= hold.since_at, and_(C.created_at >= hold.since_at, C.not_before_at <= now))
        _doubt(session, again, now=now)
    if why is not None:
        high_water.accept(session, home, now=now)
    return outbox.resume(session, now=now, scope="all", by_id=by_id)


def say(session: Session, why: str, *, now: datetime) -> bool:
    """All mail is on hold for that reason, also when it was for another before; answers whether this is news."""
    outbox.hold(session, now=now, scope="all", by_id=None, why="")
    hold = session.scalars(select(Hold).where(Hold.scope == "all", Hold.lifted_at.is_(None)).with_for_update()).one()
    if why in hold.why:
        return False
    # Nobody's hold any more: Today says what the house noticed by itself.
    hold.why, hold.by_id = f"{why} {hold.why}".strip()[:500], None
    session.flush()
    return True


def _restored(session: Session, *, since: datetime) -> bool:
    """Whether rows became doubtful because of a copy during this hold."""
    doubtful = select(C.id).where(C.state == "unconfirmed", C.reason == RESTORED, C.updated_at >= since)
    return session.scalar(doubtful.limit(1)) is not None


def _doubt(session: Session, which: ColumnElement[bool], *, now: datetime) -> int:
    made = session.execute(
        update(LEDGER)
        .where(C.state.in_(MAY_HAVE_LEFT), which)
        .values(state="unconfirmed", reason=RESTORED, token=None, lease_until_at=None, updated_at=now)
        .returning(C.id)
    )
    return len(made.all())
