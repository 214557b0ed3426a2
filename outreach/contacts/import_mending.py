"""Refused rows are mended: on the screen before the import runs, or as an import of their own afterwards."""

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.contacts import import_checking
from outreach.contacts.clinical import forbidden_columns
from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.import_files import Item, Seen, source_of
from outreach.contacts.import_uploading import choose_alike, upload
from outreach.contacts.importing import choose
from outreach.contacts.imports import ImportLine, ImportRun
from outreach.contacts.intake import reader_of
from outreach.errors import Refusal

MOST_MENDED = 1_000
"""Rows mended one by one on the screen; with more, mending the file is quicker."""
MOST_FIELDS = 12
LONGEST_CELL = 10_000
IN_MEMORY_BYTES = 1 << 20


def fields_of(run: ImportRun, line: ImportLine) -> list[tuple[int, str, str]]:
    """What of a refused row can be typed anew, as (position, column name, cell): the column that was wrong, or all
    that are read when nobody knows which; nothing of a row whose cells were not kept."""
    if not line.cells:
        return []
    named = [position for position, name in enumerate(run.header) if line.column and name == line.column]
    if not named:
        read = sorted({position for positions in run.mapping.values() for position in positions})
        named = read[:MOST_FIELDS]
    cells = _whole(run, line.cells)
    return [(position, run.header[position] or f"Column {position + 1}", cells[position]) for position in named]


def mend(
    session: Session, run: ImportRun, typed: Mapping[int, Mapping[int, str]], *, key: bytes
) -> tuple[int, int] | Refusal:
    """The rows (by number) are read with these cells (by position) from now on; answers how many are well and not.

    A row that is still wrong says why and keeps what was typed. What is not a refused row of this import is passed
    over. Idempotent. Refusals: too-late, too-many, and those of `reader_of`.
    """
    session.refresh(run, with_for_update=True)
    if run.status != "checked":
        return Refusal("too-late", "This import runs already: its rows cannot be mended here any more.")
    read = reader_of(tuple(run.header), source_of(run))
    if isinstance(read, Refusal):
        return read
    wrong = (ImportLine.run_id == run.id, ImportLine.result == "problem", ImportLine.row_number.in_(typed))
    items: list[Item] = []
    mended = dict(run.options.get("mended", {}))
    for line in session.scalars(select(ImportLine).where(*wrong).order_by(ImportLine.row_number)):
        cells = _changed(run, line, typed[line.row_number])
        if cells != _whole(run, line.cells):
            mended[str(line.row_number)] = cells
            items.append((read(line.row_number, cells), cells))
    if len(mended) > MOST_MENDED:
        return Refusal("too-many", f"More than {MOST_MENDED:,} rows are mended sooner in the file itself.")
    run.options = {**run.options, "mended": mended}
    _judge_again(session, run, items, key=key)
    still = sum(isinstance(item, RefusedRow) for item, _ in items)
    return len(items) - still, still


def again(
    session: Session, run: ImportRun, *, now: datetime, home: Path, key: bytes, by_id: int | None
) -> ImportRun | Refusal:
    """The refused rows of an import that is done are an import of their own, chosen alike and checked.

    Refusals: nothing-refused, and those of `upload` and `choose`.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
        if not _written(session, run, file):
            return Refusal("nothing-refused", "No row of this import was refused, or it is too long ago.")
        file.seek(0)
        made = upload(session, file, run.file_name, now=now, home=home, by_id=by_id)  # type: ignore[arg-type]
    if isinstance(made, Refusal):
        return made
    choose_alike(made, run)
    made.format, made.mapping = run.format, run.mapping
    refused = choose(
        session,
        made,
        mapping=None,
        default_kind=run.default_kind,
        duplicates=run.duplicates,
        permission=run.permission or "",
        permission_words=run.permission_words,
        now=now,
    )
    if refused is not None:
        return refused
    import_checking.check_at_once(session, made, key=key, home=home, now=now)
    return made


def _whole(run: ImportRun, cells: list[str]) -> list[str]:
    width = len(run.header)
    return [*cells[:width], *[""] * (width - len(cells))]


def _changed(run: ImportRun, line: ImportLine, typed: Mapping[int, str]) -> list[str]:
    cells = _whole(run, line.cells)
    for position, text in typed.items():
        if position < len(cells) and position not in forbidden_columns(run.header):
            cells[position] = text[:LONGEST_CELL]
    return cells


def _judge_again(session: Session, run: ImportRun, items: list[Item], *, key: bytes) -> None:
    if not items:
        return
    numbers = [item.row_number for item, _ in items]
    session.execute(delete(ImportLine).where(ImportLine.run_id == run.id, ImportLine.row_number.in_(numbers)))
    seen = Seen()
    try:
        judged = import_checking.judge(session, run, items, seen, key=key)
    finally:
        seen.close()
    import_checking.keep_refused(session, run, items)
    counts = Counter(run.counts)
    counts.subtract({"problem": len(items)})
    counts.update(result for result, _ in judged)
    run.counts = {name: number for name, number in counts.items() if number}
    run.preview = import_checking.shown(run.preview, zip(items, judged, strict=True))


def _written(session: Session, run: ImportRun, file: IO[bytes]) -> int:
    """The refused rows as a table under the header they came with; answers how many."""
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer, rows = csv.writer(text), 0
    writer.writerow(run.header)
    refused = (ImportLine.run_id == run.id, ImportLine.result == "problem")
    for cells in session.scalars(select(ImportLine.cells).where(*refused).order_by(ImportLine.row_number)):
        if any(cells):
            writer.writerow(cells)
            rows += 1
    text.detach()
    return rows
