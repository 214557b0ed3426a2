"""The tick that puts due reminders into the outbox: yes, not sure and no answer get words of their own."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.errors import Refusal
from outreach.events import posting, rules
from outreach.events.models import Event, EventMessage, Invitation
from outreach.events.timelines import MESSAGES, Step
from outreach.screen import World

AHEAD = timedelta(hours=24)
"""Reminders are put a day before, so that everyone gets theirs at nine in their own time, wherever they live."""
EARLIEST = timedelta(hours=14)
"""From so long before nine at the event on, the next nine o'clock anywhere is the one of the right day."""
REMINDED_STATES = ("invited", "by-phone")


def remind(session: Session, *, now: datetime, world: World, limit: int = 200) -> int:
    """Due reminders are in the outbox for exactly those whom they are for; answers how many are settled. Idempotent.

    Until its own instant a reminder stays planned and is looked at again: who answers meanwhile is counted right.
    """
    due = session.execute(
        select(EventMessage, Event)
        .join(Event, Event.id == EventMessage.event_id)
        .where(EventMessage.state == "planned", EventMessage.due_at <= now + AHEAD)
        .order_by(EventMessage.due_at, EventMessage.id)
        .limit(limit)
    ).all()
    settled = 0
    for message, event in due:
        step = MESSAGES.get(message.step)
        if step is None or step.audience == "attended":
            continue
        _one(session, message, event, step, now=now, world=world)
        settled += message.state != "planned"
    return settled


def audience_of(session: Session, event: Event, audience: str) -> list[Invitation]:
    """The invitations that a reminder to "none", "maybe" or "yes" is for now."""
    states = REMINDED_STATES if audience == "yes" else ("invited",)
    found = select(Invitation).where(
        Invitation.event_id == event.id, Invitation.answer == audience, Invitation.state.in_(states)
    )
    return list(session.scalars(found.order_by(Invitation.id)))


def _one(session: Session, message: EventMessage, event: Event, step: Step, *, now: datetime, world: World) -> None:
    if event.sequence != message.sequence or event.status not in rules.STANDS:
        message.state, message.settled_at = "cancelled", now
        return
    if event.starts_at is None or event.starts_at <= now:
        message.state, message.settled_at = "skipped", now
        return
    invited = audience_of(session, event, step.audience)
    kind = rules.MESSAGE_KINDS[step.audience]
    if invited:
        ids = [one.contact_id for one in invited]
        kept = posting.words(session, event, ids, now=now, world=world, kind=kind, by_id=None)
        if isinstance(kept, Refusal):
            _ask_for_help(session, message, event, step, kept, now=now)
            return
        message.message_id = kept
        posting.post(
            session,
            event,
            invited,
            now=now,
            world=world,
            message_id=kept,
            kind=kind,
            step=step.name,
            occurrence=str(event.sequence),
            not_before_at=max(now, message.due_at - EARLIEST),
            local_time=rules.REMIND_AT_MINUTE,
            not_after_at=event.starts_at,
        )
    if message.due_at <= now:
        message.state, message.settled_at = "sent" if invited else "skipped", now


def _ask_for_help(
    session: Session, message: EventMessage, event: Event, step: Step, no: Refusal, *, now: datetime
) -> None:
    """Words that may not go are no reason for silence: the host hears why."""
    message.state, message.settled_at = "skipped", now
    tasks.add(
        session,
        now=now,
        kind="other",
        title=f"Not sent: {step.title.lower()} of “{event.title}”. {no.text}"[:500],
        due_on=message.due_on,
        owner_id=event.host_id,
        event_id=event.id,
        origin=f"event:{event.id}:help:{message.step}:{message.sequence}",
    )
