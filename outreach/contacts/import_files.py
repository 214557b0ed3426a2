"""The uploaded file on its way through: kept until the import is done, read in stretches, found again after a stop."""

import contextlib
import fcntl
import hashlib
import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from outreach.contacts.columns import ColumnMapping
from outreach.contacts.csvfile import RefusedRow, Table, open_table
from outreach.contacts.formats import FORMATS, NPPES, Format
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import ImportRun
from outreach.contacts.intake import read_rows
from outreach.contacts.nppes import Only
from outreach.errors import Refusal

CHUNK_BYTES = 1 << 20

Item = tuple[ImportedRow | RefusedRow, list[str]]
"""A row as it was understood, with the cells as they stood in the file."""


def path_of(home: Path, run_id: int) -> Path:
    """Where the file of an import is kept."""
    return home / "imports" / f"{run_id}.csv"


def keep(source: BinaryIO, target: Path) -> tuple[str, int]:
    """The upload is on disk, readable by us alone; answers its SHA-256 and size in bytes."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def forget(home: Path, run_id: int) -> None:
    """The file is gone; idempotent."""
    path_of(home, run_id).unlink(missing_ok=True)


def source_of(run: ImportRun) -> Format | ColumnMapping:
    """How the rows of this import are read: NPPES by its own reader, all others by the columns chosen."""
    known = next((known for known in FORMATS if known.key == run.format), None)
    if known is NPPES:
        return known
    columns = {name: tuple(positions) for name, positions in run.mapping.items()}
    return ColumnMapping(columns, known.suppression, known.opt_outs_only) if known else ColumnMapping(columns)


class Seen:
    """Numbers met so far, in a database of its own that nobody else sees: a million take 20 MB, in a set 80."""

    def __init__(self) -> None:
        """Nothing yet; what does not fit into memory goes to a temporary file that is gone with the process."""
        self._numbers = sqlite3.connect("", isolation_level=None)
        self._numbers.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8000;"
            "CREATE TABLE seen (number INTEGER PRIMARY KEY); BEGIN"
        )

    def add(self, number: int) -> bool:
        """Whether the number is new; from now on it is not."""
        return self._numbers.execute("INSERT OR IGNORE INTO seen VALUES (?)", (number,)).rowcount == 1

    def close(self) -> None:
        """Everything is forgotten."""
        self._numbers.close()


@dataclass
class OpenFile:
    """A file being read; `position` is the number of the last row given out, `seen` the people met so far."""

    table: Table
    rows: Iterator[tuple[ImportedRow | RefusedRow | int, list[str]]]
    position: int = 0
    seen: Seen = field(default_factory=Seen)
    held: BinaryIO | None = None
    """The file once more, locked against other processes; the lock is gone with the process, however it ends."""

    def close(self) -> None:
        """The file is given back."""
        self.table.close()
        self.seen.close()
        if self.held is not None:
            self.held.close()

    def next_rows(self, count: int) -> tuple[list[Item], int]:
        """The next rows that are asked for, and how many were read to find them: fewer than `count` at the end."""
        read = list(itertools.islice(self.rows, count))
        if read:
            last = read[-1][0]
            self.position = last if isinstance(last, int) else last.row_number
        return [(item, cells) for item, cells in read if not isinstance(item, int)], len(read)


BUSY = "busy"
"""The reason when another process is at this file: nothing is wrong, it goes on there."""


def open_at(path: Path, run: ImportRun, position: int) -> OpenFile | Refusal:
    """The file, with everything up to row `position` read over, for this process alone.

    Refusals: those of `open_table`, file-gone, busy (another process has it).
    """
    if not path.exists():
        return Refusal("file-gone", "The uploaded file is not there any more. Upload it again.")
    with contextlib.ExitStack() as to_close:
        held = to_close.enter_context(path.open("rb"))
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return Refusal(BUSY, "Another process is reading this file.")
        table = open_table(path)
        if isinstance(table, Refusal):
            return table
        to_close.pop_all()
    if position:
        table.skip_to(position)
    mended = {int(number): cells for number, cells in run.options.get("mended", {}).items()}
    rows = read_rows(table, source_of(run), Only.of(run.options.get("only")), mended)
    return OpenFile(table, rows, position, held=held)


_open_files: dict[tuple[Path, str], OpenFile] = {}
"""Files half read, so that the next batch need not read them over; after a restart they are opened again."""


def opened_at(run: ImportRun, home: Path, phase: str, restart: Callable[[], None] | None = None) -> OpenFile | Refusal:
    """The file where the last kept batch ended; with `restart`, which is then called, from its start when opened anew.

    Refusals: those of `open_at`.
    """
    path = path_of(home, run.id)
    kept = _open_files.get((path, phase))
    if kept is not None and kept.position == run.position and run.position:
        return kept
    close(run, home, phase)
    opened = open_at(path, run, 0 if restart else run.position)
    if isinstance(opened, OpenFile):
        if restart:
            restart()
        _open_files[path, phase] = opened
    return opened


def close(run: ImportRun, home: Path, phase: str) -> None:
    """The file is given back. Idempotent."""
    kept = _open_files.pop((path_of(home, run.id), phase), None)
    if kept is not None:
        kept.close()


def close_all() -> None:
    """What a new process knows of the old one: nothing."""
    for opened in _open_files.values():
        opened.close()
    _open_files.clear()
