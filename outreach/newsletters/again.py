"""Once more to those whom an issue did not reach: after an address was put right, never twice to anybody."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from outreach.contacts import groups
from outreach.contacts.models import Contact
from outreach.content.publishing import message_of
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.newsletters import audience, comparing
from outreach.newsletters.models import Issue, IssueRecipient
from outreach.screen import World

STEP = "again"
TAKEN_BACK = "taken back by the practice"
ABOUT_THE_ADDRESS = ("bounced", "invalid-address")
NEVER_ARRIVED = ("failed", "expired", "bounced", "suppressed", "cancelled", "duplicate-address")
UNDO_FOR = timedelta(seconds=60)


def can_go_again(session: Session, issue: Issue) -> int:
    """How many people the issue did not reach and can reach now."""
    found = select(func.count()).select_from(IssueRecipient).where(_again(session, issue))
    return session.scalar(found) or 0 if issue.status == "sent" else 0


def send(session: Session, issue: Issue, *, now: datetime, world: World, people: int) -> int | Refusal:
    """The issue leaves once more, to exactly those whom it did not reach and can reach now; answers how many.

    `people` is what the person saw. It leaves after a minute, time for Undo. Refusals: not-sent-yet, nobody,
    count-changed.
    """
    if issue.status != "sent":
        return Refusal("not-sent-yet", "The issue is still on its way. Wait until it is sent.")
    ids = session.scalars(select(IssueRecipient.contact_id).where(_again(session, issue))).all()
    if not ids:
        return Refusal("nobody", "There is nobody whom it can reach now. Put addresses right first.")
    if len(ids) != people:
        return Refusal("count-changed", f"It would go to {len(ids)} people now, not {people}. Look once more.")
    outbox.put(
        session,
        now=now,
        world=world,
        message_id=comparing.message_of_winner(issue),
        kind=audience.KIND,
        source=comparing.SOURCE,
        source_id=issue.id,
        step=STEP,
        occurrence=_occurrence(_rounds(session, issue) + 1),
        contact_ids=ids,
        not_before_at=now + UNDO_FOR,
        print_allowed=bool(issue.counts.get("letters")),
    )
    mine = and_(IssueRecipient.issue_id == issue.id, IssueRecipient.contact_id.in_(ids))
    session.execute(update(IssueRecipient).where(mine).values(again_at=now))
    session.flush()
    return len(ids)


def take_back(session: Session, issue: Issue, *, now: datetime) -> int:
    """Undo: what has not left never does, and can be sent again later; answers how many. Whoever has it keeps it.
    Idempotent."""
    last = _occurrence(_rounds(session, issue))
    stopped = outbox.cancel(
        session, now=now, source=comparing.SOURCE, source_id=issue.id, step=STEP, occurrence=last, why=TAKEN_BACK
    )
    theirs = select(Delivery.contact_id).where(*_rows(issue), Delivery.occurrence == last, taken_back())
    session.execute(
        update(IssueRecipient)
        .where(IssueRecipient.issue_id == issue.id, IssueRecipient.contact_id.in_(theirs))
        .values(again_at=None)
        .execution_options(synchronize_session=False)
    )
    return stopped


def taken_back() -> ColumnElement[bool]:
    """The condition on a delivery that was taken back by Undo: it stands for nothing any more."""
    return and_(Delivery.step == STEP, Delivery.state == "cancelled", Delivery.reason == TAKEN_BACK)


def _rows(issue: Issue) -> tuple[ColumnElement[bool], ...]:
    return Delivery.source == comparing.SOURCE, Delivery.source_id == issue.id, Delivery.step == STEP


def _rounds(session: Session, issue: Issue) -> int:
    """How often it was sent again so far; each time is an occurrence of its own in the ledger."""
    return session.scalar(select(func.count(Delivery.occurrence.distinct())).where(*_rows(issue))) or 0


def _occurrence(number: int) -> str:
    return str(number) if number > 1 else ""


def _again(session: Session, issue: Issue) -> ColumnElement[bool]:
    """The condition on a recipient: the mail surely did not arrive, it was not tried again, and they may be written
    to at an address that is not the one that failed, or whose fault was not the address. What is unconfirmed may have
    arrived and is never sent again by this; nor does it go to a mailbox that has the issue by somebody else, or
    to somebody who has it by a record that was merged into theirs."""
    sent = (
        Delivery.source == comparing.SOURCE,
        Delivery.source_id == IssueRecipient.issue_id,
        Delivery.contact_id == IssueRecipient.contact_id,
        Delivery.step == "",
    )
    other_address = or_(Delivery.address_hash.is_(None), Delivery.address_hash != Contact.address_hash)
    failed = or_(
        Delivery.state.in_(("failed", "expired")),
        and_(Delivery.state == "bounced", other_address),
        and_(Delivery.state == "suppressed", Delivery.reason.in_(ABOUT_THE_ADDRESS), other_address),
    )
    written_for = Contact.audience_class.in_(message_of(session, issue.message_id or 0).audiences)
    reachable = exists().where(
        Contact.id == IssueRecipient.contact_id, groups.live(), audience.can_get(), written_for, *sent, failed
    )
    other, gone = aliased(Delivery), aliased(Contact)
    merged = select(gone.id).where(gone.merged_into_id == Contact.id).correlate(Contact)
    has_it = exists().where(
        Contact.id == IssueRecipient.contact_id,
        other.source == comparing.SOURCE,
        other.source_id == IssueRecipient.issue_id,
        other.contact_id != IssueRecipient.contact_id,
        or_(other.address_hash == Contact.address_hash, other.contact_id.in_(merged)),
        other.state.not_in(NEVER_ARRIVED),
    )
    return and_(IssueRecipient.issue_id == issue.id, IssueRecipient.again_at.is_(None), reachable, ~has_it)
