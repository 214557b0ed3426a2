"""Ways out by which nothing leaves for now, in words for those who wonder why their mail waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from outreach.deliveries.models import IS_WAITING, Delivery, TransportState
from outreach.deliveries.ways.throttle_rules import FIRST_REST
from outreach.deliveries.ways.transport_models import TransportThrottle
from outreach.deliveries.words import way_words

LOST = "The last emails did not get through. Everything is kept, and one email tries it again by itself."
BUSY = "The other side asked us to wait. Everything is kept and leaves by itself."


@dataclass(frozen=True)
class Trouble:
    """One way out that carries nothing now, though mail waits for it."""

    name: str
    label: str
    why: str
    paused: bool
    """Whether it waits for a person; otherwise it is tried again by itself."""
    until_at: datetime | None
    """When it is tried again, where that is known."""
    lasting: bool
    """Whether it failed when it was tried again too."""


def in_trouble(session: Session, *, now: datetime) -> list[Trouble]:
    """The ways out that are paused or rest while mail waits for them, by name. One statement, one more per such way."""
    rests = (TransportState.not_before_at > now, TransportThrottle.breaker != "closed")
    rows = session.execute(
        select(TransportState, TransportThrottle)
        .outerjoin(TransportThrottle, TransportThrottle.name == TransportState.name)
        .where(or_(TransportState.paused_at.is_not(None), *rests))
        .order_by(TransportState.name)
    )
    return [_told(state, throttle, now) for state, throttle in rows.all() if _is_waited_for(session, state.name)]


def _is_waited_for(session: Session, name: str) -> bool:
    waits = select(Delivery.id).where(text(f"delivery.{IS_WAITING}"), Delivery.transport == name).limit(1)
    return session.scalar(waits) is not None


def _told(state: TransportState, throttle: TransportThrottle | None, now: datetime) -> Trouble:
    paused = state.paused_at is not None
    breaks = throttle is not None and throttle.breaker != "closed"
    coming = state.not_before_at if state.not_before_at and state.not_before_at > now else None
    return Trouble(
        name=state.name,
        label=way_words(state.name),
        why=state.paused_why if paused else LOST if breaks else BUSY,
        paused=paused,
        until_at=None if paused else coming,
        lasting=throttle is not None and breaks and timedelta(seconds=throttle.rest_seconds) > FIRST_REST,
    )
