"""Stops what may not leave, with a named reason, by the same gates that the fence uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, text, update
from sqlalchemy.orm import Session

from outreach.deliveries import gates
from outreach.deliveries.house import House
from outreach.deliveries.models import IS_WAITING, LEDGER, Delivery


@dataclass(frozen=True, slots=True)
class Stopped:
    """A delivery that a gate stopped."""

    id: int
    contact_id: int | None
    message_id: int
    state: str
    reason: str


def stop_what_may_not_leave(session: Session, ids: Sequence[int], *, now: datetime, house: House) -> list[Stopped]:
    """Of these waiting deliveries, those that meet a lasting "no" carry its state and reason; one statement."""
    return _stop(session, Delivery.id.in_(ids), now=now, house=house) if ids else []


def stop_new_rows(
    session: Session, key: Mapping[str, Any], after_id: int, *, now: datetime, house: House
) -> list[Stopped]:
    """The same for all rows of one plan (`Plan.key`) that were made after that one; one statement."""
    fresh = and_(Delivery.id > after_id, *(LEDGER.c[name] == value for name, value in key.items()))
    return _stop(session, fresh, now=now, house=house)


def _stop(session: Session, which: ColumnElement[bool], *, now: datetime, house: House) -> list[Stopped]:
    closed = gates.lasting(now=now, today=house.today, ways=house.ways)
    state, reason = gates.verdict(closed)
    found = session.execute(
        update(LEDGER)
        .where(which, text(IS_WAITING), gates.any_closed(closed))
        .values(state=state, reason=reason, updated_at=now)
        .returning(*returned())
    )
    return [Stopped(*row) for row in found]


def hold_whole_messages(session: Session, message_ids: Sequence[int], *, now: datetime, house: House) -> int:
    """Nobody gets a message whose story is not live: all its waiting deliveries are held; answers how many."""
    if not message_ids:
        return 0
    held = session.execute(
        update(LEDGER)
        .where(and_(Delivery.message_id.in_(message_ids), text(IS_WAITING), gates.story_not_live(house.today)))
        .values(state="held", reason="no-authorization", updated_at=now)
        .returning(LEDGER.c.id)
    )
    return len(held.all())


def returned() -> tuple[Column[Any], ...]:
    """The columns of a `Stopped`, in its order."""
    columns = LEDGER.c
    return columns.id, columns.contact_id, columns.message_id, columns.state, columns.reason
