"""The private calendar feed of one person: the token that opens it, and what stands in it."""

from datetime import date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.events.calendar import FeedEvent, feed
from outreach.events.models import Event
from outreach.practice.models import Practice
from outreach.today import agenda
from outreach.today.agenda import Entry

PURPOSE = "feed"
PAST_DAYS, FUTURE_DAYS = 30, 180
IN_FEED = ("offered", "booked", "confirmed", "took-place", "cancelled")


def open_feed(session: Session, key: bytes, person_id: int) -> str:
    """The person's feed has an address; answers its token. Idempotent until it is closed."""
    return address_of(session, key, person_id) or tokens.issue(session, key, PURPOSE, person_id)


def renew_feed(session: Session, key: bytes, person_id: int) -> str:
    """The old address shows nothing any more; answers the new token."""
    generation = tokens.revoke(session, PURPOSE, person_id)
    return tokens.issue(session, key, PURPOSE, person_id, generation=generation)


def address_of(session: Session, key: bytes, person_id: int) -> str | None:
    """The token of the person's feed, or None when there is none."""
    generation = session.scalar(
        select(tokens.PublicToken.generation).where(
            tokens.PublicToken.purpose == PURPOSE, tokens.PublicToken.subject_id == person_id
        )
    )
    return None if generation is None else tokens.derive(key, PURPOSE, person_id, "", generation)


def feed_of(session: Session, person_id: int, *, today: date, zone: ZoneInfo) -> tuple[bytes, datetime]:
    """The calendar file of this person, and when something in it last changed. The same facts give the same bytes."""
    practice = session.scalars(select(Practice)).one()
    host = urlsplit(practice.public_url).hostname or "outreach.invalid"
    first, last = today - timedelta(days=PAST_DAYS), today + timedelta(days=FUTURE_DAYS)
    found = [*_events(session, first, last, host)]
    for entry in (*agenda.tasks(session, first, last, owner_id=person_id), *agenda.issues(session, first, last)):
        found.append(_entry(entry, host))
    changed_at = max((one.changed_at for one in found), default=practice.created_at)
    return feed(f"{practice.name}: Outreach", f"person-{person_id}@{host}", found), changed_at


def _events(session: Session, first: date, last: date, host: str) -> list[FeedEvent]:
    rows = session.scalars(select(Event).where(Event.starts_on.between(first, last), Event.status.in_(IN_FEED)))
    return [
        FeedEvent(
            uid=f"event-{event.id}@{host}",
            changed_at=event.updated_at,
            starts=event.starts_at,
            ends=event.ends_at,
            summary=event.title,
            location=event.place,
            sequence=event.sequence,
            cancelled=event.status == "cancelled",
        )
        for event in rows
        if event.starts_at is not None and event.ends_at is not None
    ]


def _entry(entry: Entry, host: str) -> FeedEvent:
    title = f"{entry.title}: {entry.sub}" if entry.sub and entry.kind == "task" else entry.title
    timed = entry.at is not None
    return FeedEvent(
        uid=f"{entry.kind}-{entry.id}@{host}",
        changed_at=entry.changed_at or datetime.min.replace(tzinfo=ZoneInfo("UTC")),
        starts=entry.at if timed and entry.at is not None else entry.on,
        ends=entry.at + timedelta(minutes=30) if entry.at is not None else entry.on + timedelta(days=1),
        summary=title if entry.kind == "task" else f"Goes out: {title}",
    )
