"""Public sign-up for talks and screenings: an enquiry with a name and a way to reach them, nothing about health."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from outreach.contacts.addresses import parse_address
from outreach.contacts.phones import parse_phone
from outreach.errors import Refusal
from outreach.events import places, rules
from outreach.events.models import Event, Invitation
from outreach.events.public_models import EventPage, EventSignup
from outreach.practice import limiting

MOST_TOGETHER = 6
"""So many may be signed up on one form; larger groups call."""
MOST_AT_ONCE = 5
"""So many forms come from one network address within ten minutes; more is a program."""
KEPT_FOR = timedelta(days=90)
"""After the end of the event (architecture 9.9)."""
CODE_BYTES = 9
MAX_WORDS = 4000


@dataclass(frozen=True)
class Typed:
    """What the form holds, as it was typed."""

    name: str = ""
    phone: str = ""
    email: str = ""
    party: int = 1
    form_key: str = ""


def open_page(
    session: Session, event: Event, *, now: datetime, by_id: int | None, words: str = ""
) -> EventPage | Refusal:
    """Anybody can sign up from now on, at one address for good. Idempotent. Refusals: not-public, past, cancelled."""
    if event.type not in rules.CLIENT_TYPES:
        return Refusal("not-public", "Only community talks and screenings have a public page.")
    if (no := places.refuse_answering(event, now=now)) is not None:
        return Refusal(no.reason, "A public page needs a date that lies ahead, and an event that is booked.")
    page = session.get(EventPage, event.id)
    if page is None:
        page = EventPage(event_id=event.id, code=secrets.token_urlsafe(CODE_BYTES), opened_at=now, opened_by_id=by_id)
        session.add(page)
    page.words, page.closed_at = words.strip()[:MAX_WORDS], None
    session.flush()
    return page


def close_page(session: Session, event: Event, *, now: datetime) -> None:
    """Nobody else can sign up. Idempotent."""
    page = session.get(EventPage, event.id)
    if page is not None:
        page.closed_at = page.closed_at or now


def found(session: Session, code: str) -> tuple[EventPage, Event] | None:
    """The page of an address, or None when there is none."""
    row = session.execute(
        select(EventPage, Event).join(Event, Event.id == EventPage.event_id).where(EventPage.code == code[:24])
    ).first()
    return (row[0], row[1]) if row else None


def refuse_signing_up(page: EventPage, event: Event, *, now: datetime) -> Refusal | None:
    """Why nobody can sign up, or None."""
    if (no := places.refuse_answering(event, now=now)) is not None:
        text = "This event was cancelled." if no.reason == "cancelled" else "This event is over."
        return Refusal(no.reason, text)
    return Refusal("closed", "Sign-up for this event is closed.") if page.closed_at is not None else None


def sign_up(
    session: Session, page: EventPage, typed: Typed, *, now: datetime
) -> EventSignup | dict[str, str] | Refusal:
    """They have a place, or wait for one when too few are left; or the errors by field. One form signs up once.

    Refusals: cancelled, past, closed. No mail goes out now: the page says what is so.
    """
    event = places.lock(session, page.event_id)
    if (no := refuse_signing_up(page, event, now=now)) is not None:
        return no
    errors, clean = _checked(typed)
    if errors:
        return errors
    key = hashlib.sha256(f"{event.id} {clean.form_key}".encode()).hexdigest()[:40]
    known = session.scalar(select(EventSignup).where(EventSignup.form_key == key))
    if known is not None:
        return known
    free = places.free_places(session, event)
    row = EventSignup(
        event_id=event.id,
        name=clean.name,
        phone=clean.phone,
        email=clean.email,
        party=clean.party,
        state="coming" if free is None or clean.party <= free else "waiting",
        form_key=key,
        at=now,
        changed_at=now,
    )
    session.add(row)
    session.flush()
    return row


def withdraw(session: Session, signup: EventSignup, *, now: datetime) -> list[Invitation | EventSignup]:
    """They do not come; whoever waits longest and fits has a place now, and is told. Answers those. Idempotent."""
    event = places.lock(session, signup.event_id)
    session.refresh(signup)
    if signup.state == "cancelled":
        return []
    signup.state, signup.changed_at = "cancelled", now
    session.flush()
    return places.move_up(session, event, now=now)


def signups(session: Session, event: Event) -> list[EventSignup]:
    """Everyone who signed up and did not withdraw, in the order of signing up."""
    wanted = select(EventSignup).where(EventSignup.event_id == event.id, EventSignup.state != "cancelled")
    return list(session.scalars(wanted.order_by(EventSignup.id)))


def too_many(session: Session, address: str, *, now: datetime) -> bool:
    """Whether this network address signed up too often just now; counts this time."""
    key = hashlib.sha256(f"signup {limiting.key_of(address)}".encode()).hexdigest()
    return limiting.add(session, key, 1, now=now) > MOST_AT_ONCE


def purge(session: Session, *, now: datetime) -> int:
    """Sign-ups of events that ended (or were cancelled) 90 days ago are gone; answers how many. Idempotent."""
    ended = func.coalesce(Event.cancelled_at, Event.ends_at, Event.updated_at) < now - KEPT_FOR
    old = select(Event.id).join(EventPage, EventPage.event_id == Event.id).where(ended)
    gone = delete(EventSignup).where(EventSignup.event_id.in_(old)).returning(EventSignup.id)
    return len(session.scalars(gone).all())


def _checked(typed: Typed) -> tuple[dict[str, str], Typed]:
    errors: dict[str, str] = {}
    name, phone, email = _line(typed.name, 200), _line(typed.phone, 40), _line(typed.email, 320)
    if not name:
        errors["name"] = "Please tell us your name."
    if phone and not parse_phone(phone).e164:
        errors["phone"] = "This does not look like a phone number with its area code."
    if email and isinstance(parse_address(email), Refusal):
        errors["email"] = "This does not look like an email address."
    if not phone and not email:
        errors["phone"] = "Please leave a phone number or an email address, so that we can tell you of changes."
    if not 1 <= typed.party <= MOST_TOGETHER:
        errors["party"] = f"You can sign up for up to {MOST_TOGETHER} people. Please call us when there are more."
    key = _line(typed.form_key, 40) or hashlib.sha256(f"{name}{phone}{email}".encode()).hexdigest()[:40]
    return errors, Typed(name, phone, email, typed.party, key)


def _line(text: str, most: int) -> str:
    """One line without control characters, at most so long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]
