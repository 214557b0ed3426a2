"""vCards (2.1, 3.0, 4.0) as rows of our own template, streaming. Pure.

Source: RFC 6350, RFC 2426. Pictures, sounds and keys are passed over unread.
"""

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LONGEST_VALUE = 100_000
_PASSED_OVER = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
_SEVERAL = " ::: "
_SPLIT_VALUE = re.compile(r'((?:[^":]|"[^"]*")*):(.*)', re.DOTALL)
_PARAM = re.compile(r'(?:[^";]|"[^"]*")+')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

Cells = dict[str, str]


@dataclass
class _Card:
    """What one card has said so far; several values of one kind in their order, preferred ones first."""

    name: list[str] = field(default_factory=list)
    shown: str = ""
    organization: str = ""
    title: str = ""
    emails: list[tuple[int, str]] = field(default_factory=list)
    phones: list[tuple[int, str]] = field(default_factory=list)
    addresses: list[tuple[int, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    birthday: str = ""
    is_place: bool = False
    is_group: bool = False


def cards(lines: Iterable[str]) -> Iterator[Cells]:
    """Each card of the stream as cells by the column names of `formats.TEMPLATE_HEADER`; groups of cards are left out.

    A card that is not closed counts as far as it goes. What stands between cards is passed over.
    """
    card: _Card | None = None
    for line in _unfolded(lines):
        upper = line[:12].upper().strip()
        if upper == "BEGIN:VCARD":
            if card is not None:
                yield _cells(card)
            card = _Card()
        elif card is not None and upper == "END:VCARD":
            if not card.is_group:
                yield _cells(card)
            card = None
        elif card is not None:
            _take(card, line)
    if card is not None and not card.is_group:
        yield _cells(card)


def _unfolded(lines: Iterable[str]) -> Iterator[str]:
    held, quoted = "", False
    for line in lines:
        text = line.rstrip("\r\n")
        if quoted and held.endswith("="):  # 2.1 breaks quoted-printable values its own way
            held = held[:-1] + text.lstrip() if len(held) < LONGEST_VALUE else held
        elif text[:1] in (" ", "\t"):
            held += text[1:] if len(held) < LONGEST_VALUE else ""
        else:
            if held:
                yield held
            held, quoted = text, "QUOTED-PRINTABLE" in text.partition(":")[0].upper()
    if held:
        yield held


def _take(card: _Card, line: str) -> None:
    found = _SPLIT_VALUE.fullmatch(line)
    if found is None:
        return
    head, _, said = found[1].partition(";")
    name = head.rpartition(".")[2].upper()
    if name in _PASSED_OVER:
        return
    value, params = found[2], ";".join(_PARAM.findall(said)).upper()
    if "QUOTED-PRINTABLE" in params:
        value = quopri.decodestring(value.encode()).decode("utf-8", "replace")
    rank = 0 if re.search(r"\bPREF\b", params) else 1
    _put(card, name, value, rank)


def _put(card: _Card, name: str, value: str, rank: int) -> None:
    if name == "N":
        card.name = _parts(value)
    elif name == "FN":
        card.shown = card.shown or _plain(value)
    elif name == "ORG":
        card.organization = card.organization or (_parts(value) or [""])[0]
    elif name == "TITLE":
        card.title = card.title or _plain(value)
    elif name == "EMAIL":
        card.emails.append((rank, _plain(value).removeprefix("mailto:")))
    elif name == "TEL":
        card.phones.append((rank, _plain(value).removeprefix("tel:").replace(";ext=", " ext. ")))
    elif name == "ADR":
        card.addresses.append((rank, _parts(value)))
    elif name == "NOTE":
        card.notes.append(_plain(value))
    elif name == "CATEGORIES":
        card.tags += [_plain(tag) for tag in re.split(r"(?<!\\),", value)]
    elif name == "BDAY":
        card.birthday = _plain(value)
    elif name == "KIND" or name == "X-ADDRESSBOOKSERVER-KIND":
        card.is_group, card.is_place = value.lower() == "group", value.lower() == "org"
    elif name == "X-ABSHOWAS":
        card.is_place = value.upper() == "COMPANY"


def _cells(card: _Card) -> Cells:
    family, given, more, prefix, suffix = (*card.name, "", "", "", "", "")[:5]
    if card.is_place:
        family = given = more = prefix = suffix = ""
        card.organization = card.organization or card.shown
    elif not (family or given) and card.shown != card.organization:
        given, _, family = card.shown.rpartition(" ")
    _box, beyond, street, city, region, code, _land = (*_first(card.addresses), *[""] * 7)[:7]
    cells = {
        "prefix": prefix,
        "first_name": given,
        "middle_name": more,
        "last_name": family,
        "suffix": suffix,
        "organization": card.organization,
        "title": card.title,
        "email": _SEVERAL.join(_ranked(card.emails)),
        "phone": _SEVERAL.join(_ranked(card.phones)),
        "street": ", ".join(part for part in (street, beyond) if part),
        "city": city,
        "state": region,
        "zip": code,
        "tags": _SEVERAL.join(tag for tag in card.tags if tag),
        "birthday": card.birthday,
        "notes": "\n".join(card.notes),
    }
    return {name: value for name, value in cells.items() if value}


def _first(addresses: list[tuple[int, list[str]]]) -> list[str]:
    return min(addresses, key=lambda ranked: ranked[0])[1] if addresses else []


def _ranked(values: list[tuple[int, str]]) -> list[str]:
    return [value for _, value in sorted(values, key=lambda ranked: ranked[0]) if value]


def _parts(value: str) -> list[str]:
    return [_plain(part) for part in re.split(r"(?<!\\);", value)]


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()
