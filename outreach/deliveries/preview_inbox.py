"""Reads what the folder transport wrote, with the standard library's parser: the very bytes that SMTP would send."""

import email
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default as policy
from email.utils import parsedate_to_datetime
from pathlib import Path

NAME = re.compile(r"\d{8}T\d{6}-\d{6,18}\.eml")
PAGE = 50
LINK = re.compile(r"https?://[^\s<>\"']+")
HEAD_BYTES = 16 * 1024


@dataclass(frozen=True)
class Listed:
    """One mail in the list."""

    name: str
    to: str
    subject: str
    at: datetime | None


@dataclass(frozen=True)
class Part:
    """A file that came along: the n-th part of the mail."""

    number: int
    filename: str
    content_type: str
    size_bytes: int


@dataclass(frozen=True)
class Opened:
    """A mail, taken apart."""

    name: str
    headers: tuple[tuple[str, str], ...]
    subject: str
    html: str
    text: str
    parts: tuple[Part, ...]
    links: tuple[str, ...]
    calendar: str


def listed(folder: Path, *, page: int) -> tuple[list[Listed], int]:
    """(one page of mails, how many there are), newest first."""
    if not folder.is_dir():
        return [], 0
    names = sorted((path.name for path in folder.iterdir() if NAME.fullmatch(path.name)), reverse=True)
    shown = names[(page - 1) * PAGE : page * PAGE]
    return [_listed(folder / name) for name in shown], len(names)


def raw(folder: Path, name: str) -> bytes | None:
    """The bytes of one mail, or None when there is no such file."""
    if not NAME.fullmatch(name):
        return None
    try:
        return (folder / name).read_bytes()
    except OSError:
        return None


def opened(folder: Path, name: str) -> Opened | None:
    """One mail, taken apart; None when there is no such file."""
    data = raw(folder, name)
    if data is None:
        return None
    message = email.message_from_bytes(data, policy=policy)
    text = _body(message, "plain")
    calendar = next((part for part in message.walk() if part.get_content_type() == "text/calendar"), None)
    return Opened(
        name=name,
        headers=tuple((key, str(value)) for key, value in message.items()),
        subject=str(message.get("Subject", "")),
        html=_body(message, "html"),
        text=text,
        parts=tuple(_parts(message)),
        links=tuple(dict.fromkeys(LINK.findall(text))),
        calendar=calendar.get_content() if calendar is not None else "",
    )


def part(folder: Path, name: str, number: int) -> tuple[Part, bytes] | None:
    """(what it is, its bytes) of one file that came along."""
    data = raw(folder, name)
    if data is None:
        return None
    message = email.message_from_bytes(data, policy=policy)
    found = {each.number: each for each in _parts(message)}
    if number not in found:
        return None
    content = list(message.walk())[number].get_payload(decode=True)
    return found[number], content if isinstance(content, bytes) else b""


def _listed(path: Path) -> Listed:
    with path.open("rb") as file:
        message = email.message_from_bytes(file.read(HEAD_BYTES), policy=policy)
    try:
        at = parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError):
        at = None
    return Listed(path.name, str(message.get("To", "")), str(message.get("Subject", "")), at)


def _body(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    return str(body.get_content()) if body is not None else ""


def _parts(message: EmailMessage) -> list[Part]:
    found = []
    for number, each in enumerate(message.walk()):
        if each.get_content_disposition() == "attachment":
            data = each.get_payload(decode=True)
            size = len(data) if isinstance(data, bytes) else 0
            found.append(Part(number, each.get_filename() or "attachment", each.get_content_type(), size))
    return found
