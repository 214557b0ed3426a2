"""Tables in and out: opening a CSV file of any origin, and writing one that no spreadsheet will run. Pure.

Reading streams: memory stays constant whatever the size of the file.
"""

import csv
import io
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TextIO

from outreach.contacts.textfile import TextFile, open_text
from outreach.errors import Refusal

SEPARATORS = (",", ";", "\t")
SAMPLE_ROWS = 20

_HEAD_CHARS = 1 << 16
_EXPORT_CHUNK_ROWS = 500
# A spreadsheet runs what starts like this (OWASP, "CSV Injection"); the wide forms do the same in East Asian locales.
_RUNS = "=+\\-@\t\r\n＝＋－＠"
_NEEDS_ESCAPE = re.compile(f"'*[{_RUNS}]")
_ESCAPED = re.compile(f"'+[{_RUNS}]")
_DATA_IN_HEADER = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[\d()+./ -]{5,}")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken: its number in the file, a reason for people, and the column's name or ""."""

    row_number: int
    reason: str
    column: str = ""


Row = tuple[int, list[str]]


class Table:
    """An open table: column names, and one pass over the rows as (row number, cells) or RefusedRow.

    Row numbers count as a spreadsheet does: the first row of the file is 1, a cell with line breaks does not count
    twice, blank rows count but are left out. Cells are as in the file; every row has as many as the header.
    Iterating again continues where the first pass stopped: open the file again for a second pass.
    """

    def __init__(
        self, header: tuple[str, ...], header_row: int, text: TextFile, separator: str, rows: Iterator[Row | RefusedRow]
    ) -> None:
        self.header = header
        self.header_row = header_row
        self.encoding = text.encoding
        self.separator = separator
        self._release: Callable[[], object] | None = text.release
        first = list(itertools.islice(rows, SAMPLE_ROWS))
        self.samples = tuple(tuple(row[1]) for row in first if not isinstance(row, RefusedRow))
        self.is_empty = not first
        self._rows = itertools.chain(first, rows)

    def __iter__(self) -> Iterator[Row | RefusedRow]:
        return self._rows

    def close(self) -> None:
        """The file is closed, or a stream that was handed in is given back open. Idempotent."""
        if self._release is not None:
            self._release()
            self._release = None

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def open_table(source: str | os.PathLike[str] | bytes | BinaryIO) -> Table | Refusal:
    """Open a CSV file (path, bytes or seekable binary stream): encoding and separator found, column names read.

    Separators: comma, semicolon, tab, or what a first line `sep=;` says. Rows are read as they are asked for; a row
    with too few or too many cells, a stray quotation mark or a cell over 131,072 characters becomes a RefusedRow.
    Refusals: those of `open_text`, and no-header, no-rows.
    Close the table when done (it is a context manager).
    """
    text = open_text(source)
    if isinstance(text, Refusal):
        return text
    table = _table(text)
    if isinstance(table, Refusal):
        text.release()
    return table


def _table(text: TextFile) -> Table | Refusal:
    head = text.stream.read(_HEAD_CHARS)
    text.stream.seek(0)
    declared = re.match(r"sep=([,;\t])\r?\n", head, re.IGNORECASE)
    if declared:
        text.stream.readline()
    separator = declared[1] if declared else _separator(head)
    reader = csv.reader(text.stream, delimiter=separator, strict=True)
    row_number, header = _header(reader)
    row_number += bool(declared)
    if not header or any(_DATA_IN_HEADER.fullmatch(name) for name in header):
        return Refusal("no-header", "The first row is not a row of column names. Add one at the top of the file.")
    rows = _rows(reader, row_number, len(header))
    table = Table(header, row_number, text, separator, rows)
    if table.is_empty:
        return Refusal("no-rows", "The file holds column names but no rows.")
    return table


def _separator(head: str) -> str:
    def fit(separator: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
        widths = [len(row) for row in itertools.islice(rows, SAMPLE_ROWS) if row]
        if not widths or widths[0] < 2:
            return 0, 0
        return sum(width == widths[0] for width in widths), widths[0]

    return max(SEPARATORS, key=fit)


class _Reader(Protocol):
    """What csv.reader returns; its own type has no public name."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def _header(reader: _Reader) -> tuple[int, tuple[str, ...]]:
    try:
        for row_number, cells in enumerate(reader, start=1):
            if any(cells):
                return row_number, tuple(" ".join(cell.split()) for cell in cells)
    except csv.Error:
        pass
    return 0, ()


def _rows(reader: _Reader, row_number: int, width: int) -> Iterator[Row | RefusedRow]:
    line = reader.line_num
    while True:
        try:
            for cells in reader:
                row_number += 1
                line = reader.line_num
                if not any(cells):
                    continue
                if len(cells) != width:
                    yield _ragged(row_number, cells, width)
                else:
                    yield row_number, cells
            return
        except csv.Error as error:
            yield RefusedRow(row_number + 1, _broken(str(error), line + 1, reader.line_num))
            # The lines that the broken row swallowed were most likely rows of their own.
            row_number += max(1, reader.line_num - line)
            line = reader.line_num


def _ragged(row_number: int, cells: list[str], width: int) -> Row | RefusedRow:
    if len(cells) > width and not any(cells[width:]):
        return row_number, cells[:width]
    return RefusedRow(row_number, f"This row has {len(cells)} cells, the header has {width}.")


def _broken(error: str, first_line: int, last_line: int) -> str:
    lines = f"line {first_line:,}" if last_line <= first_line else f"lines {first_line:,} to {last_line:,}"
    if "unexpected end" in error or ("field larger" in error and last_line > first_line):
        return f"A quotation mark is opened and never closed: {lines} could not be read."
    if "field larger" in error:
        return f"A cell is longer than {csv.field_size_limit():,} characters: {lines} could not be read."
    return f"A quotation mark is in the wrong place: {lines} could not be read."


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet takes for a formula: an apostrophe goes before = + - @ TAB CR LF.

    None is empty; numbers stay as they are, so -5 can be added up. `bare_cell` undoes it exactly for text.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    return f"'{value}" if _NEEDS_ESCAPE.match(value) else value


def bare_cell(text: str) -> str:
    """The text as it was before `safe_cell`: one protecting apostrophe is taken off, "'t Hooft" keeps its own."""
    return text[1:] if text.startswith("'") and _ESCAPED.match(text) else text


def write_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The table as chunks of text, every cell through `safe_cell`; encode as UTF-8. Streams: rows are taken as needed.

    Starts with a byte order mark, without which Excel reads UTF-8 as Windows-1252; lines end in CR LF (RFC 4180).
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(map(safe_cell, header))
    remaining = iter(rows)
    while chunk := list(itertools.islice(remaining, _EXPORT_CHUNK_ROWS)):
        writer.writerows(map(safe_cell, row) for row in chunk)
        yield _drained(buffer)
    yield _drained(buffer)


def _drained(buffer: TextIO) -> str:
    buffer.seek(0)
    text = buffer.read()
    buffer.seek(0)
    buffer.truncate()
    return text
