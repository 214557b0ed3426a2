"""A complete mail as bytes (RFC 5322, 2045 to 2047), the same for SMTP, the folder and the preview inbox. Pure.

Bodies are encoded once and spliced in; the same message gives the same bytes. Shape: multipart/alternative with plain
text first; an invitation adds text/calendar as the richest alternative and the same file as an attachment, because
Outlook reads the first and other programs only the second (RFC 6047 section 2.4).
"""

import base64
import hashlib
import re
from email.utils import encode_rfc2231, format_datetime
from pathlib import PurePosixPath

from outreach.deliveries.mail import headers
from outreach.deliveries.mail.letters import quoted
from outreach.deliveries.mail.message import Attachment, CalendarPart, Merged, OutgoingMessage

CONTENT_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")
METHODS = ("REQUEST", "CANCEL")
INVITE_TYPE = "application/ics"
INVITE_NAME = "invite.ics"
MAX_FILENAME = 80

Part = bytes
"""One MIME part: its headers, an empty line, its encoded body, and no line end after it."""


def build(message: OutgoingMessage) -> bytes:
    """The mail as it goes over the wire: CRLF, 7-bit, body lines at most 76, headers folded.

    Raises ValueError for what must not leave: an address that is not one, a naive date, an unsafe List-Unsubscribe, a
    reserved extra header, a calendar whose METHOD is another than its part says.
    """
    if isinstance(message, Merged) and message.calendar is None:
        return _joined(message)
    body = _body(message)
    lines = [f"{name}: {value}" for name, value in _headers(message)]
    return "\r\n".join(lines).encode("ascii") + b"\r\n" + body + b"\r\n"


def dotless(message: OutgoingMessage) -> bool:
    """Whether it is known that no line of its mail begins with a dot: its pieces were made so (`letters`)."""
    return isinstance(message, Merged) and message.calendar is None


def _joined(message: Merged) -> bytes:
    """The same from pieces that were encoded once: only what differs per person is written anew."""
    shared = message.shared
    known = shared.lines or _shared_lines(message)
    subject = known["subject"] or _line("Subject", headers.text("Subject", message.subject))
    lists = "".join([f"{name}: {value}\r\n" for name, value in headers.list_headers(message)])
    head = (
        f"{known['from']}To: {headers.mailbox(message.to_name, message.to_email)}\r\n"
        f"{known['reply-to']}{subject}{known['date']}"
        f"Message-ID: {headers.message_id(message.message_id)}\r\nMIME-Version: 1.0\r\n{lists}"
    )
    number, sign = message.number.encode(), message.sign.encode()
    pieces = shared.letter.frames.of(message.details)
    details = message.values if pieces.asks_links else message.details
    return pieces.filled(head.encode("ascii"), b"=_" + number + sign, details, number, sign)


def _shared_lines(message: Merged) -> dict[str, str]:
    shared = message.shared
    if shared.date.tzinfo is None:
        raise ValueError("A message needs an aware date.")
    fixed = shared.letter.fixed_subject
    reply_to = shared.reply_to
    lines = {
        "from": _line("From", headers.mailbox(shared.from_name, shared.from_email)),
        "reply-to": "" if reply_to is None else _line("Reply-To", headers.address(reply_to)),
        "subject": _line("Subject", headers.text("Subject", message.subject)) if fixed else "",
        "date": _line("Date", format_datetime(shared.date)),
    }
    shared.lines.update(lines)
    return lines


def _line(name: str, value: str) -> str:
    return f"{name}: {value}\r\n"


def calendar_method(part: CalendarPart) -> str:
    """The METHOD of an invitation. Raises ValueError when the file says another (Invite contract 2)."""
    if part.method not in METHODS or f"\r\nMETHOD:{part.method}\r\n".encode() not in part.ics:
        raise ValueError("The calendar part's method is not the METHOD in its file.")
    return part.method


def attachment_name(attachment: Attachment) -> str:
    """A file name without folders, quotes or control characters, its ending kept."""
    name = re.sub(r'["\\/:*?<>|;]+', " ", headers.clean(attachment.filename)).strip(" .") or "attachment"
    ending = PurePosixPath(name).suffix[:10]
    return name if len(name) <= MAX_FILENAME else name[: MAX_FILENAME - len(ending)] + ending


def attachment_type(attachment: Attachment) -> str:
    """The bare content type. Raises ValueError for parameters or anything else that is no type."""
    if not CONTENT_TYPE.fullmatch(attachment.content_type):
        raise ValueError("An attachment's content type must be bare, like application/pdf.")
    return attachment.content_type


def _headers(message: OutgoingMessage) -> list[tuple[str, str]]:
    if message.date.tzinfo is None:
        raise ValueError("A message needs an aware date.")
    rows = [
        ("From", headers.mailbox(message.from_name, message.from_email)),
        ("To", headers.mailbox(message.to_name, message.to_email)),
    ]
    if message.reply_to is not None:
        rows.append(("Reply-To", headers.address(message.reply_to)))
    rows += [
        ("Subject", headers.text("Subject", message.subject)),
        ("Date", format_datetime(message.date)),
        ("Message-ID", headers.message_id(message.message_id)),
        ("MIME-Version", "1.0"),
        *headers.list_headers(message),
    ]
    return rows + [(name, headers.text(name, value)) for name, value in headers.extra_headers(message)]


def _body(message: OutgoingMessage) -> Part:
    parts = [_text_part("plain", message.text), _text_part("html", message.html)]
    files = [_file_part(attachment_type(file), attachment_name(file), file.data) for file in message.attachments]
    if message.calendar is not None:
        method = calendar_method(message.calendar)
        parts.append(_part(f"text/calendar; charset=utf-8; method={method}", "base64", _base64(message.calendar.ics)))
        files.insert(0, _file_part(INVITE_TYPE, INVITE_NAME, message.calendar.ics))
    alternative = _multipart("alternative", parts, message)
    return _multipart("mixed", [alternative, *files], message) if files else alternative


def _text_part(subtype: str, text: str) -> Part:
    return _part(f"text/{subtype}; charset=utf-8", "quoted-printable", quoted(text))


def _file_part(content_type: str, filename: str, data: bytes) -> Part:
    if filename.isascii():
        parameter = f'name="{filename}"'
    else:
        parameter = f"name*={encode_rfc2231(filename, 'utf-8')}"
    disposition = f"Content-Disposition: attachment;\r\n file{parameter}"
    return _part(f"{content_type};\r\n {parameter}", "base64", _base64(data), disposition)


def _part(content_type: str, encoding: str, body: bytes, *more: str) -> Part:
    lines = (f"Content-Type: {content_type}", f"Content-Transfer-Encoding: {encoding}", *more)
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def _multipart(subtype: str, parts: list[Part], message: OutgoingMessage) -> Part:
    boundary = _boundary(subtype, message)
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    opening = f"--{boundary}\r\n".encode()
    closing = f"--{boundary}--".encode()
    return head + b"".join(opening + part + b"\r\n" for part in parts) + closing


def _boundary(subtype: str, message: OutgoingMessage) -> str:
    """Stable for a message. `=_` stands in no base64 or quoted-printable body (RFC 2045 section 6.7)."""
    return "=_" + hashlib.sha256(f"{subtype} {message.message_id}".encode()).hexdigest()[:24]


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).rstrip(b"\n").replace(b"\n", b"\r\n")
