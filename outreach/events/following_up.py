"""The tick after an event: a thank-you to everyone who came, once somebody entered who that was."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.events import posting, rules
from outreach.events.models import Attendance, Event, EventMessage, Invitation
from outreach.events.timelines import MESSAGES, Step
from outreach.screen import World

TOO_LATE = timedelta(days=14)
"""A thank-you that comes later than that is a strange one."""


def follow_up(session: Session, *, now: datetime, world: World, limit: int = 200) -> int:
    """Due thank-yous are in the outbox; answers how many are settled. Waits for the sign-in sheet. Idempotent."""
    due = session.execute(
        select(EventMessage, Event)
        .join(Event, Event.id == EventMessage.event_id)
        .where(EventMessage.state == "planned", EventMessage.due_at <= now)
        .order_by(EventMessage.due_at, EventMessage.id)
        .limit(limit)
    ).all()
    settled = 0
    for message, event in due:
        step = MESSAGES.get(message.step)
        if step is not None and step.audience == "attended":
            _one(session, message, event, step, now=now, world=world)
            settled += message.state != "planned"
    return settled


def _one(session: Session, message: EventMessage, event: Event, step: Step, *, now: datetime, world: World) -> None:
    late = now > message.due_at + TOO_LATE
    if event.status in ("cancelled", "no-show") or late:
        message.state, message.settled_at = "skipped", now
        return
    if event.status != "took-place":
        return
    came = _who_came(session, event)
    if not came:
        message.state, message.settled_at = "skipped", now
        return
    kind = rules.MESSAGE_KINDS[step.audience]
    kept = posting.words(session, event, came, now=now, world=world, kind=kind, by_id=None)
    message.state, message.settled_at = "skipped" if isinstance(kept, Refusal) else "sent", now
    if isinstance(kept, Refusal):
        return
    message.message_id = kept
    posting.post(
        session,
        event,
        [],
        now=now,
        world=world,
        message_id=kept,
        kind=kind,
        step=step.name,
        occurrence=str(message.sequence),
        contact_ids=came,
    )


def _who_came(session: Session, event: Event) -> list[int]:
    found = select(Attendance.contact_id).where(
        Attendance.event_id == event.id, Attendance.contact_id.is_not(None), Attendance.role != "ours"
    )
    return [each for each in session.scalars(found.order_by(Attendance.id)) if each is not None]


def missed(session: Session, event: Event) -> list[Invitation]:
    """Who said yes and did not come: worth a friendly call, not a mail."""
    came = select(Attendance.contact_id).where(Attendance.event_id == event.id, Attendance.contact_id.is_not(None))
    found = select(Invitation).where(
        Invitation.event_id == event.id, Invitation.answer == "yes", Invitation.contact_id.not_in(came)
    )
    return list(session.scalars(found.order_by(Invitation.id)))
