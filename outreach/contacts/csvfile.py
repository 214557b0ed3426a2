"""Tables in and out: opening a CSV file of any origin, and writing one that no spreadsheet will run. Pure.

Reading streams: memory stays constant whatever the size of the file.
"""

import csv
import io
import itertools
import os
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO

from outreach.contacts.textfile import TextFile, open_text
from outreach.errors import Refusal

SEPARATORS = (",", ";", "\t")
SAMPLE_ROWS = 20

_HEAD_CHARS = 1 << 16
_BLOCK_CHARS = 1 << 18
_LONGEST_CELL_LINES = 1_000
"""A note that goes on for longer is a quotation mark that was never closed."""
_LONGEST_SHOWN, _MOST_CELLS_SHOWN = 2_000, 500
"""Of a row that could not be read: enough to mend it by."""
_MOST_TITLE_LINES = 5
_EXPORT_CHUNK_ROWS = 500
# A spreadsheet runs what starts like this (OWASP, "CSV Injection"); the wide forms do the same in East Asian locales.
_RUNS = "=+\\-@\t\r\n＝＋－＠"
_NEEDS_ESCAPE = re.compile(f"'*[{_RUNS}]")
_ESCAPED = re.compile(f"'+[{_RUNS}]")
_DATA_IN_HEADER = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[\d()+./ -]{5,}")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken: its number in the file, a reason for people, and the column's name or "".

    `cells` is what could be read of a row that has too few or too many, or its text where it could not be read at all.
    """

    row_number: int
    reason: str
    column: str = ""
    cells: tuple[str, ...] = field(default=(), compare=False)


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
        self._rows: Iterator[Row | RefusedRow] = itertools.chain(first, rows)

    def __iter__(self) -> Iterator[Row | RefusedRow]:
        return self._rows

    def skip_to(self, row_number: int) -> None:
        """Everything up to this row is read over. Quick: nothing is understood on the way."""
        self._rows = itertools.dropwhile(
            lambda row: (row.row_number if isinstance(row, RefusedRow) else row[0]) <= row_number, self._rows
        )

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
    titles = 0 if declared else _title_lines(head)
    for _ in range(titles):
        head = head[len(text.stream.readline()) :]
    above = titles + bool(declared)
    separator = declared[1] if declared else _separator(head)
    reader = csv.reader(text.stream, delimiter=separator, strict=True)
    row_number, header = _header(reader)
    row_number += above
    if not header or any(_DATA_IN_HEADER.fullmatch(name) for name in header):
        return Refusal("no-header", "The first row is not a row of column names. Add one at the top of the file.")
    # The reader of the header took whole lines, and none beyond its own: the stream stands at the first row.
    line = reader.line_num + above
    rows = _rows(text.stream, separator, row_number, line, len(header))
    table = Table(header, row_number, text, separator, rows)
    if table.is_empty:
        return Refusal("no-rows", "The file holds column names but no rows.")
    return table


def _title_lines(head: str) -> int:
    """How many lines stand above the column names: the title of a report, alone in its row, and blank rows."""
    titled, lines = False, head.split("\n", _MOST_TITLE_LINES + 2)
    for number, line in enumerate(lines[: _MOST_TITLE_LINES + 1]):
        rows = (next(csv.reader(io.StringIO(line, newline=""), delimiter=one), []) for one in SEPARATORS)
        filled = max(([cell for cell in row if cell.strip()] for row in rows), key=len)
        if len(filled) > 1:
            named = len(filled) > 2 and not any(_DATA_IN_HEADER.fullmatch(cell.strip()) for cell in filled)
            return number if titled and named and any(map(str.strip, lines[number + 1 :])) else 0
        titled = titled or bool(filled)
    return 0


def _separator(head: str) -> str:
    def fit(separator: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
        widths = [len(row) for row in itertools.islice(rows, SAMPLE_ROWS) if row]
        if not widths or widths[0] < 2:
            return 0, 0
        return sum(width == widths[0] for width in widths), widths[0]

    return max(SEPARATORS, key=fit)


def _header(reader: Any) -> tuple[int, tuple[str, ...]]:
    try:
        for row_number, cells in enumerate(reader, start=1):
            if any(cells):
                return row_number, tuple(" ".join(cell.split()) for cell in cells)
    except csv.Error:
        pass
    return 0, ()


def _rows(stream: TextIO, separator: str, row_number: int, line: int, width: int) -> Iterator[Row | RefusedRow]:
    """Stretch by stretch: where every line is a row of its own the csv module reads them all in one go."""
    while block := stream.readlines(_BLOCK_CHARS):
        cells_of_all = _plain_rows(block, separator, width)
        if cells_of_all is None:
            row_number, line = yield from _careful_rows(block, stream, separator, row_number, line, width)
            continue
        line += len(block)
        for cells in cells_of_all:
            row_number += 1
            if any(cells):
                yield row_number, cells


def _plain_rows(block: list[str], separator: str, width: int) -> list[list[str]] | None:
    try:
        found = list(csv.reader(block, delimiter=separator, strict=True))
    except csv.Error:
        return None
    return found if len(found) == len(block) and all(len(cells) in (width, 0) for cells in found) else None


def _careful_rows(
    block: list[str], stream: TextIO, separator: str, row_number: int, line: int, width: int
) -> Generator[Row | RefusedRow, None, tuple[int, int]]:
    """Row by row: a quotation mark that is never closed costs its own line only, the lines behind it are read again."""
    waiting = deque(block)
    while waiting:
        held: list[str] = []
        cells, fault = _one_row(waiting, stream, separator, held)
        row_number += 1
        again = _lines_to_read_again(held, cells, width, separator)
        if again:
            waiting.extendleft(reversed(held[1:]))
            del held[1:]
            yield RefusedRow(row_number, _broken("unexpected end", line + 1), cells=_as_it_stands(held))
        elif cells is None:
            yield RefusedRow(row_number, _broken(fault, line + 1), cells=_as_it_stands(held))
        elif any(cells):
            yield (row_number, cells) if len(cells) == width else _ragged(row_number, cells, width)
        line += len(held)
    return row_number, line


def _one_row(waiting: deque[str], stream: TextIO, separator: str, held: list[str]) -> tuple[list[str] | None, str]:
    def feed() -> Iterator[str]:
        while len(held) < _LONGEST_CELL_LINES:
            held.append(waiting.popleft() if waiting else stream.readline())
            if not held[-1]:
                held.pop()
                return
            yield held[-1]

    try:
        return next(csv.reader(feed(), delimiter=separator, strict=True)), ""
    except csv.Error as error:
        return None, str(error)


def _lines_to_read_again(held: list[str], cells: list[str] | None, width: int, separator: str) -> bool:
    """Whether a wrong row swallowed others: it took several lines, and one of them is a whole row by itself."""
    if len(held) < 2 or (cells is not None and len(cells) == width):
        return False
    return cells is None or any(_plain_rows([one], separator, width) for one in held[1:])


def _ragged(row_number: int, cells: list[str], width: int) -> Row | RefusedRow:
    if len(cells) > width and not any(cells[width:]):
        return row_number, cells[:width]
    text = f"This row has {len(cells)} cells, the header has {width}."
    return RefusedRow(row_number, text, cells=tuple(cells[:_MOST_CELLS_SHOWN]))


def _as_it_stands(held: list[str]) -> tuple[str, ...]:
    return ("".join(held)[:_LONGEST_SHOWN].strip(),)


def _broken(error: str, line: int) -> str:
    if "unexpected end" in error:
        return f"A quotation mark is opened and never closed: line {line:,} could not be read."
    if "field larger" in error:
        return f"A cell is longer than {csv.field_size_limit():,} characters: line {line:,} could not be read."
    return f"A quotation mark is in the wrong place: line {line:,} could not be read."


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
