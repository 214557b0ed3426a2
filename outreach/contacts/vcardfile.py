"""Contacts as a vCard file, for phones and address books. Pure.

Version 3.0 (RFC 2426): every address book reads it; 4.0 still fails in several.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

NO_YEAR = 1604
"""3.0 has no date without a year: address books know this one, a leap year, as none (X-APPLE-OMIT-YEAR)."""
LINE_OCTETS = 75
"""RFC 2426, section 2.6: longer lines are folded, without the line end."""


@dataclass(frozen=True)
class Card:
    """What one card says; empty parts are left out."""

    uid: str
    prefix: str = ""
    first_name: str = ""
    last_name: str = ""
    credentials: str = ""
    organization: str = ""
    title: str = ""
    email: str = ""
    phone: str = ""
    fax: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    zip5: str = ""
    tags: tuple[str, ...] = ()
    birthday_on: date | None = None
    """Day and month of it leave, whatever its year."""
    is_place: bool = False
    """The card of an office, not of a person."""


def write_vcards(cards: Iterable[Card]) -> Iterator[str]:
    """The text of each card, CRLF line ends, ready to be joined and encoded as UTF-8."""
    for card in cards:
        yield "".join(_folded(line) for line in _lines(card))


def escaped(text: str) -> str:
    r"""A text value: backslash, comma, semicolon and line ends escaped (RFC 2426, section 4); "a,b" is "a\,b"."""
    plain = text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return plain.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _lines(card: Card) -> Iterator[str]:
    name = " ".join(part for part in (card.prefix, card.first_name, card.last_name) if part)
    full = f"{name}, {card.credentials}" if name and card.credentials and not card.prefix else name
    yield "BEGIN:VCARD"
    yield "VERSION:3.0"
    yield f"UID:{escaped(card.uid)}"
    yield f"FN:{escaped(full or card.organization or card.email or 'No name')}"
    parts = ("", "", "", "", "") if card.is_place else _name_parts(card)
    yield "N:" + ";".join(escaped(part) for part in parts)
    if card.is_place:
        yield "X-ABSHOWAS:COMPANY"
    for head, value in (
        ("ORG", card.organization or (name if card.is_place else "")),
        ("TITLE", card.title),
        ("EMAIL;TYPE=INTERNET", card.email),
        ("TEL;TYPE=WORK,VOICE", card.phone),
        ("TEL;TYPE=WORK,FAX", card.fax),
    ):
        if value:
            yield f"{head}:{escaped(value)}"
    if any((card.street, card.city, card.state, card.zip5)):
        place = ("", "", card.street, card.city, card.state, card.zip5, "")
        yield "ADR;TYPE=WORK:" + ";".join(escaped(part) for part in place)
    if card.birthday_on:
        yield f"BDAY;X-APPLE-OMIT-YEAR={NO_YEAR}:{NO_YEAR}-{card.birthday_on:%m-%d}"
    if card.tags:
        yield "CATEGORIES:" + ",".join(escaped(tag) for tag in card.tags)
    yield "END:VCARD"


def _name_parts(card: Card) -> tuple[str, ...]:
    return (card.last_name, card.first_name, "", card.prefix, card.credentials)


def _folded(line: str) -> str:
    """The line with its ends; no octet sequence of a character is torn apart."""
    pieces, held, room = [], "", LINE_OCTETS
    for sign in line:
        size = len(sign.encode())
        if size > room:
            pieces.append(held)
            held, room = "", LINE_OCTETS - 1
        held, room = held + sign, room - size
    return "\r\n ".join([*pieces, held]) + "\r\n"
