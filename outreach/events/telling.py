"""The tick that tells people of a place that opened up, of a move, of a cancellation: by mail, else by a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.content import publishing
from outreach.content.drafts import Draft
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.events import posting, saying
from outreach.events.models import Event, Invitation
from outreach.events.notice_models import EventNotice
from outreach.events.places import refuse_answering
from outreach.events.public_models import EventSignup
from outreach.practice.queries import practice_of
from outreach.screen import World

STEPS = ("place", "signup-place", "signup-moved")
"""The steps of the outbox that tell something which another change may make untrue."""
SOON = timedelta(hours=24)
"""So near the beginning nobody relies on mail alone."""
_SUBJECTS = {
    "place": "You have a place: {title}",
    "moved": "Changed: {title}",
    "cancelled": "Cancelled: {title}",
}
_WORDS = {
    "place": (
        "Good news: a place opened up, and it is yours.",
        "If you cannot come any more, please call us: {phone}.",
    ),
    "moved": (
        "The time or place has changed.",
        "Your place is kept. If it does not suit you, please call us: {phone}.",
    ),
    "cancelled": ("We are sorry: this event does not take place.", "Call us if you have a question: {phone}."),
}
_CALLS = {
    "place": "Tell somebody who waited that they have a place: “{title}”",
    "moved": "Call {people} who signed up: “{title}” was moved",
    "cancelled": "Call {people} who signed up: “{title}” is cancelled",
}


@dataclass(frozen=True)
class _Tick:
    session: Session
    now: datetime
    world: World


def tell(session: Session, *, now: datetime, world: World, limit: int = 200) -> int:
    """Notices that wait are in the outbox, or on somebody's list of calls; answers how many. Idempotent."""
    rows = session.execute(
        select(EventNotice, Event)
        .join(Event, Event.id == EventNotice.event_id)
        .where(EventNotice.told_at.is_(None))
        .order_by(EventNotice.id)
        .limit(limit)
    ).all()
    tick = _Tick(session, now, world)
    for event, group in groupby(sorted(rows, key=lambda row: row[0].event_id), key=lambda row: row[1]):
        notices = [row[0] for row in group]
        for notice in notices:
            if notice.invitation_id is not None:
                notice.told = _tell_invited(tick, event, notice)
            else:
                notice.told = _mail_signed_up(tick, event, notice)
            notice.told_at = now
        _call_signed_up(tick, event, [one for one in notices if one.told == "call" and one.signup_id is not None])
    session.flush()
    return len(rows)


def _tell_invited(tick: _Tick, event: Event, notice: EventNotice) -> str:
    session, now = tick.session, tick.now
    one = session.get_one(Invitation, notice.invitation_id)
    if one.answer != "yes" or refuse_answering(event, now=now) is not None:
        return "not-needed"
    contact = session.get_one(Contact, one.contact_id)
    if contact.deleted_at is not None or contact.deceased_on is not None:
        return "not-needed"
    mailed = one.state == "invited" and _mail_invited(tick, event, one, notice)
    assert event.starts_at is not None
    if not mailed or event.starts_at - now < SOON:
        _call(tick, event, f"Call {contact.name}: a place opened up for “{event.title}” and is theirs", notice, contact)
    return "mail" if mailed else "call"


def _mail_invited(tick: _Tick, event: Event, one: Invitation, notice: EventNotice) -> bool:
    session, now, world = tick.session, tick.now, tick.world
    kept = posting.words(session, event, [one.contact_id], now=now, world=world, kind="place", by_id=None)
    if isinstance(kept, Refusal):
        return False
    posted = posting.post(
        session,
        event,
        [one],
        now=now,
        world=world,
        message_id=kept,
        kind="place",
        step="place",
        occurrence=str(notice.id),
        not_after_at=event.starts_at,
    )
    return not posted.not_reached


def _mail_signed_up(tick: _Tick, event: Event, notice: EventNotice) -> str:
    """Who signs up for a talk may be a client: only a way out that may carry clients' mail carries this."""
    session, now = tick.session, tick.now
    one = session.get_one(EventSignup, notice.signup_id)
    over = notice.what != "cancelled" and refuse_answering(event, now=now) is not None
    # Moved once more since: the later notice tells it, once.
    over |= notice.what == "moved" and notice.sequence < event.sequence
    if one.state == "cancelled" or over or (notice.what == "place" and one.state != "coming"):
        return "not-needed"
    draft = _draft(tick, event, notice.what)
    kept = publishing.keep(
        session, now=now, world=tick.world, draft=draft, kind="system", by_id=None, audiences=("client",)
    )
    if not one.email or isinstance(kept, Refusal):
        return "call"
    delivery_id = outbox.put_to_address(
        session,
        now=now,
        world=tick.world,
        message_id=kept.id,
        email=one.email,
        name=one.name,
        kind="system",
        source=posting.SOURCE,
        source_id=event.id,
        step=f"signup-{notice.what}",
        occurrence=str(notice.id),
        audience_class="client",
        not_after_at=event.starts_at,
    )
    state = session.scalar(select(Delivery.state).where(Delivery.id == delivery_id))
    soon = notice.what == "place" and event.starts_at is not None and event.starts_at - now < SOON
    return "call" if state in (*posting.NOT_REACHED, "held", "duplicate-address") or soon else "mail"


def _draft(tick: _Tick, event: Event, what: str) -> Draft:
    practice = practice_of(tick.session)
    first, last = _WORDS[what]
    when, where = saying.when(event, now=tick.now), saying.where(tick.session, event)
    lines = [first, *([when, where] if what != "cancelled" else []), last.format(phone=practice.phone or practice.name)]
    words = "".join(f"<p>{escape(_literal(line))}</p>" for line in [event.title, *lines] if line)
    return Draft(_SUBJECTS[what].format(title=_literal(event.title)), "", [{"type": "text", "html": words}], "plain")


def _literal(text: str) -> str:
    """Typed text that must not be read as a detail."""
    return text.replace("{{", "{").replace("}}", "}")


def _call_signed_up(tick: _Tick, event: Event, notices: Sequence[EventNotice]) -> None:
    """A place is a call of its own; a change is one list to call through. Names stand on the page, not in the task."""
    changed: dict[str, list[EventNotice]] = {}
    for notice in notices:
        if notice.what == "place":
            _call(tick, event, _CALLS["place"].format(title=event.title), notice)
        else:
            changed.setdefault(notice.what, []).append(notice)
    for what, those in changed.items():
        people = "1 person" if len(those) == 1 else f"{len(those)} people"
        _call(tick, event, _CALLS[what].format(people=people, title=event.title), those[0])


def _call(tick: _Tick, event: Event, title: str, notice: EventNotice, contact: Contact | None = None) -> None:
    tasks.add(
        tick.session,
        now=tick.now,
        kind="call",
        title=title[:500],
        script="" if contact else "Name and number stand on the page of the event, under who signed up.",
        due_on=tick.now.astimezone(ZoneInfo(event.time_zone)).date(),
        owner_id=event.host_id,
        contact_id=contact.id if contact else None,
        event_id=event.id,
        origin=f"event-call:{event.id}:notice:{notice.id}",
    )
