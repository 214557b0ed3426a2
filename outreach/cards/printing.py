"""What is printed of a run: everybody passes the same gates as with email, at the moment of printing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.cards import ledger, listing, rules, stopping
from outreach.cards.dispatching import LIVE
from outreach.cards.models import CardRecipient, CardRun
from outreach.cards.rules import Person
from outreach.cards.sheets import PaperCard
from outreach.contacts.csvfile import write_csv
from outreach.contacts.models import Contact
from outreach.deliveries.house import house_of
from outreach.deliveries.paper import fonts, paper_words
from outreach.deliveries.paper.paper_pages import PaperLetter
from outreach.errors import Refusal
from outreach.practice.models import Practice
from outreach.screen import World

HEADS = ("Name", "Organization", "Street", "City", "State", "ZIP", "Greeting", "Card for")


@dataclass(frozen=True)
class Printed:
    """One card on paper: for whom, with the greeting inside and the lines of the envelope."""

    contact_id: int
    person: Person
    greeting: str
    lines: tuple[str, ...]
    for_all: bool

    @property
    def by_hand(self) -> bool:
        """Whether a name has letters that our type lacks."""
        return any(fonts.lacks(line) for line in (self.greeting, *self.lines))


@dataclass(frozen=True)
class Batch:
    """What one print holds, and who was taken off it just now, by reason."""

    cards: tuple[Printed, ...]
    left_out: dict[str, int]


def draw(session: Session, run: CardRun, *, now: datetime, world: World) -> Batch | Refusal:
    """The cards that are not mailed yet are on a sheet (printed); whoever may get none any more is off the list.

    Gates: those of every delivery (`ledger`), and: deceased, do-not-contact, unsubscribed, hold, permission, taken off
    a fixed list, complete address. Idempotent: the same sheet can be printed again until it is mailed.
    Refusals: not-approved, on-hold, nothing-to-print.
    """
    if run.status not in LIVE:
        return Refusal("not-approved", "Approve the list first: then cards can be printed.")
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    rows = {
        row.contact_id: row
        for row in session.scalars(
            select(CardRecipient).where(
                CardRecipient.run_id == run.id, CardRecipient.way == "print", CardRecipient.mailed_on.is_(None)
            )
        )
    }
    chosen = listing.still_wanted(session, run.group_ids, now=now, world=world, house=house)
    found = listing.people(session, Contact.id.in_(list(rows)) & chosen, run, house=house)
    if stopping.holds_paper(session, run):
        return Refusal("on-hold", "These cards are on hold. Resume first.")
    left_out = _take_off(session, run, rows, [person for person, _ in found], now=now)
    allowed = [person for person, _ in found if rows[person.id].way == "print"]
    passed = ledger.print_out(session, run, [person.id for person in allowed], now=now, house=house)
    for person in allowed:
        if person.id not in passed:
            rows[person.id].way, rows[person.id].reason = "skip", "stopped"
            left_out["stopped"] = left_out.get("stopped", 0) + 1
    allowed = [person for person in allowed if person.id in passed]
    if not allowed:
        return Refusal("nothing-to-print", "There is no card left to print.")
    cards = tuple(_printed(session, run, person, rows[person.id].for_all) for person in allowed)
    session.execute(
        update(CardRecipient)
        .where(CardRecipient.run_id == run.id, CardRecipient.contact_id.in_([card.contact_id for card in cards]))
        .values(printed_at=now)
        .execution_options(synchronize_session="fetch")
    )
    run.status = "going-out"
    session.flush()
    return Batch(cards, left_out)


def paper_cards(batch: Batch, run: CardRun, practice: Practice, signed: str) -> list[PaperCard]:
    """The cards as the sheet draws them."""
    town = ", ".join(part for part in (practice.street, practice.city, f"{practice.state} {practice.zip5}") if part)
    paragraphs = tuple(" ".join(part.split()) for part in run.inside.split("\n\n") if part.strip())
    closing = (signed,) if practice.name in signed else (signed, practice.name)
    back = (practice.name, town)
    return [PaperCard(run.front, card.greeting, paragraphs, closing, back) for card in batch.cards]


def letters(batch: Batch, run: CardRun, practice: Practice, signed: str, *, day: date) -> list[PaperLetter]:
    """The same words as letters for window envelopes."""
    sender = paper_words.postal(practice.name, practice.street, practice.city, practice.state, practice.zip5)
    paragraphs = tuple(" ".join(part.split()) for part in run.inside.split("\n\n") if part.strip())
    closing = (signed,) if practice.name in signed else (signed, practice.name)
    return [
        PaperLetter(
            sender=(*sender, practice.phone) if practice.phone else sender,
            day=f"{day:%B} {day.day}, {day.year}",
            address=card.lines,
            paragraphs=(card.greeting, *paragraphs),
            closing=closing,
        )
        for card in batch.cards
    ]


def merge_file(batch: Batch) -> Iterator[str]:
    """The cards as a table for a mail merge, every cell safe to open in a spreadsheet."""
    return write_csv(HEADS, (_line(card) for card in batch.cards))


def _line(card: Printed) -> tuple[str, ...]:
    place = card.person.place
    for_whom = "everybody there" if card.for_all else "one person"
    return (card.lines[0], place.office, place.street, place.city, place.state, place.zip5, card.greeting, for_whom)


def _printed(session: Session, run: CardRun, person: Person, for_all: bool) -> Printed:
    contact = session.get_one(Contact, person.id)
    name = listing.said_name(contact)
    return Printed(
        contact_id=person.id,
        person=person,
        greeting=rules.greeting(name, run.fallback, for_all=for_all, office=person.place.office),
        lines=tuple(rules.envelope(person.name, person.place, for_all=for_all)),
        for_all=for_all,
    )


def _take_off(
    session: Session, run: CardRun, rows: dict[int, CardRecipient], found: list[Person], *, now: datetime
) -> dict[str, int]:
    reasons = {
        person.id: person.never
        or ("wishes" if person.wish == "email" and not rows[person.id].by_hand else "")
        or ("" if person.place.complete else "address-to-fix")
        for person in found
    }
    counted: dict[str, int] = {}
    for each, row in rows.items():
        reason = reasons.get(each, "left-group")
        if reason:
            row.way, row.reason = "skip", reason
            counted[reason] = counted.get(reason, 0) + 1
    session.flush()
    return counted


def signed_by(practice: Practice) -> str:
    """Who signs a printed card."""
    return "All of us" if not practice.sender_name or practice.sender_name == practice.name else practice.sender_name
