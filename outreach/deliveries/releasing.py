"""Looks again at what is held for a reason that may be gone: a transport came, a story was signed, …"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.content.models import Message
from outreach.deliveries import claiming, planning, stopping, telling
from outreach.deliveries.addressed import to_address
from outreach.deliveries.house import House, house_of
from outreach.deliveries.models import LEDGER, NEEDS_A_LOOK
from outreach.deliveries.paper.paper_models import PaperSource
from outreach.deliveries.rules import PRINT
from outreach.screen import World

C = LEDGER.c
LOOKED_AT_AGAIN = (
    "no-transport",
    "no-allowed-transport",
    "no-authorization",
    "contact-changed",
    "never-open",
    "unknown-zone",
)
REST = timedelta(minutes=1)
"""A row that stays held is looked at once in so long."""


def release(session: Session, *, now: datetime, world: World, limit: int = 500, rest: timedelta = REST) -> int:
    """Held deliveries are stamped anew with the contact's present class, address and transport; those that may leave
    are scheduled, the others keep a reason. Where letters are allowed, whom no transport may reach gets one.
    Answers how many were looked at. Idempotent, constant statements but for letters.

    A message that was not kept for the contact's present class stays held: its details and its stories were allowed
    for other readers.
    """
    rows = session.execute(
        select(
            C.id,
            C.kind,
            C.zone,
            C.local_minute,
            C.not_before_at,
            C.source,
            C.source_id,
            C.step,
            C.occurrence,
            C.transport,
            C.audience_class,
            C.email,
            C.address_hash,
            Message.audiences,
            Contact.audience_class.label("present_class"),
            Contact.email.label("present_email"),
            Contact.address_hash.label("present_hash"),
        )
        .join(Message, Message.id == C.message_id)
        .outerjoin(Contact, Contact.id == C.contact_id)
        .where(
            text(f"delivery.{NEEDS_A_LOOK}"),
            C.state == "held",
            C.reason.in_(LOOKED_AT_AGAIN),
            C.updated_at <= now - rest,
        )
        .order_by(C.updated_at, C.id)
        .limit(limit)
    ).all()
    if not rows:
        return 0
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    allowed = _on_paper(session, rows)
    promised: set[tuple[Any, ...]] = set()
    stamped = [_stamped(session, row, house, allowed=allowed, promised=promised) for row in rows]
    session.connection().execute(_stamp(now), stamped)
    letters = {each["row_id"] for each in stamped if each["way"] == PRINT}
    claiming.plan_rows(session, [row for row in rows if row.id not in letters], now=now, house=house)
    for row in rows:
        if row.id in letters:
            at = planning.on_paper(max(row.not_before_at, now))
            session.execute(update(LEDGER).where(C.id == row.id, C.state == "scheduled").values(at))
    stopped = stopping.stop_what_may_not_leave(session, [row.id for row in rows], now=now, house=house)
    telling.not_sent(session, stopped, now=now)
    return len(rows)


def _stamp(now: datetime) -> Any:
    return (
        update(LEDGER)
        .where(C.id == bindparam("row_id"), C.state == "held")
        .values(
            state="scheduled",
            reason="",
            audience_class=bindparam("present_class"),
            email=bindparam("present_email"),
            address_hash=bindparam("present_hash"),
            transport=bindparam("way"),
            updated_at=now,
        )
    )


def _on_paper(session: Session, rows: Sequence[Any]) -> set[tuple[str, int]]:
    """Of the sources of these rows, those whose people may get a letter."""
    sources = {(row.source, row.source_id) for row in rows}
    found = session.execute(
        select(PaperSource.source, PaperSource.source_id).where(
            PaperSource.source.in_({source for source, _ in sources}),
            PaperSource.source_id.in_({source_id for _, source_id in sources}),
        )
    )
    return sources & {(row.source, row.source_id) for row in found}


def _stamped(
    session: Session,
    row: Any,
    house: House,
    *,
    allowed: Collection[tuple[str, int]],
    promised: set[tuple[Any, ...]],
) -> dict[str, Any]:
    """`promised` are the addresses that rows before this one get in each step: of two who share one now, one has it."""
    audience = row.present_class if row.present_class in row.audiences else row.audience_class
    email, hashed = row.email, row.address_hash
    place = (row.present_hash, row.source, row.source_id, row.step, row.occurrence)
    if row.present_hash and row.present_hash != hashed and place not in promised and not _taken(session, row):
        email, hashed = row.present_email, row.present_hash
        promised.add(place)
    way = house.transport_for(row.kind, audience)
    may_be_paper = row.transport == PRINT or (row.source, row.source_id) in allowed
    return {
        "row_id": row.id,
        "present_class": audience,
        "present_email": email,
        "present_hash": hashed,
        "way": PRINT if way is None and audience == "client" and may_be_paper else way,
    }


def _taken(session: Session, row: Any) -> bool:
    """Whether somebody else with that address has this step already: then this row stays with its old one, held."""
    same = (C.source == row.source, C.source_id == row.source_id, C.step == row.step, C.occurrence == row.occurrence)
    found: Sequence[int] = session.scalars(select(C.id).where(*same, to_address(row.present_hash))).all()
    return any(each != row.id for each in found)
