"""What other rooms and screens ask about the practice."""

from datetime import date
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from outreach.errors import OutreachError
from outreach.practice.models import Participation, Person, Practice, QuietDay, Role


def practice_of(session: Session) -> Practice:
    """The one practice. Errors: OutreachError before the first run is done."""
    practice = session.get(Practice, 1)
    if practice is None:
        raise OutreachError("The practice is not set up yet: open the application in a browser first.")
    return practice


def quiet_days(session: Session) -> frozenset[date]:
    """The local days on which nothing is sent."""
    return frozenset(session.scalars(select(QuietDay.on)))


def in_network(session: Session, payer_id: int, on: date) -> bool | None:
    """Whether the practice takes this payer on a day; None when nothing is known for that day."""
    status = session.scalar(
        select(Participation.status)
        .where(
            Participation.payer_id == payer_id,
            Participation.since_on <= on,
            or_(Participation.until_on.is_(None), Participation.until_on >= on),
        )
        .order_by(Participation.since_on.desc())
        .limit(1)
    )
    return None if status is None else status == "in-network"


def has_administrator(session: Session) -> bool:
    """Whether somebody runs this installation already: the first-run pages are gone from then on."""
    return bool(session.scalar(select(exists().where(Person.active, Person.roles.any(Role.name == "administrator")))))


def about(session: Session, person: Any) -> tuple[str, ...]:
    """Words that anybody would guess first as this person's password."""
    practice = session.scalar(select(Practice.name)) or ""
    return tuple(filter(None, (practice, getattr(person, "name", ""), getattr(person, "email", ""))))
