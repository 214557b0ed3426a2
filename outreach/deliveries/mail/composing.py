"""Builds the message of one delivery from the kept revision and the merged values: the same bytes whenever asked."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content.models import Message
from outreach.content.rendering import Rendered
from outreach.content.segments import Segments
from outreach.deliveries import links
from outreach.deliveries.house import House
from outreach.deliveries.links import Signs
from outreach.deliveries.mail.headers import MAX_URI
from outreach.deliveries.mail.hidden_link import with_hidden_link
from outreach.deliveries.mail.message import CalendarPart, Letter, Merged, OutgoingMessage, Shared
from outreach.deliveries.models import DeliveryCalendar
from outreach.deliveries.sets import is_one_of

ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)
"""The bodies say nothing about the day of sending."""


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
    details: dict[str, str] | None


@dataclass(frozen=True)
class Revision:
    """A message revision, made ready for merging: one letter per way in which its links may stand."""

    digest: str
    segments: Mapping[str, Segments]
    links: tuple[str, ...]
    details: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    letters: dict[tuple[str, bool], Letter] = field(default_factory=dict, compare=False)

    def letter(self, public_url: str, *, tracked: bool) -> Letter:
        """The compiled letter; its links are tracked or lead straight to where they point."""
        key = (public_url, tracked)
        if key not in self.letters:
            indexes = links.tracked_indexes(public_url, self.links) if tracked else frozenset()
            segments = self.segments
            if indexes:
                segments = {**segments, "html": with_hidden_link(segments["html"])}
                indexes |= {links.HIDDEN_LINK}
            self.letters[key] = Letter(segments, self.digest, f"{public_url}/l/", indexes)
        return self.letters[key]


def revisions_of(session: Session, message_ids: Collection[int]) -> dict[int, Revision]:
    """The revisions by id; one statement."""
    if not message_ids:
        return {}
    found = session.scalars(select(Message).where(Message.id.in_(message_ids)))
    return {
        message.id: Revision(
            message.digest, message.segments, tuple(message.links), tuple(message.details), tuple(message.groups)
        )
        for message in found
    }


def calendars_of(session: Session, delivery_ids: Collection[int]) -> dict[int, CalendarPart]:
    """The invitation files of these deliveries; one statement."""
    asked = is_one_of(session, DeliveryCalendar.delivery_id, delivery_ids)
    found = session.scalars(select(DeliveryCalendar).where(asked))
    return {part.delivery_id: CalendarPart(part.method, part.ics) for part in found}


def rendered(row: Row, revision: Revision, *, house: House, key: bytes) -> Rendered:
    """What the person reads, with their own addresses of pages and tracked links."""
    message = compose(row, revision, None, now=ANY_DAY, house=house, key=key)
    return Rendered(message.subject, message.html, message.text)


def compose(
    row: Row,
    revision: Revision,
    calendar: CalendarPart | None,
    *,
    now: datetime,
    house: House,
    key: bytes,
    details: Mapping[str, str] | None = None,
) -> Merged:
    """The message ready to leave. Same row, same revision, same `now`: same message.

    `details` stand in for those of a row that has none yet (`merging.details_of`).
    """
    return composer(row, revision, now=now, house=house, key=key, details=details)(row, calendar)


Compose = Callable[[Row, CalendarPart | None], Merged]


def composer(
    row: Row,
    revision: Revision,
    *,
    now: datetime,
    house: House,
    key: bytes,
    details: Mapping[str, str] | None = None,
) -> Compose:
    """A function that composes messages like that of `row`: of its revision, kind and way of tracking (`likeness`)."""
    practice, shared = house.practice, _shared(row, revision, now=now, house=house)
    domain, public_url = practice.sender_email.rpartition("@")[2], house.public_url
    to_pass_on = "friend_url" in revision.details

    def composed(row: Row, calendar: CalendarPart | None) -> Merged:
        signs = links.signs(key, row.id)
        pages = links.own_pages(public_url, key, short=signs.number, contact_id=row.contact_id)
        if to_pass_on:
            pages["friend_url"] = links.friend_page(public_url, key, row.contact_id or 0)
        url, mailto = _list_unsubscribe(row, pages["unsubscribe_url"], house)
        return Merged(
            shared,
            {**links.filled(key, details or row.details or {}), **pages},
            signs.number,
            signs.link,
            delivery_id=row.id,
            message_id=f"{signs.number}.{signs.message}@{domain}",
            to_name=row.to_name,
            to_email=row.email,
            list_unsubscribe_url=url,
            list_unsubscribe_mailto=mailto,
            calendar=calendar,
            return_path=_return_path(row, house, signs),
        )

    return composed


def likeness(row: Row) -> tuple[int, str, bool, bool]:
    """Rows with the same one share a `composer`."""
    return row.message_id, row.kind, _is_tracked(row), row.audience_class == "client"


def _is_tracked(row: Row) -> bool:
    return row.kind in links.TRACKED_KINDS and row.audience_class not in links.UNTRACKED_CLASSES


def _shared(row: Row, revision: Revision, *, now: datetime, house: House) -> Shared:
    practice = house.practice
    return Shared(
        letter=revision.letter(house.public_url, tracked=_is_tracked(row)),
        from_name=practice.sender_name or practice.name,
        from_email=practice.sender_email,
        reply_to=practice.reply_to_email or None if _may_answer(row, house) else None,
        list_id=f"newsletter.{practice.sender_email.rpartition('@')[2]}" if row.kind == "newsletter" else None,
        https=house.https,
        date=now,
        kind=row.kind,
    )


def digest(message: OutgoingMessage) -> str:
    """The hash that the ledger keeps of what was said: of the revision's own digest and the values merged into it.

    Everything else in the mail follows from the delivery's number, the practice and the key.
    """
    revision = message.letter.digest if message.letter else ""
    values = message.details if isinstance(message, Merged) else {"html": message.html, "text": message.text}
    said = "\n".join([f"{name}={value}" for name, value in sorted(values.items())])
    return hashlib.sha256(f"{revision}\n{said}".encode("utf-8", "replace")).hexdigest()


def _return_path(row: Row, house: House, signs: Signs) -> str | None:
    """Without one, bounces come back to the sender's own mailbox."""
    inbound = house.practice.inbound_domain
    return links.bounce_address(signs, inbound) if inbound and _may_answer(row, house) else None


def _may_answer(row: Row, house: House) -> bool:
    """Whether our incoming mailbox may be offered: to clients only where it is under an agreement."""
    return row.audience_class != "client" or house.inbound_agreed


def _list_unsubscribe(row: Row, url: str, house: House) -> tuple[str | None, str | None]:
    """The two entries of List-Unsubscribe; one that would be too long to survive the way is left out."""
    if row.contact_id is None or row.mail_class != "commercial":
        return None, None
    inbound = house.practice.inbound_domain if _may_answer(row, house) else ""
    mailto = f"mailto:unsub+{url.rpartition('/')[2]}@{inbound}" if inbound else ""
    return (
        url if house.public_url and len(url) + 2 <= MAX_URI else None,
        mailto if mailto and len(mailto) + 2 <= MAX_URI else None,
    )
