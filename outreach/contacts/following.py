"""What a person asked for stays with the person: opt-outs follow to another address, also past a time without one."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import consent, timeline
from outreach.contacts.consent import Suppression
from outreach.contacts.timeline import Touch

FOLLOWS_THE_PERSON = ("unsubscribed", "complained", "do-not-contact", "imported")
"""Suppressions that stay with a person who gets a new address; a bounce belongs to the old address."""

_ORIGIN = "suppression:"


def follow(
    session: Session,
    *,
    now: datetime,
    contact_id: int,
    old: str | None,
    new: str | None,
    source: str = "new address",
    by_id: int | None = None,
) -> None:
    """The opt-outs of the address `old` (a keyed hash) hold for `new`; without a new one they wait. Idempotent."""
    if old == new:
        return
    if old is None:
        if new is not None:
            follow_from_timeline(session, now=now, gained={contact_id: new}, source=source, by_id=by_id)
        return
    for stop in consent.suppressed_topics(session, old).values():
        if stop.reason not in FOLLOWS_THE_PERSON:
            continue
        if new is None:
            _remember(session, stop, contact_id, now=now, by_id=by_id)
        else:
            _stop_at(session, new, stop, now=now, source=source, by_id=by_id)


def follow_from_timeline(
    session: Session, *, now: datetime, gained: Mapping[int, str], source: str = "new address", by_id: int | None = None
) -> None:
    """Contacts (by id) that gained an address (its keyed hash) keep the opt-outs their timelines tell of. Idempotent.

    On each topic the latest counts: who came back by their own act at a later address is not stopped by an older one.
    Two queries, whatever the number of contacts.
    """
    if not gained:
        return
    told = select(Touch.contact_id, Touch.origin).where(
        Touch.contact_id.in_(gained), Touch.kind == "unsubscribed", Touch.origin.startswith(_ORIGIN)
    )
    whose = [(row[0], int(str(row[1]).removeprefix(_ORIGIN))) for row in session.execute(told)]
    if not whose:
        return
    known = select(Suppression).where(Suppression.id.in_({stop_id for _, stop_id in whose}))
    stops = {stop.id: stop for stop in session.scalars(known)}
    latest = {(id_, stops[stop_id].topic): stops[stop_id] for id_, stop_id in sorted(whose) if stop_id in stops}
    for (contact_id, _), stop in latest.items():
        if stop.lifted_at is None and stop.reason in FOLLOWS_THE_PERSON:
            _stop_at(session, gained[contact_id], stop, now=now, source=source, by_id=by_id)


def _stop_at(
    session: Session, hashed: str, stop: Suppression, *, now: datetime, source: str, by_id: int | None
) -> None:
    """The new address (its keyed hash) is stopped as the old one was."""
    consent.suppress(session, now=now, hashed=hashed, reason=stop.reason, source=source, topic=stop.topic, by_id=by_id)


def _remember(session: Session, stop: Suppression, contact_id: int, *, now: datetime, by_id: int | None) -> None:
    what = "all mail" if stop.topic == consent.EVERYTHING else consent.TOPIC_LABELS[stop.topic].lower()
    timeline.add(
        session,
        now=now,
        contact_id=contact_id,
        kind="unsubscribed",
        by_id=by_id,
        origin=f"{_ORIGIN}{stop.id}",
        text=f"No more {what}: {stop.reason.replace('-', ' ')} (kept without an address)",
    )
