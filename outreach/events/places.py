"""Places: how many are free, and who has one next. Invited people and those who signed up wait in one line."""

from datetime import datetime

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.errors import Refusal
from outreach.events import rules
from outreach.events.models import Event, Invitation
from outreach.events.notice_models import EventNotice
from outreach.events.public_models import EventSignup


def lock(session: Session, event_id: int) -> Event:
    """The event; until the end of the turn nobody else takes or gives its places."""
    return session.execute(
        select(Event).where(Event.id == event_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()


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


def move_up(session: Session, event: Event, *, now: datetime) -> list[Invitation | EventSignup]:
    """Those who wait have the free places, first come first served, whoever fits; a tick tells each. Idempotent.

    The event is locked by the caller. Nothing moves once the event has begun.
    """
    if refuse_answering(event, now=now) is not None:
        return []
    free = free_places(session, event)
    moved: list[Invitation | EventSignup] = []
    for one in _waiting(session, event):
        size = one.party if isinstance(one, EventSignup) else 1 + one.guests
        if free is not None and size > free:
            continue
        free = None if free is None else free - size
        _give(session, event, one, now=now)
        moved.append(one)
    session.flush()
    return moved


def tell_signed_up(session: Session, event: Event, what: str, *, now: datetime) -> None:
    """Everyone who signed up and did not withdraw is to be told: "moved" or "cancelled". Idempotent by version."""
    known = select(EventNotice.signup_id).where(
        EventNotice.event_id == event.id, EventNotice.what == what, EventNotice.sequence == event.sequence
    )
    chosen = select(
        literal(event.id),
        EventSignup.id,
        literal(what),
        literal(event.sequence),
        literal(now, EventNotice.made_at.type),
    ).where(
        EventSignup.event_id == event.id,
        EventSignup.state != "cancelled",
        EventSignup.id.not_in(known.where(EventNotice.signup_id.is_not(None))),
    )
    names = ["event_id", "signup_id", "what", "sequence", "made_at"]
    session.execute(insert(EventNotice).from_select(names, chosen))


def _waiting(session: Session, event: Event) -> list[Invitation | EventSignup]:
    invited = select(Invitation).where(
        Invitation.event_id == event.id, Invitation.answer == "waiting", Invitation.state != "cancelled"
    )
    signed_up = select(EventSignup).where(EventSignup.event_id == event.id, EventSignup.state == "waiting")
    line: list[tuple[datetime, int, int, Invitation | EventSignup]] = []
    line += [(one.answered_at or one.invited_at, 0, one.id, one) for one in session.scalars(invited)]
    line += [(one.at, 1, one.id, one) for one in session.scalars(signed_up)]
    return [each[3] for each in sorted(line, key=lambda each: each[:3])]


def _give(session: Session, event: Event, one: Invitation | EventSignup, *, now: datetime) -> None:
    notice = EventNotice(event_id=event.id, what="place", sequence=event.sequence, made_at=now)
    if isinstance(one, EventSignup):
        one.state, one.changed_at, notice.signup_id = "coming", now, one.id
        session.add(notice)
        return
    one.answer, notice.invitation_id = "yes", one.id
    session.add(notice)
    session.flush()
    timeline.add(
        session,
        now=now,
        contact_id=one.contact_id,
        kind="invited",
        text=f"A place opened up and is theirs: “{event.title}”",
        origin=f"place:{notice.id}",
    )
