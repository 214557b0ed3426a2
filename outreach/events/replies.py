"""Reading what a calendar program answers to an invitation (iTIP REPLY, RFC 5546 section 3.2.3, over mail, RFC 6047).

Nothing here is trusted: a reply is a claim by mail, and may change an answer, nothing else.
"""

import email.message
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import getaddresses
from typing import Any, Literal

from icalendar import Calendar, Event

from outreach.errors import Refusal

MAX_BYTES = 256 * 1024
"""Twenty thousand ATTENDEE lines (820 kB) kept the parser busy for a second; a real reply has 1 to 4 kB."""
MAX_COMMENT = 2000
MAX_GUESTS = 99
ANSWERS: dict[str, "Answer"] = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
CALENDAR_TYPES = ("text/calendar", "application/ics")
RECIPIENT_HEADERS = ("delivered-to", "x-original-to", "x-envelope-to", "envelope-to", "to", "cc")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
TOKEN_ADDRESS = re.compile(r"rsvp\+([A-Za-z0-9_-]{8,128})@", re.IGNORECASE)

Answer = Literal["accepted", "declined", "tentative"]
Reason = Literal[
    "auto-reply", "no-calendar", "too-large", "truncated", "unreadable", "not-a-reply", "no-uid", "no-attendee"
]

