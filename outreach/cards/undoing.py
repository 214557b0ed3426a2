"""Edits of a run of cards are taken back one by one: how it looked before each is kept on the server."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.cards.models import CardRun, CardRunHistory
from outreach.errors import Refusal

KEPT_STEPS = 50
NOT_YOURS = Refusal("not-yours", "The last change here is somebody else’s. It was kept.")
ONE_GO = timedelta(minutes=2)
"""Saving by itself while somebody types makes one step of undo, not a hundred."""


def remember(
    session: Session, run: CardRun, before: dict[str, Any], *, now: datetime, by_id: int | None, by_itself: bool
) -> None:
    """How the run was can be brought back. `before` are its columns by name, as they were."""
    last = session.execute(
        select(CardRunHistory.at, CardRunHistory.by_id)
        .where(CardRunHistory.run_id == run.id)
        .order_by(CardRunHistory.version.desc())
        .limit(1)
    ).first()
    if by_itself and last is not None and last.by_id == by_id and now - last.at < ONE_GO:
        return
    kept = {**before, "send_on": before["send_on"].isoformat()}
    session.add(CardRunHistory(run_id=run.id, version=run.version, kept=kept, at=now, by_id=by_id))
    too_old = CardRunHistory.version <= run.version - 2 * KEPT_STEPS
    session.execute(delete(CardRunHistory).where(CardRunHistory.run_id == run.id, too_old))


def undo(session: Session, run: CardRun, *, now: datetime, by_id: int | None) -> bool | Refusal:
    """The last edit is taken back; answers whether there was one. Works through several steps. The list is to be made
    again afterwards, as after every edit.

    Refusals: not-yours (somebody else made the last edit: their work is not taken away unseen).
    """
    found = select(CardRunHistory).where(CardRunHistory.run_id == run.id).order_by(CardRunHistory.version.desc())
    last = session.scalar(found.limit(1))
    if last is None or run.status != "draft":
        return False
    if last.by_id != by_id:
        return NOT_YOURS
    for name, value in last.kept.items():
        setattr(run, name, date.fromisoformat(value) if name == "send_on" else value)
    run.version += 1
    run.edited_at = now
    session.delete(last)
    session.flush()
    return True
