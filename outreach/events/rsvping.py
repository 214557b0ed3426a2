"""Answers: three doors, one record. The last answer of a person counts; every answer is kept."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts import timeline
from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.events import places, rules
from outreach.events.models import Event, EventMessage, Invitation, Rsvp
from outreach.events.timelines import MESSAGES

TOLD = {"yes": "yes", "no": "no", "maybe": "not sure", "waiting": "yes, if a place opens up"}
MAX_COMMENT = 1000
AT_ONCE = timedelta(minutes=2)
"""The same answer within so long is the same press of a button."""


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

    Places that it frees go to whoever waits. The same button pressed twice is one answer.

    Refusals: cancelled, past, unknown-answer, too-many-guests, full (more guests than places), bad-diets.
    """
    event = places.lock(session, invitation.event_id)
    session.refresh(invitation)
    diets = {name: many for name, many in (diets or {}).items() if many}
    if (no := places.refuse_answering(event, now=now)) is not None:
        return no
    if (no := _unusable(answer, guests, diets)) is not None:
        return no
    guests = guests if answer == "yes" else 0
    diets = diets if answer == "yes" else {}
    free = places.free_places(session, event, besides=invitation)
    if answer == "yes" and free is not None and 1 + guests > free:
        if invitation.answer == "yes":
            left = max(free - 1, 0)
            return Refusal("full", f"There is room for {left} guests with you. Your earlier answer stands.")
        answer = "waiting"
    if (again := _pressed_twice(session, invitation, answer, guests, diets, comment, source, now=now)) is not None:
        return again
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
    had = invitation.answer
    _now_says(invitation, answer, guests, diets, now=now)
    session.flush()
    _tell(session, event, invitation, row, now=now, by_id=by_id)
    _stop_reminders_of_others(session, event, invitation, now=now)
    if had in ("yes", "waiting"):
        places.move_up(session, event, now=now)
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


def _now_says(invitation: Invitation, answer: str, guests: int, diets: Mapping[str, int], *, now: datetime) -> None:
    still_waits = invitation.answer == answer == "waiting"
    invitation.answer, invitation.guests, invitation.diets = answer, guests, dict(diets)
    # Whoever waits and says so again keeps their place in the line.
    invitation.answered_at = invitation.answered_at if still_waits else now
    invitation.earlier_answer = ""
    if invitation.state == "not-sent":
        # No email reached them and somebody asked: they count like everybody who answered by telephone.
        invitation.state, invitation.reason = "by-phone", ""


def _pressed_twice(
    session: Session,
    invitation: Invitation,
    answer: str,
    guests: int,
    diets: Mapping[str, int],
    comment: str,
    source: str,
    *,
    now: datetime,
) -> Rsvp | None:
    """The answer just given through the same door, word for word the same; None when this one says something new."""
    if invitation.answer != answer or source == "reply":
        return None
    last = session.scalar(
        select(Rsvp).where(Rsvp.invitation_id == invitation.id, Rsvp.stale == "").order_by(Rsvp.id.desc()).limit(1)
    )
    if last is None or now - last.answered_at > AT_ONCE:
        return None
    said = (last.answer, last.guests, last.diets, last.comment, last.source)
    return last if said == (answer, guests, dict(diets), comment.strip()[:MAX_COMMENT], source) else None


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