TEXTS: dict[Reason, str] = {
    "auto-reply": "An automatic answer without a calendar part.",
    "no-calendar": "The mail holds no calendar part.",
    "too-large": "The calendar part is larger than 256 kB.",
    "truncated": "The calendar part ends in the middle.",
    "unreadable": "The calendar part cannot be read.",
    "not-a-reply": "The calendar part is not an answer to an invitation.",
    "no-uid": "The answer does not name the invitation that it belongs to.",
    "no-attendee": "The answer does not say which one person it is from.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as it came. Match by a token, then `uid`, then `attendee` (lower case); see `needs_person`.

    `tokens` come from the recipient addresses, then from ORGANIZER (some gateways lower-case the recipient, so the
    first may be unknown and the next one right). `sequence` and `stamped_at` (UTC) are None where left out.
    """

    tokens: tuple[str, ...]
    uid: str
    attendee: str
    sender: str
    method: str
    partstat: str
    sequence: int | None
    stamped_at: datetime | None
    comment: str
    extra_guests: int
    organizer: str

    @property
    def token(self) -> str | None:
        """The likeliest token."""
        return self.tokens[0] if self.tokens else None

    @property
    def answer(self) -> Answer | None:
        """What was answered, or None where only a person can tell (delegated, another time proposed)."""
        return ANSWERS.get(self.partstat) if self.method == "REPLY" else None

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to read this answer."""
        return self.answer is None


def parse_reply(raw: bytes, *, envelope_to: Sequence[str] = ()) -> Reply | Refusal:
    """The answer inside a raw mail, or in a bare calendar file; a Refusal named by `Reason` when there is none.

    `envelope_to` are the addresses of the SMTP envelope, the surest place of the token. Never raises.
    """
    try:
        return _parse(raw, envelope_to)
    except Exception:
        # The border: whatever hostile bytes do to two parsers, the mail stays stored and a person can look at it.
        return _refuse("unreadable")


def stale_reason(reply: Reply, *, sequence: int, stamped_at: datetime | None) -> str | None:
    """Why an answer is out of date against the invitation's `sequence` and the last answer's stamp, or None."""
    if reply.sequence is not None and reply.sequence < sequence:
        return "answers-earlier-version"
    if stamped_at is not None and reply.stamped_at is not None and reply.stamped_at < stamped_at:
        return "older-than-known-answer"
    return None


def _parse(raw: bytes, envelope_to: Sequence[str]) -> Reply | Refusal:
    if _is_calendar(raw):
        return _from_calendars([raw], list(envelope_to), sender="")
    mail = message_from_bytes(raw, policy=policy.compat32)
    headers = [str(value) for name in RECIPIENT_HEADERS for value in mail.get_all(name, [])]
    recipients = [*envelope_to, *_addresses(headers)]
    parts = [_decoded(part) for part in _own_parts(mail) if part.get_content_type() in CALENDAR_TYPES]
    if not parts:
        automatic = str(mail.get("auto-submitted", "no")).strip().lower() != "no"
        return _refuse("auto-reply" if automatic else "no-calendar")
    sender = next(iter(_addresses([str(mail.get("from", ""))])), "")
    return _from_calendars(parts, recipients, sender)


def _from_calendars(parts: list[bytes], recipients: list[str], sender: str) -> Reply | Refusal:
    """The first part that is a reply; mails often carry the same file twice. Else why the first one is not."""
    results = [_from_calendar(part, recipients, sender) for part in parts[:4]]
    return next((result for result in results if isinstance(result, Reply)), results[0])


def _from_calendar(part: bytes, recipients: list[str], sender: str) -> Reply | Refusal:
    if len(part) > MAX_BYTES:
        return _refuse("too-large")
    text = _unicode(part).strip()
    if not text.upper().endswith("END:VCALENDAR"):
        return _refuse("truncated" if "BEGIN:VCALENDAR" in text.upper() else "unreadable")
    try:
        calendar = Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        return _refuse("unreadable")
    method = str(calendar.get("method", "")).strip().upper()
    events = calendar.events
    if method not in {"REPLY", "COUNTER"} or not events:
        return _refuse("not-a-reply")
    return _reply(events[0], method, recipients, sender)


def _reply(event: Event, method: str, recipients: list[str], sender: str) -> Reply | Refusal:
    uid = _line(event.get("uid", ""))
    if not uid:
        return _refuse("no-uid")
    attendee = _the_attendee(event, sender)
    if attendee is None:
        return _refuse("no-attendee")
    parameters = attendee.params
    return Reply(
        tokens=_tokens([*recipients, _cased(event.get("organizer", ""))]),
        uid=uid[:255],
        attendee=_mailbox(attendee),
        sender=sender.lower(),
        method=method,
        partstat=str(parameters.get("PARTSTAT", "NEEDS-ACTION")).upper(),
        sequence=_whole(event.get("sequence")),
        stamped_at=_stamp(event),
        comment=_comment(event, parameters),
        extra_guests=min(_whole(parameters.get("X-NUM-GUESTS")) or 0, MAX_GUESTS),
        organizer=_mailbox(event.get("organizer", "")),
    )


def _the_attendee(event: Event, sender: str) -> Any | None:
    """A REPLY has exactly one ATTENDEE (RFC 5546 section 3.2.3). Of several, the one that the mail came from."""
    found = event.get("attendee", [])
    attendees = [one for one in (found if isinstance(found, list) else [found]) if _mailbox(one)]
    if len({_mailbox(one) for one in attendees}) > 1:
        attendees = [one for one in attendees if _mailbox(one) == sender.lower()]
    return attendees[0] if attendees else None


def _comment(event: Event, parameters: Any) -> str:
    """COMMENT, or the parameter in which Google and Apple put it."""
    found = event.get("comment") or parameters.get("X-RESPONSE-COMMENT") or event.get("x-response-comment") or ""
    text = "\n".join(str(one) for one in found) if isinstance(found, list) else str(found)
    kept = "".join(letter for letter in text if letter == "\n" or letter.isprintable())
    return kept.strip()[:MAX_COMMENT]


def _stamp(event: Event) -> datetime | None:
    value = getattr(event.get("dtstamp"), "dt", None)
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def _tokens(addresses: list[str]) -> tuple[str, ...]:
    found = [match.group(1) for address in addresses if (match := TOKEN_ADDRESS.match(address.strip(" <")))]
    return tuple(dict.fromkeys(found))


def _cased(address: Any) -> str:
    """The address behind `mailto:` (any case), or in EMAIL where a calendar server put a path of its own first."""
    text = _line(address)
    if text[:7].lower() == "mailto:":
        return text[7:].strip()
    given = getattr(address, "params", {}).get("EMAIL", "")
    return _line(given) or (text if "@" in text else "")


def _mailbox(address: Any) -> str:
    return _cased(address).lower()


def _whole(value: Any) -> int | None:
    text = str(value).strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _line(value: Any) -> str:
    return "".join(letter for letter in str(value) if letter.isprintable()).strip()


def _own_parts(part: email.message.Message) -> Iterator[email.message.Message]:
    """The leaves of this mail; a mail enclosed in it (a bounce, a forward) is somebody else's word."""
    if part.get_content_type() == "message/rfc822":
        return
    if not part.is_multipart():
        yield part
        return
    for inner in part.get_payload():
        if isinstance(inner, email.message.Message):
            yield from _own_parts(inner)


def _decoded(part: email.message.Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _unicode(part: bytes) -> str:
    """UTF-8 as RFC 6047 asks, else Latin-1, in which every byte means something. Without control characters: one of
    them in a comment makes the parser drop the whole ATTENDEE line."""
    try:
        text = part.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = part.decode("latin-1")
    return CONTROLS.sub("", text)


def _is_calendar(raw: bytes) -> bool:
    return raw[:400].removeprefix(b"\xef\xbb\xbf").lstrip()[:15].upper() == b"BEGIN:VCALENDAR"


def _addresses(headers: list[str]) -> list[str]:
    return [address for _, address in getaddresses(headers) if "@" in address]


def _refuse(reason: Reason) -> Refusal:
    return Refusal(reason, TEXTS[reason])
