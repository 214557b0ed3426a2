"""Cards on paper in the delivery ledger: claimed while they are printed, sending once mailed, sent when Undo is over.

They pass the fence of every delivery twice: when they are printed, and once more when they are mailed. Everybody is
equal in it: nothing here reads a standing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.orm import Session

from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts.models import Contact
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import gates, planning
from outreach.deliveries.house import House
from outreach.deliveries.models import LEDGER, Attempt, builder
from outreach.deliveries.planning import Plan
from outreach.deliveries.rules import PRINT
from outreach.deliveries.sets import is_one_of

C = LEDGER.c
SOURCE, KIND, STEP = "card", "card", "paper"
LEASE = timedelta(days=400)
"""A printed card stays printed: it never goes back to wait for somebody else's sheet."""
UNDO_FOR = timedelta(minutes=10)
"""So long "mailed" can be taken back; after that it is a fact of the ledger, which only moves forward."""
FREE = {"token": None, "lease_until_at": None}
NOT_ASKED = "no-permission"
"""A card by post needs no recorded yes (45 CFR 164.501: the practice's own greeting); a recorded no stops it. Who said
no is asked by the list itself, of everybody."""


def print_out(session: Session, run: CardRun, contact_ids: Sequence[int], *, now: datetime, house: House) -> set[int]:
    """These people have their row, on the sheet (claimed); answers who may get a card. Idempotent until it is mailed.

    Whoever meets a closed gate has the reason in the ledger and is not answered.
    """
    _enter(session, run, contact_ids, now=now, house=house)
    mine = (*_rows(run), is_one_of(session, C.contact_id, contact_ids))
    _stop(session, (*mine, C.state.in_(("scheduled", "claimed"))), now=now, house=house)
    session.execute(
        update(LEDGER)
        .where(*mine, C.state == "scheduled")
        .values(state="claimed", reason="", token=_token(run), lease_until_at=now + LEASE, updated_at=now)
    )
    return set(session.scalars(select(C.contact_id).where(*mine, C.state == "claimed")))


def mail(session: Session, run: CardRun, contact_ids: Sequence[int], *, now: datetime, house: House) -> set[int]:
    """Printed cards of these people are on their way (sending); answers whose. Gates are asked once more."""
    mine = (*_rows(run), is_one_of(session, C.contact_id, contact_ids), C.state == "claimed")
    _stop(session, mine, now=now, house=house)
    gone = session.execute(
        update(LEDGER)
        .where(*mine)
        .values(state="sending", attempts=C.attempts + 1, first_attempt_at=now, fenced_at=now, updated_at=now)
        .returning(C.contact_id)
    )
    return set(gone.scalars())


def take_back(session: Session, run: CardRun, *, now: datetime) -> set[int]:
    """It was a slip: the cards of the last mailing are on the sheet again, until its Undo is over; answers whose.

    Cards that were mailed before it stay mailed. Idempotent: pressed twice it takes nothing else back.
    """
    last = session.scalar(select(func.max(C.fenced_at)).where(*_rows(run)))
    mine = (*_rows(run), C.state == "sending", C.fenced_at == last, C.fenced_at > now - UNDO_FOR)
    back = set(session.scalars(select(C.contact_id).where(*mine)))
    session.execute(update(LEDGER).where(*mine).values(state="scheduled", updated_at=now, **FREE))
    again = {"state": "claimed", "token": _token(run), "lease_until_at": now + LEASE}
    session.execute(update(LEDGER).where(*_rows(run), C.state == "scheduled").values(**again))
    return back


def settle(session: Session, *, now: datetime, house: House) -> int:
    """Cards whose time for Undo is over are sent; answers how many. Idempotent."""
    rows = session.execute(
        select(C.id, C.source_id, C.attempts, C.fenced_at, CardRecipient.mailed_on)
        .join(CardRecipient, (CardRecipient.run_id == C.source_id) & (CardRecipient.contact_id == C.contact_id))
        .where(C.state == "sending", C.transport == PRINT, C.source == SOURCE, C.fenced_at <= now - UNDO_FOR)
    ).all()
    if not rows:
        return 0
    for row in rows:
        noon = datetime.combine(row.mailed_on or house.today, time(12), house.zone).astimezone(now.tzinfo)
        sent = {"state": "sent", "reason": "", "sent_at": min(noon, now), "updated_at": now, **FREE}
        session.execute(update(LEDGER).where(C.id == row.id, C.state == "sending").values(**sent))
    session.execute(
        insert(Attempt),
        [
            {
                "delivery_id": row.id,
                "number": row.attempts,
                "transport": PRINT,
                "started_at": row.fenced_at,
                "finished_at": now,
                "outcome": "accepted",
                "text": f"Card by post, mailed on {row.mailed_on}.",
            }
            for row in rows
        ],
    )
    return len(rows)


def _enter(session: Session, run: CardRun, contact_ids: Iterable[int], *, now: datetime, house: House) -> None:
    """The rows of people who have none yet; at nobody's address, because paper goes to none."""
    assert run.paper_message_id is not None  # kept at approval when there is a card to print
    plan = Plan(
        message=session.execute(planning.message_row(run.paper_message_id)).one(),
        kind=MESSAGE_KINDS[KIND],
        source=SOURCE,
        source_id=run.id,
        step=STEP,
        occurrence=str(run.year),
        not_before_at=now,
    )
    people = session.scalars(select(Contact).where(is_one_of(session, Contact.id.expression, list(contact_ids))))
    rows: list[dict[str, Any]] = [
        {
            **planning.shared(plan, now=now),
            "contact_id": contact.id,
            "audience_class": contact.audience_class,
            "email": "",
            "to_name": contact.name[:200],
            "address_hash": None,
            "details": {},
            "priority": planning.EQUAL_PRIORITY,
            "zone": house.zone.key,
            **planning.on_paper(now),
        }
        for contact in people
    ]
    if rows:
        session.execute(builder(session)(LEDGER).on_conflict_do_nothing(), rows)


def _stop(session: Session, which: Sequence[ColumnElement[bool]], *, now: datetime, house: House) -> None:
    closed = tuple(
        gate
        for gate in gates.lasting(now=now, today=house.today, ways=house.ways)
        if getattr(gate.reason, "value", "") != NOT_ASKED
    )
    state, reason = gates.verdict(closed)
    stopped = {"state": state, "reason": reason, "updated_at": now, **FREE}
    session.execute(update(LEDGER).where(*which, gates.any_closed(closed)).values(stopped))


def _rows(run: CardRun) -> tuple[ColumnElement[bool], ...]:
    return C.source == SOURCE, C.source_id == run.id, C.step == STEP


def _token(run: CardRun) -> str:
    return f"cards-{run.id}"
