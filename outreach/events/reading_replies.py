"""The tick that reads calendar answers: token, then UID, then address; only an answer can ever change by them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.deliveries.models import InboundMail
from outreach.errors import Refusal
from outreach.events import places, replies, rsvping
from outreach.events.models import CalendarAnswer, Event, Invitation, Rsvp
from outreach.events.rules import MOST_GUESTS
from outreach.practice.queries import practice_of

SAID = {"accepted": "yes", "declined": "no", "tentative": "maybe"}


def read_replies(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Calendar answers that came by mail are applied, or kept with the reason why not; answers how many. Idempotent."""
    waiting = session.scalars(
        select(InboundMail)
        .where(InboundMail.kind == "calendar", InboundMail.handled_at.is_(None))
        .order_by(InboundMail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for mail in waiting:
        _read(session, mail, now=now)
        mail.handled_at = now
    session.flush()
    return len(waiting)


def _read(session: Session, mail: InboundMail, *, now: datetime) -> None:
    reply = replies.parse_reply(mail.raw)
    if isinstance(reply, Refusal):
        _note(session, mail, None, reply.reason, "", now=now)
        return
    invitation, trusted = _match(session, mail, reply)
    if invitation is None:
        _note(session, mail, None, "stranger", reply.partstat, now=now)
        return
    contact = session.get_one(Contact, invitation.contact_id)
    theirs = (contact.email or "").lower() == reply.attendee
    if not trusted and not theirs:
        _note(session, mail, invitation, "stranger", reply.partstat, now=now)
        return
    outcome = _apply(session, invitation, reply, now=now)
    _note(session, mail, invitation, outcome, reply.partstat, now=now)
    if outcome == "needs-person":
        _ask(session, mail, invitation, contact, reply, now=now)


def _match(session: Session, mail: InboundMail, reply: replies.Reply) -> tuple[Invitation | None, bool]:
    """(invitation, whether a token named it). A token whose UID is another invitation's proves nothing."""
    for token in dict.fromkeys([*reply.tokens, mail.token]):
        known = tokens.look_up(session, "reply", token) if token else None
        if known is not None and known.topic == "rsvp":
            invitation = session.get(Invitation, known.subject_id)
            if invitation is not None and invitation.uid == reply.uid:
                return invitation, True
    return session.scalar(select(Invitation).where(Invitation.uid == reply.uid)), False


def _apply(session: Session, invitation: Invitation, reply: replies.Reply, *, now: datetime) -> str:
    if reply.answer is None:
        return "needs-person"
    if _seen(session, invitation, reply):
        return "again"
    said = SAID[reply.answer]
    event = session.get_one(Event, invitation.event_id)
    why = replies.stale_reason(reply, sequence=invitation.sequence, stamped_at=_last(session, invitation))
    no = places.refuse_answering(event, now=now)
    if why is None and no is not None:
        why = no.reason
    if why is not None:
        rsvping.keep_stale(
            session,
            invitation,
            now=now,
            answer=said,
            why=why,
            comment=reply.comment,
            stamped_at=reply.stamped_at,
        )
        return "cancelled" if why == "cancelled" else "stale"
    result = rsvping.answer(
        session,
        invitation,
        now=now,
        answer=said,
        guests=min(reply.extra_guests, MOST_GUESTS),
        comment=reply.comment,
        source="reply",
        stamped_at=reply.stamped_at,
    )
    return "needs-person" if isinstance(result, Refusal) else "applied"


def _seen(session: Session, invitation: Invitation, reply: replies.Reply) -> bool:
    if reply.stamped_at is None:
        return False
    known = select(Rsvp.id).where(
        Rsvp.invitation_id == invitation.id, Rsvp.source == "reply", Rsvp.stamped_at == reply.stamped_at
    )
    return session.scalar(known) is not None


def _last(session: Session, invitation: Invitation) -> datetime | None:
    """When the person last said something, by whichever door: the last human answer wins."""
    last = session.scalar(
        select(Rsvp)
        .where(Rsvp.invitation_id == invitation.id, Rsvp.stale == "", Rsvp.sequence == invitation.sequence)
        .order_by(Rsvp.id.desc())
        .limit(1)
    )
    return (last.stamped_at or last.answered_at) if last else None


def _note(
    session: Session, mail: InboundMail, invitation: Invitation | None, outcome: str, partstat: str, *, now: datetime
) -> None:
    done = outcome in ("applied", "again", "stale", "cancelled", "auto-reply")
    session.add(
        CalendarAnswer(
            inbound_mail_id=mail.id,
            invitation_id=invitation.id if invitation else None,
            outcome=outcome[:40],
            partstat=partstat[:20],
            at=now,
            looked_at=now if done else None,
        )
    )


def _ask(
    session: Session,
    mail: InboundMail,
    invitation: Invitation,
    contact: Contact,
    reply: replies.Reply,
    *,
    now: datetime,
) -> None:
    event = session.get_one(Event, invitation.event_id)
    proposes = "proposes another time" if reply.method == "COUNTER" else "passed the invitation on or asks something"
    zone = ZoneInfo(practice_of(session).time_zone)
    tasks.add(
        session,
        now=now,
        kind="call",
        title=f"{contact.name} {proposes}: “{event.title}”"[:500],
        script=reply.comment,
        due_on=now.astimezone(zone).date(),
        owner_id=event.host_id,
        contact_id=contact.id,
        event_id=event.id,
        origin=f"calendar-answer:{mail.id}",
    )
