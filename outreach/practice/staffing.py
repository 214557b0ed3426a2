"""People who work here: added with a link to choose a password, given a role, let go."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice import passwords, queries, rules, sessions, throttle
from outreach.practice.models import ROLES, Person, Role

LINK_FOR = timedelta(days=3)


def add_person(
    session: Session, *, now: datetime, name: str, email: str, role: str, title: str = "", discipline: str | None = None
) -> Person | Refusal:
    """The person is known; they choose a password by the link of `password_link`.

    Refusals: `no-name`, `bad-address`, `known-address`.
    """
    address = rules.address_or_refusal(email)
    if isinstance(address, Refusal):
        return address
    if not name.strip() or any(sign in name for sign in "\r\n\0"):
        return Refusal("no-name", "Write the name on one line.")
    if session.scalar(select(Person.id).where(func.lower(Person.email) == address.lower())):
        return Refusal("known-address", f"{address} belongs to somebody here already.")
    person = Person(
        name=name.strip(),
        email=address,
        title=title.strip(),
        discipline=discipline or None,
        created_at=now,
        fs_uniquifier=secrets.token_hex(32),
        roles=[role_named(session, role)],
    )
    session.add(person)
    session.flush()
    return person


def change_person(session: Session, person: Person, *, name: str, title: str, role: str) -> Person | Refusal:
    """Name, title and role are as given; a changed role signs the person out everywhere.

    Refusals: `last-administrator`.
    """
    if person.role != role and _is_last_administrator(session, person):
        return _LAST
    if person.role != role:
        person.roles = [role_named(session, role)]
        sessions.revoke(session, person.id)
    person.name, person.title = name.strip() or person.name, title.strip()
    return person


def let_go(session: Session, person: Person) -> Person | Refusal:
    """The person is out at once and cannot come back in; what they did stays in the records.

    Refusals: `last-administrator`. Idempotent.
    """
    if _is_last_administrator(session, person):
        return _LAST
    person.active = False
    sessions.revoke(session, person.id)
    return person


def take_back(session: Session, person: Person) -> Person:
    """The person may sign in again with what they had. Idempotent."""
    person.active = True
    return person


def forget_second_factor(session: Session, person: Person) -> Person:
    """A lost phone: the person signs in with the password and sets up a new one. Idempotent."""
    person.tf_primary_method = person.tf_totp_secret = person.mf_recovery_codes = person.tf_last_counter = None
    sessions.revoke(session, person.id)
    throttle.forgive(session, account=person.email)
    return person


def password_link(key: bytes, person: Person, *, now: datetime) -> str:
    """What stands at the end of the link: good until the password changes, three days at most."""
    until = int((now + LINK_FOR).timestamp())
    return f"{person.id}-{until}-{_seal(key, person, until)}"


def person_of_link(session: Session, key: bytes, link: str, *, now: datetime) -> Person | None:
    """Whose password this link may set, or None when it is cut short, altered, over or used."""
    number, _, rest = link.partition("-")
    until, _, seal = rest.partition("-")
    # Ten digits of a row and eleven of a second are more than there will ever be, and less than a database refuses.
    if not (re.fullmatch("[0-9]{1,10}", number) and re.fullmatch("[0-9]{1,11}", until)):
        return None
    person = session.get(Person, int(number))
    if person is None or not person.active or datetime.fromtimestamp(int(until), UTC) <= now:
        return None
    return person if hmac.compare_digest(seal.encode(), _seal(key, person, int(until)).encode()) else None


def choose_password(session: Session, person: Person, password: str) -> Person | Refusal:
    """The password is set, all links to set it are used up, other browsers are signed out.

    Refusals: `weak-password`.
    """
    objection = passwords.objection(password, about=queries.about(session, person))
    if objection:
        return Refusal("weak-password", objection)
    person.password = passwords.hashed(password)
    person.fs_uniquifier = secrets.token_hex(32)
    sessions.revoke(session, person.id)
    throttle.forgive(session, account=person.email)
    return person


def role_named(session: Session, name: str) -> Role:
    """The role of that name. Errors: ValueError for a name that is none of `ROLES`."""
    if name not in ROLES:
        raise ValueError(f"There is no role called {name!r}")
    role = session.scalar(select(Role).where(Role.name == name))
    if role is None:
        role = Role(name=name)
        session.add(role)
    return role


_LAST = Refusal("last-administrator", "Somebody must be able to run this: name another administrator first.")


def _is_last_administrator(session: Session, person: Person) -> bool:
    others = select(func.count()).where(
        Person.id != person.id, Person.active, Person.roles.any(Role.name == "administrator")
    )
    return person.active and person.role == "administrator" and not session.scalar(others)


def _seal(key: bytes, person: Person, until: int) -> str:
    # The uniquifier changes with every password: a used link opens nothing.
    text = f"{person.id}|{until}|{person.fs_uniquifier}|{person.password or ''}".encode()
    raw = hmac.new(key, b"outreach-password-link|" + text, hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode().replace("-", ".")
