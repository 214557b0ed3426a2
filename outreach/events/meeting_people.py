"""People met at a conference or a meeting, noted in seconds: into the book once, with a note to write by hand."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts import editing, entry, names, tasks, touching
from outreach.contacts.models import Contact, Organization
from outreach.errors import Refusal
from outreach.events import attending
from outreach.events.models import Attendance, Event

MET_KINDS = ("physician", "provider", "office-staff", "peer-therapist", "community-organization", "payer")
"""Clients and families are not captured here: they ask for mail themselves."""
WRITE_WITHIN = timedelta(days=2)
"""A note by hand within 48 hours of the first meeting (domain 6.4)."""
SCRIPT = "One sentence on what you talked about, one on what you promised. No brochure."


@dataclass(frozen=True)
class Card:
    """What stands on the business card, as it was typed."""

    name: str = ""
    kind: str = "provider"
    organization: str = ""
    email: str = ""
    phone: str = ""
    note: str = ""


def capture(
    session: Session, event: Event, card: Card, *, now: datetime, key: bytes, by_id: int | None, zone: ZoneInfo
) -> Contact | Refusal:
    """The person is in the book, was at the event, and is owed a note by hand. The same card twice is one person.

    Somebody whose address is known already keeps their record. Refusals: no-name, unknown-kind, cancelled, too-early,
    and those of a bad address or number.
    """
    if (no := attending.refuse_sign_in(event, now=now)) is not None:
        return no
    if card.kind not in MET_KINDS:
        return Refusal("unknown-kind", "Choose what the person is.")
    today = now.astimezone(zone).date()
    found = _known(session, event, card) or _added(session, event, card, now=now, key=key, by_id=by_id, today=today)
    if isinstance(found, Refusal):
        return found
    known = attending.is_there(session, event, found.id)
    came = attending.sign_in(session, event, now=now, by_id=by_id, contact_id=found.id)
    if isinstance(came, Refusal):
        return came
    if not known:
        _promise(session, event, found, card, now=now, zone=zone, by_id=by_id, today=today)
    return found


def met(session: Session, event: Event) -> list[Contact]:
    """Who was met at the event, latest first."""
    rows = (
        select(Contact)
        .join(Attendance, Attendance.contact_id == Contact.id)
        .where(Attendance.event_id == event.id, Attendance.role != "ours")
    )
    return list(session.scalars(rows.order_by(Attendance.id.desc()).limit(100)))


def _known(session: Session, event: Event, card: Card) -> Contact | None:
    """Somebody of that name who was noted at this event: the button was pressed twice."""
    full = names.split(names.clean(card.name))
    here = select(Attendance.contact_id).where(Attendance.event_id == event.id, Attendance.contact_id.is_not(None))
    same = select(Contact).where(Contact.id.in_(here), Contact.sort_name == entry.sort_name(full.first, full.last))
    mail = func.lower(func.coalesce(Contact.email, ""))
    return session.scalar(same.where(mail == card.email.strip().lower()).limit(1))


def _added(
    session: Session, event: Event, card: Card, *, now: datetime, key: bytes, by_id: int | None, today: date
) -> Contact | Refusal:
    full = names.split(names.clean(card.name))
    made = editing.add_contact(
        session,
        now=now,
        key=key,
        by_id=by_id,
        today=today,
        prefix=full.prefix,
        first_name=full.first,
        last_name=full.last,
        credentials=full.credentials,
        kind=card.kind,
        email=card.email.strip(),
        phone=card.phone.strip(),
        organization_id=_place(session, card.organization),
        owner_id=by_id,
        source=f"Met at {event.title}"[:200],
    )
    if isinstance(made, Refusal) and made.reason == "maybe-duplicate":
        return session.get_one(Contact, int(made.details[0]))
    return made


def _place(session: Session, typed: str) -> int | None:
    typed = names.clean(typed)
    if not typed:
        return None
    low = func.lower(Organization.name)
    same = or_(low == func.lower(typed), low == typed.lower())
    found = session.scalars(select(Organization.id).where(same, Organization.deleted_at.is_(None)).limit(2)).all()
    return found[0] if len(found) == 1 else None


def _promise(
    session: Session,
    event: Event,
    contact: Contact,
    card: Card,
    *,
    now: datetime,
    zone: ZoneInfo,
    by_id: int | None,
    today: date,
) -> None:
    place = names.clean(card.organization)
    at = f"Works at {place}. " if place and contact.organization_id is None else ""
    said = f"{at}{card.note.strip()}".strip()
    if said:
        touching.log_touch(session, contact, now=now, zone=zone, by_id=by_id, kind="note", text=said[:4000])
    if tasks.owed_by_hand(session, [contact.id], now=now):
        return
    tasks.add(
        session,
        now=now,
        kind="write",
        script=SCRIPT,
        title=f"Write by hand: good to meet you, {contact.name}"[:500],
        due_on=today + WRITE_WITHIN,
        owner_id=by_id,
        contact_id=contact.id,
        event_id=event.id,
        origin=f"event:{event.id}:met:{contact.id}",
    )
