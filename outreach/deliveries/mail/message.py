"""A message that is ready to leave: everything a transport needs, nothing it has to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from outreach.content.segments import Fill, Segments, filler, link_key, wrapped
from outreach.deliveries.mail.letters import Frames


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
    digest: str = ""
    """Of the revision."""
    link_base: str = ""
    """What stands before the token of a tracked link."""
    tracked: frozenset[int] = frozenset()
    """The indexes of the links that are tracked."""

    @cached_property
    def subject(self) -> Fill:
        """The subject from one person's values."""
        return filler(self.segments["subject"])

    @cached_property
    def fixed_subject(self) -> bool:
        """Whether everybody gets the same subject."""
        return all(isinstance(segment, str) for segment in self.segments["subject"])

    @cached_property
    def bodies(self) -> tuple[Fill, Fill]:
        """html and text from one person's values."""
        return filler(self.segments["html"]), filler(self.segments["text"])

    @cached_property
    def frames(self) -> Frames:
        """Both bodies encoded in pieces."""
        return Frames(self.segments, self.link_base, self.tracked)


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
    letter: Letter | None = field(default=None, compare=False)
    """The shared part that it was merged from, where a way out may merge by itself (personalizations)."""
    values: Mapping[str, str] = field(default_factory=dict)
    """This person's values for `letter`: details, pages, tracked links, groups."""
    return_path: str | None = None
    """Envelope sender of this one message, so that its bounces name it; None for `from_email`. SMTP only."""


@dataclass(frozen=True)
class Shared:
    """What the messages of one letter have in common while nothing changes in the house."""

    letter: Letter
    from_name: str
    from_email: str
    reply_to: str | None
    list_id: str | None
    https: bool
    date: datetime
    kind: str
    lines: dict[str, str] = field(default_factory=dict, compare=False)
    """Header lines that `mime` wrote already."""


_set = object.__setattr__


class Merged(OutgoingMessage):
    """A message whose bodies are joined only when somebody asks for them: a mail is built from the letter's pieces.

    `details` are this person's values with their own pages; `number` and `sign` name the delivery in tracked links.
    """

    details: Mapping[str, str]
    number: str
    shared: Shared
    sign: str
    __slots__ = ("details", "number", "shared", "sign")

    def __init__(self, shared: Shared, details: Mapping[str, str], number: str, sign: str, **own: Any) -> None:
        """`own` are the fields of this person alone: numbers, names and addresses."""
        _set(self, "shared", shared)
        _set(self, "details", details)
        _set(self, "number", number)
        _set(self, "sign", sign)
        for name, value in own.items():
            _set(self, name, value)

    letter = property(lambda self: self.shared.letter)
    from_name = property(lambda self: self.shared.from_name)
    from_email = property(lambda self: self.shared.from_email)
    reply_to = property(lambda self: self.shared.reply_to)
    list_id = property(lambda self: self.shared.list_id)
    one_click = property(lambda self: self.shared.https and self.list_unsubscribe_url is not None)
    date = property(lambda self: self.shared.date)
    kind = property(lambda self: self.shared.kind)
    attachments = property(lambda self: ())
    extra_headers = property(lambda self: ())

    @property
    def values(self) -> dict[str, str]:
        letter = self.shared.letter
        base, number, sign = letter.link_base, self.number, self.sign
        return {**self.details, **{link_key(each): f"{base}{number}-{each}-{sign}" for each in sorted(letter.tracked)}}

    @property
    def subject(self) -> str:
        subject = self.shared.letter.subject(self.details)
        return f"[Test] {subject}" if self.shared.kind == "test" else subject

    @property
    def html(self) -> str:
        return self.shared.letter.bodies[0](self.values)

    @property
    def text(self) -> str:
        return wrapped(self.shared.letter.bodies[1](self.values))
