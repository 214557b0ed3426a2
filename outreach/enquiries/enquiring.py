"""Somebody asks to be called: kept once, told to the staff without a name, and credited to who passed the card on."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts import tasks, timeline
from outreach.contacts.addresses import parse_address
from outreach.contacts.phones import parse_phone
from outreach.deliveries import noticing
from outreach.enquiries import passing_on, rules
from outreach.enquiries.models import BEST_TIMES, Enquiry, FriendCard
from outreach.errors import Refusal
from outreach.practice import limiting
from outreach.practice.models import Person, PersonRole, Role, Service
from outreach.screen import World

MOST_AT_ONCE = 5
"""So many people in one household or behind one address ask within ten minutes; more is a program."""
TOLD_AGAIN_AFTER = timedelta(hours=1)
NOTICE = "Somebody asked to be called. Who and when stands in Outreach, under Enquiries, after you sign in."


@dataclass(frozen=True)
class Asked:
    """What the form holds, as it was typed."""

    name: str = ""
    phone: str = ""
    email: str = ""
    best_time: str = "any"
    service_id: int | None = None
    form_key: str = ""


def ask(
    session: Session, card: FriendCard | None, typed: Asked, *, way: str, now: datetime, today: date, world: World
) -> Enquiry | dict[str, str]:
    """The enquiry is kept and a call is on Today; or the errors by field. The same form with the same
    words a second time asks once.

    No mail goes to the person: they may be a client tomorrow, and nothing says who sent them.
    """
    errors, clean = _checked(session, typed)
    if errors:
        return errors
    enquiry, is_new = _kept(session, card, clean, way=way, now=now)
    if is_new:
        _tell(session, enquiry, now=now, today=today, world=world)
    return enquiry


def _kept(session: Session, card: FriendCard | None, clean: Asked, *, way: str, now: datetime) -> tuple[Enquiry, bool]:
    """(the enquiry, whether it is new). Of two presses at the same moment the later one waits and finds the first."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    advocate = passing_on.advocate_of(session, card) if card is not None else None
    made = build(Enquiry).values(
        card_id=card.id if card is not None else None,
        advocate_id=advocate.id if advocate is not None else None,
        way=way,
        name=clean.name,
        phone=clean.phone,
        email=clean.email,
        best_time=clean.best_time,
        service_id=clean.service_id,
        form_key=clean.form_key,
        at=now,
    )
    once = made.on_conflict_do_nothing(index_elements=["form_key"]).returning(Enquiry.id)
    is_new = session.scalar(once) is not None
    return session.scalars(select(Enquiry).where(Enquiry.form_key == clean.form_key)).one(), is_new


def too_many(session: Session, address: str, *, now: datetime) -> bool:
    """Whether this network address asked too often just now; counts this time."""
    key = hashlib.sha256(f"enquiry {limiting.key_of(address)}".encode()).hexdigest()
    return limiting.add(session, key, 1, now=now) > MOST_AT_ONCE


def services(session: Session) -> list[Service]:
    """What somebody may be interested in, by name."""
    return list(session.scalars(select(Service).where(Service.retired_on.is_(None)).order_by(Service.name)))


def _checked(session: Session, typed: Asked) -> tuple[dict[str, str], Asked]:
    errors: dict[str, str] = {}
    name = rules.plain_line(typed.name, rules.MAX_NAME_CHARS)
    if not name:
        errors["name"] = "Please tell us your name."
    phone, email = rules.plain_line(typed.phone, 40), rules.plain_line(typed.email, 320)
    if phone and not parse_phone(phone).e164:
        errors["phone"] = "This does not look like a phone number with its area code."
    address = parse_address(email) if email else None
    if isinstance(address, Refusal):
        errors["email"] = "This does not look like an email address."
    if not phone and not email:
        errors["phone"] = "Please leave a phone number or an email address, so that we can reach you."
    known = session.get(Service, typed.service_id) if typed.service_id else None
    service_id = known.id if known is not None and known.retired_on is None else None
    best_time = typed.best_time if typed.best_time in BEST_TIMES else "any"
    # The same form with other words (somebody went back to put a number right) is not the same request.
    said = "\n".join((rules.plain_line(typed.form_key, 40), name, phone, email))
    key = hashlib.sha256(said.encode()).hexdigest()[:40]
    return errors, Asked(name, phone, email, best_time, service_id, key)


def _tell(session: Session, enquiry: Enquiry, *, now: datetime, today: date, world: World) -> None:
    if enquiry.advocate_id is not None:
        timeline.add(
            session,
            now=now,
            contact_id=enquiry.advocate_id,
            kind=rules.TOUCH,
            text="Somebody they told about us asked to be called",
            origin=f"enquiry:{enquiry.id}",
            from_yield=True,
        )
    tasks.add(
        session,
        now=now,
        kind="call",
        title="Call somebody who asked to be called",
        script="Name, number and best time stand under Enquiries. Call within one working day.",
        due_on=today,
        origin=f"enquiry:{enquiry.id}:call",
    )
    lately = select(func.count()).where(Enquiry.at > now - TOLD_AGAIN_AFTER, Enquiry.id != enquiry.id)
    if session.scalar(lately):
        return
    for person in _coordinators(session):
        noticing.notify(
            session,
            now=now,
            world=world,
            email=person.email,
            name=person.name,
            subject="Somebody asked to be called",
            paragraphs=[NOTICE],
        )


def _coordinators(session: Session) -> list[Person]:
    found = (
        select(Person)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .join(Role, Role.id == PersonRole.role_id)
        .where(Role.name == "coordinator", Person.active)
        .order_by(Person.id)
    )
    return list(session.scalars(found))
