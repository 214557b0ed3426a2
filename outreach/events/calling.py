"""Calls to whom no email can tell of a change: an opt-out stops the mail, not the promise."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import String, and_, cast, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries.models import Delivery
from outreach.events import posting
from outreach.events.models import Event
from outreach.events.notice_models import EventNotice

CHANGES = {"cancellation": "is cancelled", "invitation-update": "was moved"}
"""{step of the outbox: what it tells}."""
STOPPED = (*posting.NOT_REACHED, "bounced")
"""States in which a change that waited did not arrive."""


def call(session: Session, event: Event, contact_ids: Collection[int], *, now: datetime, what: str) -> int:
    """Each of these people is on the host's list of calls, once for this change of the event; answers how many.

    Nobody is asked to call who died or was taken out of the book.
    """
    alive = Contact.id.in_(list(contact_ids)), Contact.deleted_at.is_(None), Contact.deceased_on.is_(None)
    made = 0
    for contact in session.scalars(select(Contact).where(*alive).order_by(Contact.sort_name, Contact.id)):
        tasks.add(
            session,
            now=now,
            kind="call",
            title=f"Call {contact.name}: “{event.title}” {what}, and no email can tell them"[:500],
            due_on=now.astimezone(ZoneInfo(event.time_zone)).date(),
            owner_id=event.host_id,
            contact_id=contact.id,
            event_id=event.id,
            origin=_origin(event, contact.id),
        )
        made += 1
    return made


def never_mind(session: Session, event: Event, *, now: datetime) -> None:
    """Open calls about an earlier change are dropped: a new one says it anew. Who has a place is told of it still."""
    places = select(EventNotice.id).where(EventNotice.event_id == event.id, EventNotice.what == "place")
    kept = {f"event-call:{event.id}:notice:{each}" for each in session.scalars(places)}
    asked = select(Task).where(
        Task.origin.startswith(f"event-call:{event.id}:", autoescape=True), Task.closed_at.is_(None)
    )
    for task in session.scalars(asked.order_by(Task.id)).all():
        if task.origin not in kept:
            tasks.close(session, task, now=now, by_id=None, outcome="dropped")


def call_unreached(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Whom a change did not reach, because it was stopped or came back after it was in the outbox, is called.

    Only about the last change of events that lie ahead, and never twice. Answers how many calls are new.
    """
    rows = session.execute(
        select(Event, Delivery.step, Delivery.contact_id)
        .join(
            Delivery,
            and_(
                Delivery.source == posting.SOURCE,
                Delivery.source_id == Event.id,
                Delivery.step.in_(CHANGES),
                Delivery.occurrence == cast(Event.sequence, String),
            ),
        )
        .where(
            Event.starts_at > now,
            Event.sequence > 0,
            Delivery.state.in_(STOPPED),
            Delivery.reason.not_in(posting.NOBODY),
            Delivery.contact_id.is_not(None),
        )
        .order_by(Event.id, Delivery.step, Delivery.id)
    ).all()
    unreached = [(event, step, contact_id) for event, step, contact_id in rows if contact_id is not None]
    known = _called(session, [_origin(event, contact_id) for event, _, contact_id in unreached])
    fresh = [one for one in unreached if _origin(one[0], one[2]) not in known][:limit]
    made = 0
    for (event, step), group in groupby(fresh, key=lambda one: (one[0], one[1])):
        made += call(session, event, [contact_id for *_, contact_id in group], now=now, what=CHANGES[step])
    return made


def _origin(event: Event, contact_id: int) -> str:
    return f"event-call:{event.id}:{event.sequence}:{contact_id}"


def _called(session: Session, origins: Iterable[str]) -> set[str]:
    wanted, found = list(origins), set()
    for start in range(0, len(wanted), 500):
        rows = session.scalars(select(Task.origin).where(Task.origin.in_(wanted[start : start + 500])))
        found |= {origin for origin in rows if origin}
    return found
