"""From cells to people: each row of an open table becomes a person, an organization, an opt-out, or a reason. Pure."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from outreach.contacts import names, nppes
from outreach.contacts.cells import READERS, Line, Reader, Unusable
from outreach.contacts.columns import ColumnMapping
from outreach.contacts.csvfile import RefusedRow, Row, Table
from outreach.contacts.formats import NPPES, Format, bind
from outreach.contacts.imported import ImportedRow, RowKind
from outreach.contacts.npi import is_physician, suggested_kind
from outreach.contacts.postal import zip5
from outreach.contacts.specialties import label
from outreach.errors import Refusal

KNOWN_PER_COLUMN = 5_000
"""Cells of one column that are understood once only: cities, offices, first names."""
ROWS_AT_ONCE = 500
"""Column by column is quicker than row by row."""
_zip5 = lru_cache(maxsize=16_384)(zip5)

RowReader = Callable[[int, list[str]], ImportedRow | RefusedRow]
Read = tuple[ImportedRow | RefusedRow | int, list[str]]


def read_people(table: Table, source: Format | ColumnMapping) -> Iterator[ImportedRow | RefusedRow]:
    """Every row of the table, in the file's order, as an ImportedRow or a RefusedRow with a reason for people.

    Streams; nothing is compared between rows and nothing is looked up. A header that cannot be used (a needed column
    stands there twice) is refused as a row of its own and nothing else is read.
    A row that says "unsubscribed" in any way is a suppression, whatever else it says; what cannot be understood as yes
    or no is refused, because permission is never assumed.
    """
    return (item for item, _ in read_rows(table, source) if not isinstance(item, int))


def reader_of(header: tuple[str, ...], source: Format | ColumnMapping) -> RowReader | Refusal:
    """What makes people of the rows under this header. Refusals: those of `bind`."""
    mapping = bind(source, header) if isinstance(source, Format) else source
    if isinstance(mapping, Refusal):
        return mapping
    return nppes.row_reader(header) if source is NPPES else _Columns(header, mapping)


def read_rows(
    table: Table,
    source: Format | ColumnMapping,
    only: nppes.Only | None = None,
    mended: Mapping[int, list[str]] | None = None,
) -> Iterator[Read]:
    """As `read_people`, each with its cells; `mended` are the cells that a person gave instead, by row number.

    Of an NPPES file rows that `only` does not ask for come as their number alone: a stretch without any ends too.
    """
    read = reader_of(table.header, source)
    if isinstance(read, Refusal):
        yield RefusedRow(table.header_row, read.text, ", ".join(read.details)), []
        return
    rows = _with_mended(table, mended) if mended else table
    if isinstance(read, _Columns):
        yield from _in_stretches(rows, read)
        return
    wanted = nppes.wanted(table.header, only) if only is not None else None
    for row in rows:
        if isinstance(row, RefusedRow):
            yield row, list(row.cells)
        elif wanted is not None and not wanted(row[1]):
            yield row[0], []
        else:
            item = read(*row)
            yield item, row[1]


def _in_stretches(rows: Iterable[Row | RefusedRow], read: "_Columns") -> Iterator[Read]:
    waiting = iter(rows)
    while stretch := list(itertools.islice(waiting, ROWS_AT_ONCE)):
        understood = read.many([row for row in stretch if not isinstance(row, RefusedRow)])
        for row in stretch:
            if isinstance(row, RefusedRow):
                yield row, list(row.cells)
            else:
                yield next(understood), row[1]


def _with_mended(table: Table, mended: Mapping[int, list[str]]) -> Iterator[Row | RefusedRow]:
    for row in table:
        number = row.row_number if isinstance(row, RefusedRow) else row[0]
        yield (number, mended[number]) if number in mended else row


class _Known(dict[str, str | None]):
    """What the cells of one column say, each understood when it is first met; None for what its field cannot take."""

    def __init__(self, understand: Callable[[str], str]) -> None:
        super().__init__({"": ""})
        self._understand = understand

    def __missing__(self, text: str) -> str | None:
        try:
            said = self._understand(text)
        except Unusable:
            said = None
        if len(self) < KNOWN_PER_COLUMN:
            self[text] = said
        return said


class _Columns:
    """Rows by the columns of a mapping, one by one or many at once with the same outcome."""

    def __init__(self, header: tuple[str, ...], mapping: ColumnMapping) -> None:
        self._header, self._opt_outs_only = header, mapping.opt_outs_only
        self._always = {"suppression_reason": mapping.suppression} if mapping.suppression else {}
        self._lines: list[tuple[int, Line]] = []
        self._steps: list[tuple[int, Reader]] = []
        for field, positions in mapping.columns.items():
            reader = READERS[field]
            if isinstance(reader, Line):
                self._lines += [(position, reader) for position in positions]
            else:
                self._steps += [(position, reader) for position in positions]
        self._all: list[tuple[int, Reader]] = [*self._lines, *self._steps]
        self._names = [line.name for _, line in self._lines]
        self._known = [(itemgetter(position), _Known(line.read).__getitem__) for position, line in self._lines]

    def __call__(self, row_number: int, cells: list[str]) -> ImportedRow | RefusedRow:
        values: dict[str, Any] = dict(self._always)
        position = 0
        try:
            for position, take in self._all:
                if cells[position]:
                    take(values, cells[position])
        except Unusable as unusable:
            return RefusedRow(row_number, str(unusable), self._header[position] or f"Column {position + 1}")
        return self._whole(row_number, values)

    def many(self, rows: Sequence[Row]) -> Iterator[ImportedRow | RefusedRow]:
        """Each row in turn; the plain lines of text are understood column by column."""
        cells_of_all = [cells for _, cells in rows]
        columns = [map(said, map(at, cells_of_all)) for at, said in self._known]
        lines: Iterable[tuple[str | None, ...]] = zip(*columns, strict=True) if columns else itertools.repeat(())
        names, steps, always = self._names, self._steps, self._always
        for (row_number, cells), texts in zip(rows, lines, strict=False):
            if None in texts:
                yield self(row_number, cells)
                continue
            values: dict[str, Any] = {name: text for name, text in zip(names, texts, strict=False) if text}
            if always:
                values |= always
            try:
                for position, take in steps:
                    if text := cells[position]:
                        take(values, text)
            except Unusable:
                yield self(row_number, cells)
            else:
                yield self._whole(row_number, values)

    def _whole(self, row_number: int, values: dict[str, Any]) -> ImportedRow | RefusedRow:
        if self._opt_outs_only and "suppression_reason" not in values:
            return RefusedRow(row_number, "The row says neither unsubscribed nor bounced: there is nothing to stop.")
        return _finished(row_number, values)


def _finished(row_number: int, values: dict[str, Any]) -> ImportedRow | RefusedRow:
    if "full_name" in values:
        _split_name(values)
    if "home" in values:
        home = values.pop("home")
        if not any(values.get(name) for name in ("street", "city", "postal_code")):
            values.update(home)
    kind = _kind(values)
    if kind is None:
        return RefusedRow(row_number, "The row has no name, no organization and no email address.")
    if kind == "suppression" and "email" not in values:
        return RefusedRow(row_number, "The row says unsubscribed or bounced but has no email address.")
    if "postal_code" in values:
        values["zip5"] = _zip5(values["postal_code"], values.get("state", ""))
    if kind != "organization" and ("taxonomy" in values or "credentials" in values):
        _profession(values)
    if "taxonomy" in values:
        values.setdefault("specialty", label(values["taxonomy"]))
    return ImportedRow.of(row_number, kind, values)


def _split_name(values: dict[str, Any]) -> None:
    full = names.split(values.pop("full_name"))
    if "first_name" in values or "last_name" in values:
        return
    for part, said in full._asdict().items():
        if said:
            values.setdefault(f"{part}_name" if part in ("first", "middle", "last") else part, said)


def _kind(values: dict[str, Any]) -> RowKind | None:
    if "suppression_reason" in values:
        return "suppression"
    if "last_name" in values or "first_name" in values:
        return "person"
    if "organization" in values:
        return "organization"
    return "person" if "email" in values else None


def _profession(values: dict[str, Any]) -> None:
    taxonomy, credentials = values.get("taxonomy", ""), values.get("credentials", "")
    physician = is_physician(taxonomy, credentials)
    values["is_physician"] = physician
    values.setdefault("suggested_kind", suggested_kind(taxonomy, credentials, physician))
