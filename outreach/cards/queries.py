"""Reads shaped for the screens of cards: runs, the list by way, and what came of each card."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from outreach.cards import ledger, rules
from outreach.cards.dispatching import ON_ITS_WAY, SOURCE
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts.models import Contact, Organization
from outreach.deliveries.models import Delivery
from outreach.deliveries.words import reason_words, state_words

PAGE = 50
VIEWS = {"all": "Everybody", "email": "By email", "print": "On paper", "fix": "Addresses to fix", "skip": "Left out"}
REACHED = ("sent", "delivered", "complained", "bounced")


@dataclass(frozen=True)
class Line:
    """One person of a list."""

    contact_id: int
    name: str
    kind: str
    place: str
    way: str
    words: str
    reason: str
    can_change: bool
    for_all: bool
    send_on: date
    address: str


@dataclass(frozen=True)
class Results:
    """What came of a run."""

    by_email: int = 0
    sent: int = 0
    delivered: int = 0
    waiting: int = 0
    not_sent: dict[str, int] = field(default_factory=dict)
    on_paper: int = 0
    printed: int = 0
    mailed: int = 0


def runs(session: Session, *, limit: int = PAGE) -> Sequence[CardRun]:
    """All runs, the latest day first."""
    found = select(CardRun).where(CardRun.deleted_at.is_(None)).order_by(CardRun.send_on.desc(), CardRun.id.desc())
    return session.scalars(found.limit(limit)).all()


def counts_of(session: Session, run_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """{run: {way: how many}} in one statement."""
    rows = session.execute(
        select(CardRecipient.run_id, CardRecipient.way, func.count())
        .where(CardRecipient.run_id.in_(list(run_ids)))
        .group_by(CardRecipient.run_id, CardRecipient.way)
    )
    counted: dict[int, dict[str, int]] = {each: dict.fromkeys(rules.WAYS, 0) for each in run_ids}
    for run_id, way, many in rows:
        counted[run_id][way] = many
    return counted


def left_out(session: Session, run_id: int) -> dict[str, int]:
    """{reason: how many} of those without a card."""
    rows = session.execute(
        select(CardRecipient.reason, func.count())
        .where(CardRecipient.run_id == run_id, CardRecipient.way == "skip")
        .group_by(CardRecipient.reason)
        .order_by(func.count().desc())
    )
    return {row[0]: row[1] for row in rows}


def lines(session: Session, run: CardRun, view: str, *, limit: int = PAGE, offset: int = 0) -> list[Line]:
    """The people of a list by name, with what happened so far."""
    ours = and_(
        Delivery.source == SOURCE,
        Delivery.source_id == run.id,
        Delivery.contact_id == CardRecipient.contact_id,
        Delivery.step == case((CardRecipient.printed_at.is_not(None), ledger.STEP), else_=""),
    )
    found = (
        select(CardRecipient, Contact, Organization, Delivery)
        .join(Contact, Contact.id == CardRecipient.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .outerjoin(Delivery, ours)
        .where(CardRecipient.run_id == run.id, *_view(view))
        .order_by(Contact.sort_name, Contact.id)
        .limit(limit)
        .offset(offset)
    )
    return [_line(*row) for row in session.execute(found)]


def _view(view: str) -> list[ColumnElement[bool]]:
    if view == "fix":
        return [CardRecipient.reason == "address-to-fix"]
    return [CardRecipient.way == view] if view in rules.WAYS else []


def _line(row: CardRecipient, contact: Contact, place: Organization | None, delivery: Delivery | None) -> Line:
    street = contact.street or (place.street if place else "")
    town = contact.city if contact.street else (place.city if place else "")
    return Line(
        contact_id=contact.id,
        name=contact.name,
        kind=contact.kind,
        place=place.name if place else "",
        way=row.way,
        words=_words(row, delivery),
        reason=_reason(row),
        can_change=row.way != "skip" or row.reason not in rules.CANNOT_BE_CHANGED,
        for_all=row.for_all,
        send_on=row.send_on,
        address=", ".join(part for part in (street, town) if part),
    )


def _reason(row: CardRecipient) -> str:
    """On paper the reason is why there is no email."""
    words = rules.reason_words(row.reason) if row.reason else ""
    return f"not by email: {words}" if words and row.way == "print" else words


def _words(row: CardRecipient, delivery: Delivery | None) -> str:
    if delivery is not None and (delivery.step != ledger.STEP or row.way == "skip"):
        words = state_words(delivery.state)
        return f"{words}: {reason_words(delivery.reason)}" if delivery.reason else words
    if row.mailed_on:
        return f"Mailed {row.mailed_on:%b} {row.mailed_on.day}"
    if row.printed_at:
        return "Printed, not mailed yet"
    return rules.WAY_WORDS[row.way]


def results(session: Session, run: CardRun) -> Results:
    """What came of the run so far; opens are not counted."""
    many, planned, printed, mailed = (
        func.count(),
        func.count(CardRecipient.planned_at),
        func.count(CardRecipient.printed_at),
        func.count(CardRecipient.mailed_on),
    )
    ways = {
        row[0]: row[1:]
        for row in session.execute(
            select(CardRecipient.way, many, planned, printed, mailed)
            .where(CardRecipient.run_id == run.id)
            .group_by(CardRecipient.way)
        )
    }
    email, paper = ways.get("email", (0, 0, 0, 0)), ways.get("print", (0, 0, 0, 0))
    states: dict[str, int] = {}
    not_sent: dict[str, int] = {}
    for state, reason, number in session.execute(
        select(Delivery.state, Delivery.reason, func.count())
        .where(Delivery.source == SOURCE, Delivery.source_id == run.id, Delivery.step != ledger.STEP)
        .group_by(Delivery.state, Delivery.reason)
    ):
        states[state] = states.get(state, 0) + number
        if state not in (*REACHED, *ON_ITS_WAY, "unconfirmed"):
            words = reason_words(reason) if reason else state_words(state).lower()
            not_sent[words] = not_sent.get(words, 0) + number
    return Results(
        by_email=email[0],
        sent=sum(states.get(state, 0) for state in REACHED),
        delivered=states.get("delivered", 0) + states.get("complained", 0),
        waiting=email[0] - email[1] + sum(states.get(state, 0) for state in ON_ITS_WAY),
        not_sent=not_sent,
        on_paper=paper[0],
        printed=paper[2],
        mailed=paper[3],
    )
