"""Builds the message of one delivery from the kept revision and the merged values: the same bytes whenever asked."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content.models import Message
from outreach.content.rendering import Merger, Rendered, merger
from outreach.content.segments import link_key
from outreach.deliveries import links
from outreach.deliveries.headers import MAX_URI
from outreach.deliveries.house import House
from outreach.deliveries.message import CalendarPart, OutgoingMessage
from outreach.deliveries.models import DeliveryCalendar


class Row(Protocol):
    """The columns of a delivery that its message is built from."""

    id: int
    contact_id: int | None
    message_id: int
    kind: str
    mail_class: str
    audience_class: str
    topic: str
    email: str
    to_name: str
    details: dict[str, str]


@dataclass(frozen=True)
class Revision:
    """A message revision, made ready for merging once."""

    merge: Merger
    links: tuple[str, ...]


def revisions_of(session: Session, message_ids: Collection[int]) -> dict[int, Revision]:
    """The revisions by id; one statement."""
    if not message_ids:
        return {}
    found = session.scalars(select(Message).where(Message.id.in_(message_ids)))
    return {message.id: Revision(merger(message), tuple(message.links)) for message in found}


def calendars_of(session: Session, delivery_ids: Collection[int]) -> dict[int, CalendarPart]:
    """The invitation files of these deliveries; one statement."""
    found = session.scalars(select(DeliveryCalendar).where(DeliveryCalendar.delivery_id.in_(delivery_ids)))
    return {part.delivery_id: CalendarPart(part.method, part.ics) for part in found}


def rendered(row: Row, revision: Revision, *, house: House, key: bytes) -> Rendered:
    """What the person reads, with their own addresses of pages and tracked links."""
    pages = links.own_pages(house.public_url, key, delivery=row.id, contact_id=row.contact_id)
    values = {**links.filled(key, row.details), **pages}
    if row.kind in links.TRACKED_KINDS and row.audience_class not in links.UNTRACKED_CLASSES:
        ours = links.tracked(house.public_url, key, delivery=row.id, links=revision.links)
        values.update({link_key(index): url for index, url in ours.items()})
    return revision.merge(values)


def compose(
    row: Row, revision: Revision, calendar: CalendarPart | None, *, now: datetime, house: House, key: bytes
) -> OutgoingMessage:
    """The message ready to leave. Same row, same revision, same `now`: same message."""
    content = rendered(row, revision, house=house, key=key)
    practice = house.practice
    domain = practice.sender_email.rpartition("@")[2]
    url, mailto = _list_unsubscribe(row, house, key)
    return OutgoingMessage(
        delivery_id=row.id,
        message_id=links.message_id(key, row.id, domain),
        from_name=practice.sender_name or practice.name,
        from_email=practice.sender_email,
        to_name=row.to_name,
        to_email=row.email,
        reply_to=practice.reply_to_email or None,
        subject=f"[Test] {content.subject}" if row.kind == "test" else content.subject,
        html=content.html,
        text=content.text,
        list_unsubscribe_url=url,
        list_unsubscribe_mailto=mailto,
        list_id=f"newsletter.{domain}" if row.kind == "newsletter" else None,
        one_click=url is not None and house.https,
        date=now,
        calendar=calendar,
        attachments=(),
        extra_headers=(),
        kind=row.kind,
        return_path=_return_path(row, house, key),
    )


def digest(message: OutgoingMessage) -> str:
    """The hash that the ledger keeps of what was said."""
    parts: Mapping[str, str] = {"subject": message.subject, "html": message.html, "text": message.text}
    hashed = hashlib.sha256()
    for name, value in parts.items():
        hashed.update(f"{name}:{len(value)}:".encode() + value.encode("utf-8", "replace"))
    return hashed.hexdigest()


def _return_path(row: Row, house: House, key: bytes) -> str | None:
    """Bounces of client mail come back to the sender's own mailbox: ours may be under no agreement."""
    inbound = house.practice.inbound_domain
    return links.bounce_address(key, row.id, inbound) if inbound and row.audience_class != "client" else None


def _list_unsubscribe(row: Row, house: House, key: bytes) -> tuple[str | None, str | None]:
    """The two entries of List-Unsubscribe; one that would be too long to survive the way is left out."""
    if row.contact_id is None or row.mail_class != "commercial":
        return None, None
    url = links.own_pages(house.public_url, key, delivery=row.id, contact_id=row.contact_id)["unsubscribe_url"]
    token = url.rpartition("/")[2]
    # Mail to our inbound address may only be offered to clients where that mailbox is under an agreement.
    inbound = house.practice.inbound_domain if row.audience_class != "client" else ""
    mailto = f"mailto:unsub+{token}@{inbound}" if inbound else ""
    return (
        url if house.public_url and len(url) + 2 <= MAX_URI else None,
        mailto if mailto and len(mailto) + 2 <= MAX_URI else None,
    )
