"""The first run: a one-time code, then the practice and its first administrator in one act."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice import editing, quieting, staffing
from outreach.practice.models import DISCIPLINES, Location, Person, Practice, SetupCode
from outreach.practice.queries import has_administrator

LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Nothing that is read for something else."""


@dataclass(frozen=True)
class Answers:
    """What the six pages asked."""

    name: str = ""
    disciplines: list[str] = field(default_factory=lambda: list(DISCIPLINES))
    phone: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""
    country: str = "US"
    time_zone: str = "America/New_York"
    sender_name: str = ""
    sender_email: str = ""
    reply_to_email: str = ""
    public_url: str = ""
    from_minute: int = 8 * 60
    until_minute: int = 19 * 60
    weekdays: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 4])
    holidays: bool = True
    person_name: str = ""
    person_email: str = ""


def make_code(session: Session, *, now: datetime) -> str | None:
    """A new one-time code for the first-run pages, which ends the one before; None once an administrator exists."""
    session.execute(delete(SetupCode))
    if has_administrator(session):
        return None
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    session.add(SetupCode(id=1, digest=_digest(code), made_at=now))
    return code


def ticket_for(session: Session, code: str) -> str | None:
    """What lets a browser go on when this is the code printed last, else None."""
    kept = session.scalar(select(SetupCode.digest))
    return kept if kept is not None and hmac.compare_digest(kept, _digest(code)) else None


def ticket_is_good(session: Session, ticket: str | None) -> bool:
    """Whether the code behind this ticket is still the one printed last and nobody runs the practice yet."""
    kept = session.scalar(select(SetupCode.digest))
    return bool(ticket and kept and hmac.compare_digest(kept, ticket)) and not has_administrator(session)


def set_up(session: Session, answers: Answers, password: str, *, now: datetime, local: bool) -> Person | Refusal:
    """The practice and its administrator exist, holidays are frozen, and the code is gone; or nothing was written.

    `local`: whether an http address may pass. Refusals: `already-set-up` and all of the verbs for the single parts.
    """
    # PostgreSQL: the second of two tabs waits here, and then finds no code any more.
    code = session.scalar(select(SetupCode).with_for_update())
    if code is None or has_administrator(session):
        return Refusal("already-set-up", "The practice was set up meanwhile. Sign in.")
    # Half a practice would be worse than none: what is refused leaves no trace.
    with session.begin_nested() as attempt:
        made = _make(session, answers, password, now=now, local=local)
        if isinstance(made, Refusal):
            attempt.rollback()
            return made
    session.delete(code)
    return made


def _make(session: Session, answers: Answers, password: str, *, now: datetime, local: bool) -> Person | Refusal:
    practice = session.get(Practice, 1) or Practice(id=1, name="", time_zone="UTC", created_at=now)
    practice.country, practice.state = answers.country.upper(), answers.state.strip()
    practice.keeps_holidays = answers.holidays
    session.add(practice)
    for refused in check(session, practice, answers, now=now, local=local):
        return refused
    quieting.keep_frozen(session, now=now)
    place = {"street": practice.street, "city": practice.city, "state": practice.state, "zip5": practice.zip5}
    session.add(Location(name=practice.city, phone=practice.phone, **place))
    person = staffing.add_person(
        session, now=now, name=answers.person_name, email=answers.person_email, role="administrator"
    )
    return person if isinstance(person, Refusal) else staffing.choose_password(session, person, password)


def check(session: Session, practice: Practice, answers: Answers, *, now: datetime, local: bool) -> list[Refusal]:
    """The practice is as answered; what was refused, in the order of the pages."""
    answered = (
        editing.describe(session, practice, name=answers.name, disciplines=answers.disciplines, phone=answers.phone),
        editing.move(
            session,
            practice,
            today=now.date(),
            street=answers.street,
            city=answers.city,
            state=answers.state,
            zip5=answers.zip5,
            country=answers.country,
            time_zone=answers.time_zone,
        ),
        editing.name_sender(
            session,
            practice,
            sender_name=answers.sender_name,
            sender_email=answers.sender_email,
            reply_to_email=answers.reply_to_email,
            public_url=answers.public_url,
            local=local,
        ),
        editing.set_hours(
            session,
            practice,
            from_minute=answers.from_minute,
            until_minute=answers.until_minute,
            weekdays=answers.weekdays,
            today=now.date(),
            holidays=answers.holidays,
        ),
    )
    return [refused for refused in answered if isinstance(refused, Refusal)]


def _digest(code: str) -> str:
    plain = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
