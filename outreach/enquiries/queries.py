"""Reads shaped for the screens: who asked to be called, and what the cards brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.enquiries.models import Enquiry, FriendCard, FriendUse
from outreach.practice.models import Service

PAGE = 50
VIEWS = {"open": "To be called", "closed": "Closed"}


@dataclass(frozen=True)
class Line:
    """One enquiry with the words of what it refers to."""

    enquiry: Enquiry
    service: str
    advocate_id: int | None
    advocate: str
    place: str


@dataclass(frozen=True)
class Passed:
    """One card and what it brought: opened by people, by programs, how many asked, how many have an appointment."""

    card: FriendCard
    advocate: str
    opened: int
    by_machine: int
    asked: int
    booked: int


def lines(session: Session, view: str, *, limit: int = PAGE, offset: int = 0) -> list[Line]:
    """Who waits, the longest first; or who was closed, the latest first."""
    found = _joined()
    if view == "closed":
        found = found.where(Enquiry.state == "closed").order_by(Enquiry.closed_at.desc(), Enquiry.id.desc())
    else:
        found = found.where(Enquiry.state != "closed").order_by(Enquiry.at, Enquiry.id)
    return [_line(*row) for row in session.execute(found.limit(limit).offset(offset))]


def line(session: Session, enquiry_id: int) -> Line | None:
    """One enquiry, or None."""
    row = session.execute(_joined().where(Enquiry.id == enquiry_id)).first()
    return _line(*row) if row is not None else None


def counts(session: Session) -> dict[str, int]:
    """{view: how many}."""
    still, over = session.execute(
        select(
            func.count().filter(Enquiry.state != "closed"),
            func.count().filter(Enquiry.state == "closed"),
        ).select_from(Enquiry)
    ).one()
    return {"open": still, "closed": over}


def cards(session: Session, *, since: date, limit: int = PAGE, offset: int = 0) -> list[Passed]:
    """The cards with what they brought since that day: those that brought most first. Three statements."""
    asked = (
        select(
            Enquiry.card_id,
            func.count().label("asked"),
            func.count().filter(Enquiry.outcome == "booked").label("booked"),
        )
        .where(Enquiry.card_id.is_not(None))
        .group_by(Enquiry.card_id)
        .subquery()
    )
    used = (
        select(
            FriendUse.card_id,
            func.sum(FriendUse.opened).label("opened"),
            func.sum(FriendUse.by_machine).label("by_machine"),
        )
        .where(FriendUse.on >= since)
        .group_by(FriendUse.card_id)
        .subquery()
    )
    numbers = [func.coalesce(column, 0) for column in (used.c.opened, used.c.by_machine, asked.c.asked, asked.c.booked)]
    rows = session.execute(
        select(FriendCard, Contact, *numbers)
        .outerjoin(Contact, Contact.id == FriendCard.contact_id)
        .outerjoin(used, used.c.card_id == FriendCard.id)
        .outerjoin(asked, asked.c.card_id == FriendCard.id)
        .order_by(FriendCard.ended_at.is_not(None), numbers[2].desc(), numbers[0].desc(), FriendCard.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [Passed(row[0], row[1].name if row[1] else row[0].title, *map(int, row[2:])) for row in rows]


def one_card(session: Session, card: FriendCard) -> Passed:
    """One card and what it brought in all."""
    opened, machine = session.execute(
        select(func.coalesce(func.sum(FriendUse.opened), 0), func.coalesce(func.sum(FriendUse.by_machine), 0)).where(
            FriendUse.card_id == card.id
        )
    ).one()
    asked, booked = session.execute(
        select(func.count(), func.count().filter(Enquiry.outcome == "booked")).where(Enquiry.card_id == card.id)
    ).one()
    contact = session.get(Contact, card.contact_id) if card.contact_id else None
    return Passed(card, contact.name if contact else card.title, int(opened), int(machine), asked, booked)


def waiting(session: Session) -> int:
    """How many people wait to be called."""
    return session.scalar(select(func.count()).where(Enquiry.state == "new")) or 0


def service_names(session: Session) -> Sequence[str]:
    """What the practice helps with, by name."""
    return session.scalars(select(Service.name).where(Service.retired_on.is_(None)).order_by(Service.name)).all()


def _joined() -> Select[Enquiry, str, Contact, str]:
    return (
        select(Enquiry, Service.name, Contact, FriendCard.title)
        .outerjoin(Service, Service.id == Enquiry.service_id)
        .outerjoin(Contact, Contact.id == Enquiry.advocate_id)
        .outerjoin(FriendCard, FriendCard.id == Enquiry.card_id)
    )


def _line(enquiry: Enquiry, service: str | None, advocate: Contact | None, title: str | None) -> Line:
    return Line(
        enquiry,
        service or "",
        advocate.id if advocate is not None else None,
        advocate.name if advocate is not None else "",
        title or "",
    )
