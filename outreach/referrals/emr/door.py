"""The door: an upload is rewritten without what a client could be known by, before anything else looks at it. Pure.

What is written has two columns of our own in front: the number of the row, and a keyed one-way hash of the client.
"""

import csv
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from outreach.contacts import clinical
from outreach.contacts.clinical import BIRTH_DATE, PATIENT_NAME, RECORD_NUMBER
from outreach.contacts.csvfile import RefusedRow, open_table
from outreach.errors import Refusal
from outreach.referrals.emr.emr_columns import CASE_HEADER, guess

LARGEST_ROWS = 200_000
OWN_COLUMNS = 2
SHORTEST_SECRET = 5
"""A record number of fewer signs is not looked for in other cells: 2026 stands in every date."""
FREE_TEXT = "free text or a way to reach the client"
_FREE = re.compile(
    r"\b(?:notes?|comments?|remarks?|description|summary|instructions|address|street|phone|mobile|e ?mail|age|sex|"
    r"gender|race|marital|complaints?|problems?|precautions?|history|concerns?|goals?|accounts?|acct|chart|nickname|"
    r"alias|goes by)\b|\breason for (?:referral|visit|therapy|treatment)\b|\b(?:referral|visit) reason\b|^reason$"
)
_RELATIVE = re.compile(
    r"\b(?:guarantor|guardian|caregiver|parents?|mother|father|spouse|emergency|next of kin|responsible party)\b"
)
_BARE_NAME = frozenset(
    {
        *("name", "names", "last", "first", "middle", "full", "legal", "given", "family", "preferred", "maiden"),
        *("surname", "initials", "mi"),
    }
)
"""A column of nothing but these words is the client's name: whoever referred is called the referring provider."""
_BORN = re.compile(r"\b(?:birth|birthday|birthdays|birthdate|born)\b")
_RECORD = re.compile(r"\bmr (?:id|no|number)\b|\b(?:acct|account) (?:id|no|number)\b")
_NAMES = re.compile(r"\b(?:names?|first|last|middle|given|family|surname)\b|^(?:patients?|clients?|pt)$")
_OWN_NUMBER = re.compile(r"\b(?:mrn|emr|chart|record)\b|\b(?:patients?|clients?|pt)\b")


@dataclass(frozen=True)
class Door:
    """What went through: names of kept columns, (name, what) of dropped ones, how many rows, and the refused rows."""

    header: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    has_client_key: bool
    rows: int
    refused: tuple[RefusedRow, ...]


def one_way(key: bytes, purpose: str, value: str) -> str:
    """A keyed hash in 64 hex signs: equal for the same value, and nobody without the key can go back."""
    plain = " ".join(value.casefold().split())
    return hmac.new(key, f"outreach-emr-{purpose}|{plain}".encode(), hashlib.sha256).hexdigest()


def let_in(source: BinaryIO, target: TextIO, *, key: bytes) -> Door | Refusal:
    """The upload is in `target` without its forbidden columns; numbers of cases and clients are one-way keys there.

    A cell that repeats the client's name or record number is emptied; a source that is the client becomes "Self".
    Refusals: those of `open_table`, and too-long.
    """
    table = open_table(source)
    if isinstance(table, Refusal):
        return table
    with table:
        forbidden = _forbidden(table.header)
        cases = {n for n, name in enumerate(table.header) if CASE_HEADER.search(clinical.words(name))} - set(forbidden)
        kept = [position for position in range(len(table.header)) if position not in forbidden]
        known_by = _known_by(table.header, forbidden)
        writer, rows, has_key = csv.writer(target), 0, False
        refused: list[RefusedRow] = []
        for item in table:
            if rows + len(refused) >= LARGEST_ROWS:
                return Refusal("too-long", f"The file has more than {LARGEST_ROWS:,} rows. Export a shorter period.")
            if isinstance(item, RefusedRow):
                refused.append(RefusedRow(item.row_number, item.reason))
                continue
            number, cells = item
            client = _Client.of(cells, known_by)
            clean = [
                one_way(key, "case", cells[at]) if at in cases and cells[at].strip() else client.scrub(cells[at])
                for at in kept
            ]
            writer.writerow([number, client.key(key), *clean])
            has_key, rows = has_key or bool(client.identity), rows + 1
        dropped = tuple((table.header[at], what) for at, what in sorted(forbidden.items()))
        return Door(tuple(table.header[at] for at in kept), dropped, has_key, rows, tuple(refused))


def rows_of(source: TextIO, *, after: int) -> Iterator[tuple[int, str, list[str]]]:
    """The rows that were let in, past row number `after`: (row number, one-way key of the client or "", cells)."""
    for cells in csv.reader(source):
        if int(cells[0]) > after:
            yield int(cells[0]), cells[1], cells[OWN_COLUMNS:]


def _forbidden(header: tuple[str, ...]) -> dict[int, str]:
    """Position to what it holds: what is clinical, and free text unless it is a field of ours."""
    ours = set(guess(header).values())
    found = {at: what for at, name in enumerate(header) if (what := _tells(clinical.words(name), ours=at in ours))}
    return found | clinical.forbidden_columns(header)


def _tells(plain: str, *, ours: bool) -> str:
    """What a column tells of a client that the list of clinical columns does not know by name; "" for nothing."""
    if plain and set(plain.split()) <= _BARE_NAME:
        return PATIENT_NAME
    if _BORN.search(plain):
        return BIRTH_DATE
    if _RECORD.search(plain):
        return RECORD_NUMBER
    return FREE_TEXT if _RELATIVE.search(plain) or (not ours and _FREE.search(plain)) else ""


def _known_by(header: tuple[str, ...], forbidden: Mapping[int, str]) -> dict[str, list[int]]:
    plain = {at: clinical.words(header[at]) for at in forbidden}
    numbers = [at for at, what in forbidden.items() if what == RECORD_NUMBER]
    return {
        PATIENT_NAME: [at for at, what in forbidden.items() if what == PATIENT_NAME and _NAMES.search(plain[at])],
        BIRTH_DATE: [at for at, what in forbidden.items() if what == BIRTH_DATE],
        # The number of the client before one of the insurance, which a family shares.
        RECORD_NUMBER: sorted(numbers, key=lambda at: not _OWN_NUMBER.search(plain[at])),
    }


@dataclass(frozen=True)
class _Client:
    names: frozenset[str]
    numbers: frozenset[str]
    identity: str

    @classmethod
    def of(cls, cells: list[str], known_by: Mapping[str, list[int]]) -> "_Client":
        name = " ".join(cells[at] for at in known_by[PATIENT_NAME])
        born = " ".join(cells[at] for at in known_by[BIRTH_DATE])
        numbers = [cells[at].strip() for at in known_by[RECORD_NUMBER] if cells[at].strip()]
        words = _words(name)
        identity = numbers[0] if numbers else f"{' '.join(sorted(words))}|{born}" if words else ""
        return cls(words, frozenset(n.casefold() for n in numbers if len(n) >= SHORTEST_SECRET), identity)

    def key(self, key: bytes) -> str:
        """The one-way key of this client; "" when nothing tells clients apart."""
        return one_way(key, "client", self.identity) if self.identity else ""

    def scrub(self, cell: str) -> str:
        """The cell without the client: what is left of it when it tells nothing of them, or "Self", or nothing."""
        words = _words(cell)
        if len(self.names) > 1 and len(words & self.names) > 1:
            return "Self" if words <= self.names else ""
        said = set(re.split(r"[^\w-]+", cell.casefold()))
        return "" if said & self.numbers else cell


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[\W\d_]+", text.casefold()) if len(word) > 1)
