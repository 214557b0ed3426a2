"""The worker's part of an import: batch after batch is checked, written or taken back, each kept when its turn ends."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.import_checking import check, count
from outreach.contacts.import_files import BUSY, Item, OpenFile, close, opened_at
from outreach.contacts.import_sweeping import sweep
from outreach.contacts.import_undoing import go_on
from outreach.contacts.import_writing import write
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import ImportRun
from outreach.errors import Refusal
from outreach.practice.models import Practice

log = logging.getLogger(__name__)

ROWS_AT_A_TIME = 5_000
"""In memory, and written by one statement per table: half as many cost a tenth more. A turn may commit several."""
MOST_BROKEN = 50
"""Rows that cannot be written although they were understood; with more of them it is not the rows."""
BROKEN_ROW = "This row could not be kept: something in it broke our side. Type it in by hand, and tell your helper."


class _TooManyBroken(Exception):
    """It is not single rows: nothing more is tried."""


def work(session: Session, *, now: datetime, key: bytes, home: Path, limit: int) -> int:
    """One batch of the smallest waiting import is checked, written or taken back; answers how many rows it had.

    The smallest first: somebody's fifty contacts do not wait for somebody else's million. What a batch wrote is kept
    when the turn commits; a stop in the middle goes on after the last kept row. An import whose file another process
    is reading is left to it.
    """
    undone = and_(ImportRun.status == "undone", ImportRun.undone_at.is_(None))
    waiting = (
        select(ImportRun.id)
        .where(or_(ImportRun.status.in_(("checking", "running")), undone))
        .order_by(undone, ImportRun.size_bytes, ImportRun.id)
    )
    ids = session.scalars(waiting).all()
    for run_id in ids:
        held = select(ImportRun).where(ImportRun.id == run_id).with_for_update(skip_locked=True)
        run = session.scalars(held, execution_options={"populate_existing": True}).first()
        handled = _worked(session, run, key=key, home=home, now=now, limit=limit) if run is not None else None
        if handled is not None:
            return handled
    if not ids:
        sweep(session, home, now)
    return 0


def _worked(session: Session, run: ImportRun, *, key: bytes, home: Path, now: datetime, limit: int) -> int | None:
    if run.status == "checking":
        return check(session, run, key=key, home=home, now=now, limit=limit)
    if run.status == "running":
        return _run(session, run, key=key, home=home, now=now, limit=limit)
    if run.status == "undone" and run.undone_at is None:
        return go_on(session, run, now=now, limit=limit)
    return None  # somebody else finished it meanwhile


@dataclass
class _Writer:
    """What is the same for all rows of a turn."""

    session: Session
    run: ImportRun
    now: datetime
    today: date
    key: bytes

    def write(self, items: Sequence[Item]) -> Counter[str]:
        return write(self.session, self.run, items, now=self.now, today=self.today, key=self.key)

    def write_in_parts(self, items: Sequence[Item]) -> Counter[str]:
        """All but the rows that break; those are refused. Errors: _TooManyBroken."""
        try:
            with self.session.begin_nested():
                return self.write(items)
        except OperationalError:
            raise
        except Exception as broken:
            if len(items) == 1:
                return self._refused(*items[0], type(broken).__name__)
        half = len(items) // 2
        return self.write_in_parts(items[:half]) + self.write_in_parts(items[half:])

    def _refused(self, item: ImportedRow | RefusedRow, cells: list[str], why: str) -> Counter[str]:
        broken = int(self.run.options.get("broken", 0)) + 1
        if broken > MOST_BROKEN:
            raise _TooManyBroken
        log.error("Row %s of the import %s could not be kept: %s", item.row_number, self.run.id, why)
        self.run.options = {**self.run.options, "broken": broken}
        return self.write([(RefusedRow(item.row_number, BROKEN_ROW), cells)])


def _run(session: Session, run: ImportRun, *, key: bytes, home: Path, now: datetime, limit: int) -> int | None:
    if session.get_bind().dialect.name == "postgresql":
        # Two imports must not make the same person twice; SQLite's one writer already sees to it.
        session.execute(select(func.pg_advisory_xact_lock(0x0DD5)))
    opened = opened_at(run, home, "run")
    if isinstance(opened, Refusal):
        if opened.reason == BUSY:
            return None
        _stop(run, opened.text, now)
        return 0
    writer = _Writer(session, run, now, _local_day(session, now), key)
    handled = 0
    while handled < limit:
        # Few rows in memory, many in one commit.
        most = min(ROWS_AT_A_TIME, limit - handled)
        items, read = opened.next_rows(most)
        counted = _written(writer, items, opened, home)
        if counted is None:
            return 0
        count(run, counted, opened, read, left_out=read - len(items))
        handled += read
        if read < most:
            run.status, run.finished_at, run.rows_total = "done", now, run.handled
            run.samples, run.preview = [], {}
            close(run, home, "run")
            break
    return handled


def _written(writer: _Writer, items: Sequence[Item], opened: OpenFile, home: Path) -> Counter[str] | None:
    """What became of the rows; None when the turn ends here, as if it had never begun."""
    run, careful = writer.run, int(writer.run.options.get("careful", 0))
    if not items:
        return Counter()
    try:
        return writer.write_in_parts(items) if items[0][0].row_number <= careful else writer.write(items)
    except OperationalError:
        raise  # a deadlock or a cut line: the whole batch is begun again
    except Exception as broken:
        log.exception("A batch of the import %s broke", run.id)
        # Back to the last commit; a savepoint per batch would cost a third of the whole import on SQLite.
        writer.session.rollback()
        writer.session.refresh(run)
        close(run, home, "run")
        if isinstance(broken, _TooManyBroken):
            # One bad batch must not come back every tick for ever: the person sees it and decides.
            words = f"Something broke after row {run.position:,}. Everything before it is kept; nothing after it was."
            _stop(run, words, writer.now)
        else:
            run.options = {**run.options, "careful": opened.position}
        return None


def _stop(run: ImportRun, words: str, now: datetime) -> None:
    run.status, run.error, run.finished_at = "failed", words, now


def _local_day(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(session.scalar(select(Practice.time_zone)) or "UTC")).date()
