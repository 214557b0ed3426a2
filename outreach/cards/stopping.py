"""Holding the emails of a run, resuming, and cancelling what has not left."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from outreach.cards import editing
from outreach.cards.dispatching import LIVE, SOURCE
from outreach.cards.models import CardRun
from outreach.deliveries import outbox
from outreach.deliveries.models import Hold
from outreach.deliveries.rules import PRINT
from outreach.errors import Refusal


def hold(session: Session, run: CardRun, *, now: datetime, by_id: int | None) -> int:
    """No email of the run leaves; answers how many wait in the outbox. Idempotent."""
    return outbox.hold(session, now=now, scope=scope(run), by_id=by_id, why="Held on the page of the cards")


def resume(session: Session, run: CardRun, *, now: datetime, by_id: int | None) -> int:
    """The emails may leave again; answers how many are left. Idempotent."""
    return outbox.resume(session, now=now, scope=scope(run), by_id=by_id)


def is_held(session: Session, run: CardRun) -> bool:
    """Whether the run's emails are on hold."""
    return bool(session.scalar(select(exists().where(Hold.scope == scope(run), Hold.lifted_at.is_(None)))))


def holds_paper(session: Session, run: CardRun) -> bool:
    """Whether no card of the run may be printed or mailed: it is held, or everything is, or all that is printed."""
    scopes = (scope(run), "all", f"transport:{PRINT}")
    return bool(session.scalar(select(exists().where(Hold.scope.in_(scopes), Hold.lifted_at.is_(None)))))


def cancel(session: Session, run: CardRun, *, now: datetime, by_id: int | None) -> int | Refusal:
    """What has not left never does, and its people are free for another list; answers how many emails were stopped.

    Refusals: not-on-its-way.
    """
    if run.status not in LIVE:
        return Refusal("not-on-its-way", "There is nothing to cancel.")
    stopped = outbox.cancel(session, now=now, source=SOURCE, source_id=run.id, why="cancelled by the practice")
    outbox.resume(session, now=now, scope=scope(run), by_id=by_id)
    editing.free(session, run)
    run.status, run.finished_at = "cancelled", now
    session.flush()
    return stopped


def scope(run: CardRun) -> str:
    """The name of the run's hold."""
    return f"{SOURCE}:{run.id}"
