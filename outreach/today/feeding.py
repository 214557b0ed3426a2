"""The private calendar feeds, one per person and one of the practice: the token that opens each, and what is in it.

A token that was replaced or closed stays known as closed, so that its address never comes to life again.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.events.calendar import FeedEvent, feed
from outreach.events.models import Event
from outreach.practice.models import Practice
from outreach.today import agenda
from outreach.today.agenda import Entry
from outreach.today.planning import midnight
from outreach.tokens import PublicToken

PURPOSE, CLOSED = "feed", "closed"
OF_PRACTICE = 0
"""Whose feed it is: the id of a person, or this."""
PAST_DAYS, FUTURE_DAYS = 30, 180
IN_FEED = ("offered", "booked", "confirmed", "took-place", "cancelled")
ISSUE_LASTS = timedelta(minutes=30)


def open_feed(session: Session, key: bytes, whose: int) -> str:
    """This feed has an address; answers its token. Idempotent until it is closed."""
    known = address_of(session, key, whose)
    return known or tokens.issue(session, key, PURPOSE, whose, generation=_next_generation(session, whose))


def renew_feed(session: Session, key: bytes, whose: int) -> str:
    """The old address shows nothing any more; answers the new token."""
    close_feed(session, whose)
    return open_feed(session, key, whose)


def close_feed(session: Session, whose: int) -> None:
    """No address shows this feed any more. Idempotent."""
    session.execute(update(PublicToken).where(_of(whose), PublicToken.topic == "").values(topic=CLOSED))


def address_of(session: Session, key: bytes, whose: int) -> str | None:
    """The token of this feed, or None when it is not open."""
    generation = session.scalar(select(func.max(PublicToken.generation)).where(_of(whose), PublicToken.topic == ""))
    return None if generation is None else tokens.derive(key, PURPOSE, whose, "", generation)


def feed_of(session: Session, whose: int, *, today: date, zone: ZoneInfo) -> tuple[bytes, datetime]:
    """The calendar file, and when something in it last changed. The same facts give the same bytes."""
    practice = session.scalars(select(Practice)).one()
    first, last = today - timedelta(days=PAST_DAYS), today + timedelta(days=FUTURE_DAYS)
    everybody = whose == OF_PRACTICE
    days = [
        *agenda.quiet_days(session, first, last),
        *agenda.away(session, first, last, zone=zone),
        *(one for one in agenda.sends(session, first, last, zone=zone) if not one.held),
        *agenda.tasks(session, first, last, owner_id=None if everybody else whose),
    ]
    found = [*_events(session, practice, first, last), *_entries(practice, days, zone, named=everybody)]
    changed_at = max((one.changed_at for one in found), default=practice.created_at)
    own = "practice" if everybody else f"person-{whose}"
    name = f"{practice.name}: {'everything' if everybody else 'Outreach'}"
    return feed(name, f"{own}@{_host(practice)}", found), changed_at


def month_file(session: Session, entries: Iterable[Entry], first: date, last: date, *, zone: ZoneInfo) -> bytes:
    """A calendar file of these days to take away: `entries`, whose events are looked up again with their hours."""
    practice = session.scalars(select(Practice)).one()
    kept = list(entries)
    events = {one.id for one in kept if one.kind == "event"}
    found = [one for one in _events(session, practice, first, last, events) if not one.cancelled]
    found += _entries(practice, (one for one in kept if one.kind != "event" and not one.held), zone, named=True)
    return feed(f"{practice.name}: {first:%B %Y}", f"month-{first:%Y-%m}@{_host(practice)}", found)


def _of(whose: int) -> ColumnElement[bool]:
    return and_(PublicToken.purpose == PURPOSE, PublicToken.subject_id == whose)


def _next_generation(session: Session, whose: int) -> int:
    last = session.scalar(select(func.max(PublicToken.generation)).where(_of(whose)))
    return 0 if last is None else last + 1


def _host(practice: Practice) -> str:
    return urlsplit(practice.public_url).hostname or "outreach.invalid"


def _link(practice: Practice, path: str) -> str:
    base = practice.public_url.rstrip("/")
    return f"{base}{path}" if base.startswith("https://") and path else ""


def _events(
    session: Session, practice: Practice, first: date, last: date, wanted: set[int] | None = None
) -> list[FeedEvent]:
    rows = session.scalars(select(Event).where(Event.starts_on.between(first, last), Event.status.in_(IN_FEED)))
    return [
        FeedEvent(
            uid=f"event-{event.id}@{_host(practice)}",
            changed_at=event.updated_at,
            starts=event.starts_at,
            ends=event.ends_at,
            summary=event.title,
            location=event.place,
            sequence=event.sequence,
            url=_link(practice, f"/events/{event.id}"),
            cancelled=event.status == "cancelled",
        )
        for event in rows
        if event.starts_at is not None and event.ends_at is not None and (wanted is None or event.id in wanted)
    ]


def _entries(practice: Practice, entries: Iterable[Entry], zone: ZoneInfo, *, named: bool) -> list[FeedEvent]:
    """What is no event, as whole days, issues with their hour. `named`: duties say whose they are."""
    return [
        FeedEvent(
            uid=f"{_identity(entry)}@{_host(practice)}",
            changed_at=entry.changed_at or midnight(entry.on, zone),
            starts=entry.at or entry.on,
            ends=entry.at + ISSUE_LASTS if entry.at else (entry.until_on or entry.on) + timedelta(days=1),
            summary=_summary(entry, named=named),
            url=_link(practice, entry.href),
        )
        for entry in entries
    ]


def _identity(entry: Entry) -> str:
    if entry.counted:
        return f"mail-{entry.source}-{entry.id}-{entry.on:%Y%m%d}"
    if entry.kind == "quiet":
        return f"quiet-{entry.on:%Y%m%d}"
    return f"{entry.source or entry.kind}-{entry.id}"


def _summary(entry: Entry, *, named: bool) -> str:
    if entry.kind == "send":
        return f"Goes out: {entry.title}" + (f", {entry.sub}" if entry.counted else "")
    if entry.kind != "task":
        return f"{entry.title} (no sends)" if entry.kind == "quiet" else entry.title
    about = f"{entry.title}: {entry.sub}" if entry.sub else entry.title
    return f"{about} ({entry.owner})" if named and entry.owner else about
