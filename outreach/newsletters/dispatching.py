"""Hands an approved issue to the outbox, a slice per turn: a crash in the middle loses nothing and doubles nothing.

A slice is planned inside the database, with a constant number of statements. The writer's lock is held for one slice
at a time, so that an unsubscribe never waits for a million rows.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, text, update
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.content.publishing import message_of
from outreach.deliveries import outbox
from outreach.deliveries.caps.cap_rules import PUT_OFF
from outreach.deliveries.house import house_of
from outreach.deliveries.models import IS_LEASED, IS_WAITING, NEEDS_A_LOOK, Delivery
from outreach.deliveries.rules import PRINT
from outreach.newsletters import audience, comparing
from outreach.newsletters.models import UNPLANNED, Issue, IssueRecipient
from outreach.screen import World

SOURCE = "newsletter"
ON_ITS_WAY = ("scheduled", "claimed", "sending", "resend-approved")
"""States in which a mail of an issue may still leave."""


def dispatch(session: Session, *, now: datetime, world: World, limit: int) -> int:
    """Up to `limit` people of the issues whose time came are planned; answers how many. Idempotent.

    Those who left the groups or changed their class since approval are left out with a reason; whoever unsubscribed
    is stopped by the outbox, which says so on their timeline.
    """
    _begin(session, now=now)
    comparing.decide(session, _on_its_way(), now=now)
    handled = 0
    while handled < limit and (issue := _next(session)) is not None:
        handled += _plan(session, issue, limit - handled, now=now, world=world)
    _finish(session, now=now)
    return handled


def _next(session: Session) -> Issue | None:
    """The issue to go on with; one that another worker has in hand is left to it."""
    return session.scalars(
        select(Issue)
        .where(Issue.status == "sending", _left(comparing.may_go_now()))
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
    session.execute(
        update(Issue)
        .where(Issue.status == "sending", ~_left(), ~_on_its_way())
        .values(status="sent", finished_at=now)
        .execution_options(synchronize_session=False)
    )


def _left(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Somebody of the issue is not planned yet."""
    unplanned = (IssueRecipient.issue_id == Issue.id, IssueRecipient.planned_at.is_(None))
    return exists().where(*unplanned, *which).correlate(Issue)


def _on_its_way() -> ColumnElement[bool]:
    """Asked of what waits, is leased or held: an issue of a million that is out is not read again.

    Letters wait for a person as long as it takes, and who had enough mail for now gets it weeks later: neither keeps
    an issue open.
    """
    by_mail = Delivery.transport.is_distinct_from(PRINT)
    ours = (Delivery.source == SOURCE, Delivery.source_id == Issue.id, by_mail)
    return or_(
        exists().where(text(IS_WAITING), Delivery.kind == audience.KIND, Delivery.reason.not_in(PUT_OFF), *ours),
        exists().where(text(IS_LEASED), *ours),
        exists().where(text(NEEDS_A_LOOK), Delivery.state == "held", Delivery.reason == "no-authorization", *ours),
    )


def _plan(session: Session, issue: Issue, limit: int, *, now: datetime, world: World) -> int:
    """The next so many people of the issue have their rows, in the order of their places; answers how many."""
    people = _slice(session, issue, limit)
    _leave_out(session, issue, people, now=now, world=world)
    for subject, message_id in comparing.messages(issue):
        theirs = () if subject is None else (IssueRecipient.subject == subject,)
        outbox.fan_out(
            session,
            now=now,
            world=world,
            message_id=message_id,
            kind=audience.KIND,
            source=SOURCE,
            source_id=issue.id,
            contact_ids=select(IssueRecipient.contact_id).where(people, IssueRecipient.left_out == "", *theirs),
            not_before_at=issue.send_at,
            print_allowed=bool(issue.counts.get("letters")),
        )
    done = update(IssueRecipient).where(people).values(planned_at=now)
    return int(session.connection().execute(done, execution_options={"preserve_rowcount": True}).rowcount)


def _slice(session: Session, issue: Issue, limit: int) -> ColumnElement[bool]:
    """The condition on the first so many recipients who are not planned yet."""
    unplanned = and_(IssueRecipient.issue_id == issue.id, text(UNPLANNED))
    if issue.compared_people and not issue.winner:
        unplanned = and_(unplanned, IssueRecipient.place < issue.compared_people)
    places = select(IssueRecipient.place).where(unplanned).order_by(IssueRecipient.place)
    beyond = session.scalar(places.offset(limit).limit(1))
    return unplanned if beyond is None else and_(unplanned, IssueRecipient.place < beyond)


def _leave_out(session: Session, issue: Issue, people: ColumnElement[bool], *, now: datetime, world: World) -> None:
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    chosen = audience.groups_of(session, issue.group_ids)
    inside = audience.still_in_any(chosen, IssueRecipient.contact_id, now=now, world=world, house=house)
    allowed = message_of(session, issue.message_id or 0).audiences
    written_for = exists().where(Contact.id == IssueRecipient.contact_id, Contact.audience_class.in_(allowed))
    session.execute(
        update(IssueRecipient)
        .where(people, ~and_(inside, written_for))
        .values(left_out=case((inside, "contact-changed"), else_="left-group"))
        .execution_options(synchronize_session=False)
    )
