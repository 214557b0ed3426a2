"""Holding an issue on its way, resuming it with those who are left, and cancelling the rest."""

from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.newsletters.approving import recipients_left, scope
from outreach.newsletters.dispatching import SOURCE
from outreach.newsletters.models import UNPLANNED, Issue, IssueRecipient

NOT_ON_ITS_WAY = Refusal("not-on-its-way", "This issue is not on its way, so there is nothing to stop.")


def hold(session: Session, issue: Issue, *, now: datetime, by_id: int | None) -> int | Refusal:
    """Nothing more of the issue leaves; answers how many people are left. Idempotent. Refusals: not-on-its-way."""
    if issue.status not in ("approved", "sending", "held"):
        return NOT_ON_ITS_WAY
    outbox.hold(session, now=now, scope=scope(issue), by_id=by_id, why="Held on the issue's page")
    if issue.status != "held":
        issue.status, issue.held_at = "held", now
    session.flush()
    return left(session, issue)


def follow_outbox(session: Session, *, now: datetime) -> int:
    """An issue that the outbox holds by itself says so too; answers how many did. Idempotent."""
    held = 0
    for name, row in outbox.held_scopes(session).items():
        source, _, number = name.partition(":")
        issue = session.get(Issue, int(number)) if source == SOURCE and number.isdigit() else None
        if issue is not None and issue.status in ("approved", "sending"):
            issue.status, issue.held_at = "held", row.since_at
            held += 1
    session.flush()
    return held


def resume(session: Session, issue: Issue, *, now: datetime, by_id: int | None) -> int | Refusal:
    """The issue goes on with those who are left, never from the start; answers how many. Refusals: not-held."""
    if issue.status != "held":
        return Refusal("not-held", "This issue is not on hold.")
    outbox.resume(session, now=now, scope=scope(issue), by_id=by_id)
    issue.status, issue.held_at = ("sending" if issue.started_at else "approved"), None
    session.flush()
    return left(session, issue)


def cancel(session: Session, issue: Issue, *, now: datetime, by_id: int | None) -> int | Refusal:
    """Nobody who has not got the issue gets it; answers how many that are. Final. Refusals: not-on-its-way."""
    if issue.status not in ("approved", "sending", "held"):
        return NOT_ON_ITS_WAY
    unplanned = session.execute(
        update(IssueRecipient)
        .where(IssueRecipient.issue_id == issue.id, text(UNPLANNED))
        .values(planned_at=now, left_out="cancelled")
        .returning(IssueRecipient.contact_id)
        .execution_options(synchronize_session=False)
    ).all()
    stopped = outbox.cancel(session, now=now, source=SOURCE, source_id=issue.id, why="cancelled by the practice")
    outbox.resume(session, now=now, scope=scope(issue), by_id=by_id)
    issue.status, issue.finished_at, issue.held_at = "cancelled", now, None
    session.flush()
    return len(unplanned) + stopped


def left(session: Session, issue: Issue) -> int:
    """How many people have not got it and still may."""
    return recipients_left(session, issue.id) + outbox.waiting_in(session, scope(issue))
