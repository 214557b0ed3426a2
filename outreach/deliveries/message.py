"""A message that is ready to leave: everything a transport needs, nothing it has to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from outreach.content.segments import Segments


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """An invitation's file. `method` (REQUEST, CANCEL) is the METHOD inside `ics`."""

    method: str
    ics: bytes


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along. `content_type` is bare, without parameters."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, eq=False)
class Letter:
    """What all messages of one revision share, compiled once: messages with the very same `Letter` differ only in
    their values. `segments` by part: subject, html, text."""

    segments: Mapping[str, Segments]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to one person.

    `message_id` is the header's value without angle brackets; `date` is aware. Values are raw text: whoever writes
    the message out cleans and encodes them. `kind` is ours (drip, newsletter, invitation …) and says nothing about
    the person.
    """

    delivery_id: int
    message_id: str
    from_name: str
    from_email: str
    to_name: str
    to_email: str
    reply_to: str | None
    subject: str
    html: str
    text: str
    list_unsubscribe_url: str | None
    list_unsubscribe_mailto: str | None
    list_id: str | None
    one_click: bool
    date: datetime
    calendar: CalendarPart | None
    attachments: tuple[Attachment, ...]
    extra_headers: tuple[tuple[str, str], ...]
    kind: str
    letter: Letter | None = None
    """The shared part that it was merged from, where a way out may merge by itself (personalizations)."""
    values: Mapping[str, str] = field(default_factory=dict)
    """This person's values for `letter`: details, pages, tracked links, groups."""
    return_path: str | None = None
    """Envelope sender of this one message, so that its bounces name it; None for `from_email`. SMTP only."""
