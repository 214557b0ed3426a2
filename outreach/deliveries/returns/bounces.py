"""What a mail server reports about a mail of ours (RFC 3464, RFC 5965), and which mail it was. Pure.

Anybody can write such a report. It counts only where it carries what nobody else can make: our signed Message-ID or
return path.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage, Message
from typing import Literal

from outreach.deliveries import links
from outreach.deliveries.returns.mail_reading import values

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded", "complained", ""]
ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
"""Not a piece of a network address or a version number."""
BASIC_CODE = re.compile(r"\b(55[013])[ -]")
"""Reply codes that speak of the mailbox, for servers that give no status (RFC 5321 section 4.2.3)."""
BOUNCE = re.compile(r"bounce\+([A-Za-z0-9._-]{10,60})@", re.IGNORECASE)
MESSAGE_IDS = re.compile(r"(?im)^(?:message-id|x-original-message-id|references|in-reply-to):[ \t]*(.{1,300})")
ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Failed-Recipients")
MOST_PARTS = 200
MOST_TEXT = 200_000


@dataclass(frozen=True, slots=True)
class Report:
    """What is said about one recipient. `status` is x.y.z or ""; `recipient` in lower case or ""."""

    action: Action
    status: str = ""
    recipient: str = ""

    @property
    def bad_address(self) -> bool:
        """Whether the address itself is the cause: 5.1.z. Full mailboxes, policy and timeouts say nothing lasting."""
        return self.action == "failed" and self.status.startswith("5.1.")


def is_report(message: EmailMessage) -> bool:
    """Whether this mail is a report of a server rather than somebody's words."""
    if message.get_content_type() == "multipart/report":
        return _report_type(message) in ("delivery-status", "feedback-report", "")
    from_nobody = str(message.get("Return-Path", "")).strip() == "<>"
    sender = str(message.get("From", "")).lower()
    return "mailer-daemon" in sender or (from_nobody and "postmaster" in sender)


def is_addressed(message: EmailMessage) -> bool:
    """Whether it came to a return path of ours, genuine or not."""
    return any(BOUNCE.search(value) for _, value in values(message, ADDRESSED))


def deliveries_named(key: bytes, message: EmailMessage) -> list[int]:
    """The deliveries that the report is about, the surest first; empty when nothing in it was made by us."""
    places = [value for _, value in values(message, ADDRESSED)]
    by_path = [links.read_bounce_token(key, found[1]) for place in places for found in BOUNCE.finditer(place)]
    texts = list(_texts(message))
    envelopes = [value for part in _status_parts(message) for value in part.get_all("Original-Envelope-Id", [])]
    by_envelope = [links.read_bounce_token(key, str(value).strip()) for value in envelopes]
    words = " ".join(match[1] for text in texts for match in MESSAGE_IDS.finditer(text))
    by_id = links.deliveries_named(key, " ".join([words, *map(str, envelopes)]))
    return list(dict.fromkeys(each for each in (*by_path, *by_envelope, *by_id) if each is not None))


def reports(message: EmailMessage) -> list[Report]:
    """What is said about each recipient; one report without a recipient where a server writes prose only."""
    if _report_type(message) == "feedback-report":
        return [Report("complained")]
    found = [_report(part) for part in _status_parts(message) if part.get("Action") or part.get("Status")]
    if found:
        return found
    # A bare 550 is a reply code where a server writes, and an extension or a room where a person does.
    read = _status_in if is_report(message) else _full_status_in
    status = next((code for text in _texts(message) if (code := read(text))), "")
    return [Report("failed" if status.startswith("5") else "", status)]


def about(found: Sequence[Report], address: str) -> Report | None:
    """The report that counts for a mail to this address: the one that names it, else the only one.

    A mail that its reader forwards to several others may fail for some of them: that says nothing about the reader.
    """
    named = [report for report in found if report.recipient and report.recipient == address.lower()]
    if named:
        return named[0]
    return found[0] if len(found) == 1 else None


def _report(part: Message) -> Report:
    action = str(part.get("Action", "")).strip().lower()
    status = STATUS.search(str(part.get("Status", "")))
    code = status[0] if status else ""
    if code in ("", "5.0.0"):
        code = _status_in(str(part.get("Diagnostic-Code", ""))) or code
    recipient = str(part.get("Original-Recipient") or part.get("Final-Recipient") or "")
    known = action if action in ACTIONS else "failed" if code.startswith("5") else "delayed" if code else ""
    return Report(known, code, recipient.rpartition(";")[2].strip().strip("<>").lower())  # type: ignore[arg-type]


def _status_in(text: str) -> str:
    return _full_status_in(text) or ("5.1.1" if BASIC_CODE.search(text) else "")


def _full_status_in(text: str) -> str:
    found = STATUS.search(text)
    return found[0] if found else ""


def _report_type(message: EmailMessage) -> str:
    return str(message.get_param("report-type", "") or "").lower()


def _status_parts(message: Message) -> Iterator[Message]:
    """The blocks of message/delivery-status, which the parser reads as messages without a body."""
    for part in _parts(message):
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            inner = part.get_payload()
            yield from (block for block in inner if isinstance(block, Message)) if isinstance(inner, list) else ()


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS:
            return
        yield part


def _texts(message: Message) -> Iterator[str]:
    """The words of the report and the heads of the mail that it returns."""
    for part in _parts(message):
        inner = part.get_payload()
        if part.get_content_type() == "message/rfc822" and isinstance(inner, list):
            for returned in (each for each in inner if isinstance(each, Message)):
                yield "\n".join(f"{name}: {value}" for name, value in values(returned))
        elif part.get_content_maintype() == "text":
            raw = part.get_payload(decode=True)
            yield raw[:MOST_TEXT].decode("ascii", "replace") if isinstance(raw, bytes) else ""
