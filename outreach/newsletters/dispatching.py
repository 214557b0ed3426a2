"""Hands an approved issue to the outbox, a batch per turn: a crash in the middle loses nothing and doubles nothing."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select, text, update
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.content.publishing import message_of
from outreach.deliveries import outbox
from outreach.deliveries.house import house_of
from outreach.deliveries.models import Delivery
from outreach.newsletters import audience
from outreach.newsletters.models import UNPLANNED, Issue, IssueRecipient
from outreach.screen import World

SOURCE = "newsletter"
ON_ITS_WAY = ("scheduled", "claimed", "sending", "resend-approved")


def dispatch(session: Session, *, now: datetime, world: World, limit: int) -> int:
    """Up to `limit` people of the issues whose time came are planned; answers how many. Idempotent.

    Those who left the groups or changed their class since approval are left out with a reason; whoever unsubscribed
    is stopped by the outbox, which says so on their timeline.
    """
    _begin(session, now=now)
    handled = 0
    while handled < limit and (issue := _next(session)) is not None:
        batch = session.scalars(
            select(IssueRecipient.contact_id)
            .where(IssueRecipient.issue_id == issue.id, text(UNPLANNED))
            .order_by(IssueRecipient.place)
            .limit(limit - handled)
        ).all()
        _plan(session, issue, batch, now=now, world=world)
        handled += len(batch)
    _finish(session, now=now)
    return handled


def _next(session: Session) -> Issue | None:
    """The issue to go on with; one that another worker has in hand is left to it."""
    return session.scalars(
        select(Issue)
        .where(Issue.status == "sending", _left())
        .order_by(Issue.send_at, Issue.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def _begin(session: Session, *, now: datetime) -> None:
    session.execute(
        update(Issue)
        .where(Issue.status == "approved", Issue.send_at <= now, Issue.undo_until_at <= now)
        .values(status="sending", started_at=now)
    )


def _finish(session: Session, *, now: datetime) -> None:
    """Nobody is left to plan and nothing is on its way: the issue is sent. A story to be settled keeps it open."""
    waiting = exists().where(
        Delivery.source == SOURCE,
        Delivery.source_id == Issue.id,
        or_(
            Delivery.state.in_(ON_ITS_WAY),
            and_(Delivery.state == "held", Delivery.reason == "no-authorization"),
        ),
    )
    session.execute(
        update(Issue)
        .where(Issue.status == "sending", ~_left(), ~waiting)
        .values(status="sent", finished_at=now)
        .execution_options(synchronize_session=False)
    )


def _left() -> ColumnElement[bool]:
    """Somebody of the issue is not planned yet."""
    return exists().where(IssueRecipient.issue_id == Issue.id, IssueRecipient.planned_at.is_(None)).correlate(Issue)


def _plan(session: Session, issue: Issue, batch: Sequence[int], *, now: datetime, world: World) -> None:
    reasons = _left_out(session, issue, batch, now=now, world=world)
    assert issue.message_id is not None  # held by the constraint "approved"
    outbox.put(
        session,
        now=now,
        world=world,
        message_id=issue.message_id,
        kind=audience.KIND,
        source=SOURCE,
        source_id=issue.id,
        contact_ids=[each for each in batch if each not in reasons],
        not_before_at=issue.send_at,
    )
    session.execute(
        update(IssueRecipient),
        [
            {"issue_id": issue.id, "contact_id": each, "planned_at": now, "left_out": reasons.get(each, "")}
            for each in batch
        ],
    )


def _left_out(session: Session, issue: Issue, batch: Sequence[int], *, now: datetime, world: World) -> dict[int, str]:
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    chosen = audience.groups_of(session, issue.group_ids)
    inside = audience.in_any(chosen, now=now, world=world, house=house)
    allowed = message_of(session, issue.message_id or 0).audiences
    rows = session.execute(
        select(Contact.id, Contact.audience_class, inside.label("inside")).where(Contact.id.in_(batch))
    )
    found = {row.id: row for row in rows}
    reasons = {}
    for each in batch:
        row = found.get(each)
        if row is None or not row.inside:
            reasons[each] = "left-group"
        elif row.audience_class not in allowed:
            reasons[each] = "contact-changed"
    return reasons
