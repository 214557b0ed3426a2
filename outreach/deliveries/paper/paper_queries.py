"""Reads for the screens of letters: what waits, for whom an address is missing, and what became of a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.content.models import Message
from outreach.deliveries import gates
from outreach.deliveries.claiming import CLAIMED
from outreach.deliveries.house import House
from outreach.deliveries.mail import composing
from outreach.deliveries.models import LEDGER, Delivery
from outreach.deliveries.paper import paper, paper_words
from outreach.deliveries.paper.paper_models import LetterSheet, SheetLetter
from outreach.deliveries.paper.paper_pages import PaperLetter
from outreach.deliveries.words import reason_words
from outreach.practice.models import Practice

PAGE = 50
C = LEDGER.c


@dataclass(frozen=True)
class Waiting:
    """The letters of one source (campaign 12) that wait: those that can be printed, without address, on hold."""

    source: str
    source_id: int
    ready: int
    without_address: int
    held: int

    @property
    def scope(self) -> str:
        """As holds and sheets name it."""
        return f"{self.source}:{self.source_id}"


@dataclass(frozen=True)
class Line:
    """One letter of a sheet: for whom, what it says above, and what is to be done with it."""

    delivery_id: int
    contact_id: int | None
    name: str
    subject: str
    status: str
    """on-sheet, take-out, mailed, back, stopped"""
    why: str


def waiting(session: Session, *, now: datetime) -> list[Waiting]:
    """What waits, by source, the most first. One statement."""
    held = gates.on_hold()
    kinds = case((~paper.has_address(), "without"), (held, "held"), else_="ready").label("sort")
    each = select(Delivery.source, Delivery.source_id, kinds).where(*paper.waiting(now=now)).subquery()
    sums = [func.sum(case((each.c.sort == name, 1), else_=0)) for name in ("ready", "without", "held")]
    found = session.execute(
        select(each.c.source, each.c.source_id, *sums)
        .group_by(each.c.source, each.c.source_id)
        .order_by(func.count().desc(), each.c.source_id)
    )
    return [Waiting(*row) for row in found]


def many_waiting(session: Session, *, now: datetime) -> int:
    """How many letters wait for a sheet."""
    return session.scalar(select(func.count()).select_from(Delivery).where(*paper.waiting(now=now))) or 0


def without_address(session: Session, *, now: datetime) -> list[Contact]:
    """The first fifty people whose letter waits for a complete postal address, by name."""
    theirs = select(Delivery.contact_id).where(*paper.waiting(now=now), ~paper.has_address())
    return list(session.scalars(select(Contact).where(Contact.id.in_(theirs)).order_by(Contact.sort_name).limit(PAGE)))


def missing_of(contact: Contact) -> str:
    """What is missing in the address, in words."""
    parts = {"street": contact.street, "city": contact.city, "state": contact.state, "ZIP code": contact.zip5}
    missing = [name for name, value in parts.items() if not value]
    return "No postal address" if len(missing) == len(parts) else "No " + ", no ".join(missing)


def sheets(session: Session, *, limit: int = 20) -> list[LetterSheet]:
    """The newest sheets, open ones first."""
    order = (LetterSheet.closed_at.is_not(None), LetterSheet.id.desc())
    return list(session.scalars(select(LetterSheet).order_by(*order).limit(limit)))


def newest(session: Session) -> int:
    """The number of the newest sheet, 0 when there is none."""
    return session.scalar(select(func.max(LetterSheet.id))) or 0


def lines(session: Session, sheet: LetterSheet, *, now: datetime, house: House) -> list[Line]:
    """Every letter of the sheet and what became of it, those to take out of the pile first."""
    _, reason = gates.verdict(paper.at_the_post(now=now, house=house))
    mine = (Delivery.state == "claimed") & (Delivery.token == sheet.token)
    rows = session.execute(
        select(
            Delivery.id,
            Delivery.contact_id,
            Delivery.to_name,
            Delivery.state,
            Delivery.reason,
            mine.label("mine"),
            case((mine, reason), else_="").label("closed"),
            paper.has_address().label("has_address"),
            Message.subject,
        )
        .join(SheetLetter, SheetLetter.delivery_id == Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .where(SheetLetter.sheet_id == sheet.id)
        .order_by(Delivery.to_name, Delivery.id)
    ).all()
    found = [_line(row) for row in rows]
    return sorted(found, key=lambda line: line.status != "take-out")


def letters(
    session: Session, sheet: LetterSheet, *, now: datetime, house: House, key: bytes
) -> list[tuple[tuple[str, ...], PaperLetter]]:
    """(lines of the envelope, letter) of everybody who is on the sheet and may get it now. Two statements."""
    closed = gates.any_closed(paper.at_the_post(now=now, house=house))
    rows = session.execute(
        select(*CLAIMED)
        .where(C.token == sheet.token, C.state == "claimed", ~closed, paper.has_address())
        .order_by(C.to_name, C.id)
    ).all()
    revisions = composing.revisions_of(session, {row.message_id for row in rows})
    people = _people(session, [row.contact_id for row in rows])
    found = []
    for row in rows:
        text = composing.compose(row, revisions[row.message_id], None, now=now, house=house, key=key).text
        contact, practice = people[row.contact_id], house.practice
        lines = paper_words.postal(contact.name, contact.street, contact.city, contact.state, contact.zip5)
        commercial = row.mail_class == "commercial"
        letter = PaperLetter(
            sender=_sender(practice),
            day=f"{house.today:%B} {house.today.day}, {house.today.year}",
            address=lines,
            paragraphs=paper_words.paragraphs(text),
            foot=paper_words.foot(practice.name, practice.phone, commercial=commercial),
        )
        found.append((lines, letter))
    return found


def addresses(session: Session, sheet: LetterSheet, *, now: datetime, house: House) -> list[tuple[str, ...]]:
    """(name, street, city, state, ZIP) of the letters on the sheet, for labels. One statement."""
    closed = gates.any_closed(paper.at_the_post(now=now, house=house))
    mine = select(C.contact_id).where(C.token == sheet.token, C.state == "claimed", ~closed, paper.has_address())
    people = session.scalars(select(Contact).where(Contact.id.in_(mine.correlate(None))).order_by(Contact.sort_name))
    return [(each.name, each.street, each.city, each.state, each.zip5) for each in people]


def _people(session: Session, ids: Sequence[int]) -> dict[int, Contact]:
    return {each.id: each for each in session.scalars(select(Contact).where(Contact.id.in_(ids)))}


def _sender(practice: Practice) -> tuple[str, ...]:
    lines = paper_words.postal(practice.name, practice.street, practice.city, practice.state, practice.zip5)
    return (*lines, practice.phone) if practice.phone else lines


def _line(row: Any) -> Line:
    status, why = "stopped", reason_words(row.reason) if row.reason else ""
    if row.mine and row.closed:
        status, why = "take-out", reason_words(row.closed)
    elif row.mine:
        status, why = (
            "on-sheet",
            "" if row.has_address else "not printed: the address is not complete any more",
        )
    elif row.state in ("sent", "delivered"):
        status = "mailed"
    elif row.state in ("scheduled", "claimed", "resend-approved"):
        status, why = "back", "it waits again, or is on a later sheet"
    return Line(row.id, row.contact_id, row.to_name, row.subject, status, why)
