"""From cells to people: each row of an open table becomes a person, an organization, an opt-out, or a reason. Pure."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
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
_zip5 = lru_cache(maxsize=16_384)(zip5)

RowReader = Callable[[int, list[str]], ImportedRow | RefusedRow]


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
    return nppes.row_reader(header) if source is NPPES else _row_reader(header, mapping)


def read_rows(
    table: Table,
    source: Format | ColumnMapping,
    only: nppes.Only | None = None,
    mended: Mapping[int, list[str]] | None = None,
) -> Iterator[tuple[ImportedRow | RefusedRow | int, list[str]]]:
    """As `read_people`, each with its cells; `mended` are the cells that a person gave instead, by row number.

    Of an NPPES file rows that `only` does not ask for come as their number alone: a stretch without any ends too.
    """
    read = reader_of(table.header, source)
    if isinstance(read, Refusal):
        yield RefusedRow(table.header_row, read.text, ", ".join(read.details)), []
        return
    wanted = nppes.wanted(table.header, only) if source is NPPES and only is not None else None
    for row in _with_mended(table, mended) if mended else table:
        if isinstance(row, RefusedRow):
            yield row, list(row.cells)
        elif wanted is not None and not wanted(row[1]):
            yield row[0], []
        else:
            item = read(*row)
            yield item, row[1]


def _with_mended(table: Table, mended: Mapping[int, list[str]]) -> Iterator[Row | RefusedRow]:
    for row in table:
        number = row.row_number if isinstance(row, RefusedRow) else row[0]
        yield (number, mended[number]) if number in mended else row


def _row_reader(header: tuple[str, ...], mapping: ColumnMapping) -> RowReader:
    lines: list[tuple[int, str, Callable[[str], str], dict[str, str]]] = []
    steps: list[tuple[int, Reader]] = []
    for field, positions in mapping.columns.items():
        reader = READERS[field]
        if isinstance(reader, Line):
            lines += [(position, reader.name, reader.read, {}) for position in positions]
        else:
            steps += [(position, reader) for position in positions]
    always = {"suppression_reason": mapping.suppression} if mapping.suppression else {}

    def read(row_number: int, cells: list[str]) -> ImportedRow | RefusedRow:
        values: dict[str, Any] = dict(always)
        position = 0
        try:
            for position, name, understand, known in lines:
                text = cells[position]
                if text:
                    said = known.get(text)
                    if said is None:
                        said = understand(text)
                        if len(known) < KNOWN_PER_COLUMN:
                            known[text] = said
                    if said:
                        values[name] = said
            for position, take in steps:
                text = cells[position]
                if text:
                    take(values, text)
        except Unusable as unusable:
            return RefusedRow(row_number, str(unusable), header[position] or f"Column {position + 1}")
        if mapping.opt_outs_only and "suppression_reason" not in values:
            return RefusedRow(row_number, "The row says neither unsubscribed nor bounced: there is nothing to stop.")
        return _finished(row_number, values)

    return read


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
