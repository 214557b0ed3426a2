"""The door: of an upload only the columns of known fields are read, before anything else looks at it. Pure.

A column gets in because its name, or a person who said so of an earlier report, makes it one of our fields, and none
of them is about the client. What is written has two columns of our own in front: the number of the row, and a keyed
one-way hash of the client.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO, TextIO

from outreach.contacts import clinical
from outreach.contacts.clinical import BIRTH_DATE, PATIENT_NAME, RECORD_NUMBER
from outreach.contacts.csvfile import RefusedRow, open_table
from outreach.errors import Refusal
from outreach.referrals.emr.door_names import NOT_KNOWN, forbidden_columns, may_be_read, names_a_client
from outreach.referrals.emr.one_way import one_way
from outreach.referrals.emr.scrubbing import SHORTEST_SECRET, Client, clean, word_set

LARGEST_ROWS = 200_000
OWN_COLUMNS = 2
_ALSO_NAMES = "names that may be the client's"
_NAMES = re.compile(r"\b(?:names?|first|last|middle|given|family|surname)\b|^(?:patients?|clients?|pt)$")
_OWN_NUMBER = re.compile(r"\b(?:mrn|emr|chart|record)\b|\b(?:patients?|clients?|pt)\b")


@dataclass(frozen=True)
class Door:
    """What went through: names of kept columns, (name, what) of dropped ones, how many rows, and the refused rows."""

    header: tuple[str, ...]
    columns: Mapping[str, int]
    """Field to position among the kept columns."""
    dropped: tuple[tuple[str, str], ...]
    has_client_key: bool
    rows: int
    refused: tuple[RefusedRow, ...]


def let_in(
    source: BinaryIO,
    target: TextIO,
    *,
    key: bytes,
    said: Mapping[str, str] = MappingProxyType({}),
    known: AbstractSet[str] = frozenset(),
) -> Door | Refusal:
    """Of the upload, the columns of known fields are in `target`; numbers of cases and clients are one-way keys there.

    `said` are columns that people explained earlier: words of the name to field. `known` are the practice's words for
    its services, payers and clinics: they stay, though a client may share them. Every other word of a client's name is
    taken out of what is kept; a source that is the client becomes "Self".
    Refusals: those of `open_table`, and too-long.
    """
    table = open_table(source)
    if isinstance(table, Refusal):
        return table
    with table:
        header = table.header
        forbidden = forbidden_columns(header)
        fields = may_be_read(header, forbidden, said)
        kept = sorted((at, field) for field, at in fields.items())
        known_by = _known_by(header, forbidden, set(fields.values()))
        writer, rows, has_key = csv.writer(target), 0, False
        refused: list[RefusedRow] = []
        for item in table:
            if rows + len(refused) >= LARGEST_ROWS:
                return Refusal("too-long", f"The file has more than {LARGEST_ROWS:,} rows. Export a shorter period.")
            if isinstance(item, RefusedRow):
                refused.append(RefusedRow(item.row_number, item.reason))
                continue
            number, cells = item
            client = _client(cells, known_by)
            mine = one_way(key, "client", client.identity) if client.identity else ""
            told = (
                (one_way(key, "case", cells[at]) if cells[at].strip() else "")
                if field == "case_key"
                else clean(cells[at], field, header[at], client, known)
                for at, field in kept
            )
            writer.writerow([number, mine, *told])
            has_key, rows = has_key or bool(mine), rows + 1
        left_out = {at: forbidden.get(at, NOT_KNOWN) for at in range(len(header)) if at not in fields.values()}
        return Door(
            header=tuple(header[at] for at, _ in kept),
            columns={field: place for place, (_, field) in enumerate(kept)},
            dropped=tuple((header[at], what) for at, what in left_out.items()),
            has_client_key=has_key,
            rows=rows,
            refused=tuple(refused),
        )


def rows_of(source: TextIO, *, after: int) -> Iterator[tuple[int, str, list[str]]]:
    """The rows that were let in, past row number `after`: (row number, one-way key of the client or "", cells)."""
    for cells in csv.reader(source):
        if int(cells[0]) > after:
            yield int(cells[0]), cells[1], cells[OWN_COLUMNS:]


def _known_by(header: Sequence[str], forbidden: Mapping[int, str], read: AbstractSet[int]) -> dict[str, list[int]]:
    """Columns that are looked at only to know the client by, and to take the client out of the others."""
    plain = {at: clinical.words(header[at]) for at in forbidden}
    numbers = [at for at, what in forbidden.items() if what == RECORD_NUMBER]
    names = [at for at, what in forbidden.items() if what == PATIENT_NAME and _NAMES.search(plain[at])]
    return {
        PATIENT_NAME: names,
        BIRTH_DATE: [at for at, what in forbidden.items() if what == BIRTH_DATE],
        # The number of the client before one of the insurance, which a family shares.
        RECORD_NUMBER: sorted(numbers, key=lambda at: not _OWN_NUMBER.search(plain[at])),
        _ALSO_NAMES: [at for at, name in enumerate(header) if at not in {*read, *names} and names_a_client(name)],
    }


def _client(cells: Sequence[str], known_by: Mapping[str, list[int]]) -> Client:
    names = word_set(" ".join(cells[at] for at in known_by[PATIENT_NAME]))
    born = " ".join(cells[at] for at in known_by[BIRTH_DATE])
    numbers = [cells[at].strip() for at in known_by[RECORD_NUMBER] if cells[at].strip()]
    identity = numbers[0] if numbers else f"{' '.join(sorted(names))}|{born}" if names else ""
    return Client(
        names=names | word_set(" ".join(cells[at] for at in known_by[_ALSO_NAMES])),
        numbers=frozenset(number.casefold() for number in numbers if len(number) >= SHORTEST_SECRET),
        identity=identity,
    )
