"""Answers: three doors, one record. The last answer of a person counts; every answer is kept."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts import tasks, timeline
from outreach.contacts.models import Contact
from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.events import rules
from outreach.events.models import Event, EventMessage, Invitation, Rsvp
from outreach.events.public_models import EventSignup
from outreach.events.timelines import MESSAGES

TOLD = {"yes": "yes", "no": "no", "maybe": "not sure", "waiting": "yes, if a place opens up"}
MAX_COMMENT = 1000


def answer(
    session: Session,
    invitation: Invitation,
    *,
    now: datetime,
    answer: str,
    guests: int = 0,
    diets: Mapping[str, int] | None = None,
    comment: str = "",
    source: str,
    by_id: int | None = None,
    stamped_at: datetime | None = None,
) -> Rsvp | Refusal:
    """The answer counts from now on, and the timeline tells it. A "yes" without a free place waits for one.

    Refusals: cancelled, past, unknown-answer, too-many-guests, full (more guests than places), bad-diets.
    """
    event = session.execute(select(Event).where(Event.id == invitation.event_id).with_for_update()).scalar_one()
    diets = {name: many for name, many in (diets or {}).items() if many}
    if (no := refuse_answering(event, now=now)) is not None:
        return no
    if (no := _unusable(answer, guests, diets)) is not None:
        return no
    guests = guests if answer == "yes" else 0
    diets = diets if answer == "yes" else {}
    free = free_places(session, event, besides=invitation)
    if answer == "yes" and free is not None and 1 + guests > free:
        if invitation.answer == "yes":
            left = max(free - 1, 0)
            return Refusal("full", f"There is room for {left} guests with you. Your earlier answer stands.")
        answer = "waiting"
    row = Rsvp(
        invitation_id=invitation.id,
        answer=answer,
        guests=guests,
        diets=diets,
        comment=comment.strip()[:MAX_COMMENT],
        source=source,
        answered_at=now,
        stamped_at=stamped_at,
        by_id=by_id,
        sequence=event.sequence,
    )
    session.add(row)
    had_place = invitation.answer == "yes"
    invitation.answer, invitation.guests, invitation.diets = answer, guests, diets
    invitation.answered_at, invitation.earlier_answer = now, ""
    session.flush()
    _tell(session, event, invitation, row, now=now, by_id=by_id)
    _stop_reminders_of_others(session, event, invitation, now=now)
    if had_place and answer != "yes":
        _offer_place(session, event, now=now)
    return row


def keep_stale(
    session: Session,
    invitation: Invitation,
    *,
    now: datetime,
    answer: str,
    why: str,
    comment: str = "",
    stamped_at: datetime | None = None,
) -> Rsvp:
    """A calendar answer that came too late is kept with its reason and changes nothing."""
    row = Rsvp(
        invitation_id=invitation.id,
        answer=answer,
        diets={},
        comment=comment.strip()[:MAX_COMMENT],
        source="reply",
        answered_at=now,
        stamped_at=stamped_at,
        sequence=invitation.sequence,
        stale=why,
    )
    session.add(row)
    session.flush()
    return row


def found(session: Session, token: str) -> tuple[Invitation, Event] | None:
    """The invitation that a page's token stands for, or None when it was cut short, guessed or revoked."""
    known = tokens.look_up(session, "rsvp", token)
    invitation = session.get(Invitation, known.subject_id) if known else None
    event = session.get(Event, invitation.event_id) if invitation else None
    return (invitation, event) if invitation and event else None


def refuse_answering(event: Event, *, now: datetime) -> Refusal | None:
    """Why nobody can answer any more, or None."""
    if event.status == "cancelled":
        return Refusal("cancelled", "This event was cancelled. There is nothing to answer any more.")
    if event.starts_at is None or event.status not in rules.STANDS or event.starts_at <= now:
        return Refusal("past", "This event is over, so the answer cannot be changed any more.")
    return None


def free_places(session: Session, event: Event, *, besides: Invitation | None = None) -> int | None:
    """How many places are free after public sign-ups, not counting those of `besides`; None without a limit."""
    if event.capacity is None:
        return None
    taken = select(func.coalesce(func.sum(1 + Invitation.guests), 0)).where(
        Invitation.event_id == event.id, Invitation.answer == "yes", Invitation.state != "cancelled"
    )
    if besides is not None:
        taken = taken.where(Invitation.id != besides.id)
    signed_up = select(func.coalesce(func.sum(EventSignup.party), 0)).where(
        EventSignup.event_id == event.id, EventSignup.state == "coming"
    )
    return max(event.capacity - (session.scalar(taken) or 0) - (session.scalar(signed_up) or 0), 0)


def _unusable(answer: str, guests: int, diets: Mapping[str, int]) -> Refusal | None:
    if answer not in rules.ANSWERS:
        return Refusal("unknown-answer", "Press Yes, No or Not sure.")
    if not 0 <= guests <= rules.MOST_GUESTS:
        text = f"You can bring up to {rules.MOST_GUESTS} people. Call us when there are more."
        return Refusal("too-many-guests", text)
    if any(name not in rules.DIETS or not 0 <= many <= 1 + guests for name, many in diets.items()):
        return Refusal("bad-diets", "There are more special meals than people. Check the numbers.")
    return None


def _tell(
    session: Session, event: Event, invitation: Invitation, row: Rsvp, *, now: datetime, by_id: int | None
) -> None:
    more = f", with {row.guests} more" if row.guests else ""
    timeline.add(
        session,
        now=now,
        contact_id=invitation.contact_id,
        kind="rsvp",
        text=f"Answered {TOLD[row.answer]}{more}: “{event.title}”",
        by_id=by_id,
        origin=f"rsvp:{row.id}",
    )


def _stop_reminders_of_others(session: Session, event: Event, invitation: Invitation, *, now: datetime) -> None:
    """Reminders that wait for this person but are meant for people who answered otherwise do not leave."""
    planned = session.scalars(
        select(EventMessage.step).where(EventMessage.event_id == event.id, EventMessage.sequence == event.sequence)
    )
    for name in planned:
        step = MESSAGES.get(name)
        if step and step.audience not in (invitation.answer, "attended"):
            outbox.cancel(
                session,
                now=now,
                source="event",
                source_id=event.id,
                step=name,
                contact_ids=[invitation.contact_id],
                why="answered-otherwise",
            )


def _offer_place(session: Session, event: Event, *, now: datetime) -> None:
    waiting = session.execute(
        select(Invitation, Contact)
        .join(Contact, Contact.id == Invitation.contact_id)
        .where(Invitation.event_id == event.id, Invitation.answer == "waiting")
        .order_by(Invitation.answered_at, Invitation.id)
        .limit(1)
    ).first()
    if waiting is None:
        return
    invitation, contact = waiting
    tasks.add(
        session,
        now=now,
        kind="call",
        title=f"A place opened up for “{event.title}”: call {contact.name}, first on the waiting list"[:500],
        due_on=now.astimezone(ZoneInfo(event.time_zone)).date(),
        owner_id=event.host_id,
        contact_id=contact.id,
        event_id=event.id,
        origin=f"event:{event.id}:place:{invitation.id}",
    )
