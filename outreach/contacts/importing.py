"""A file becomes contacts: uploaded, matched, checked without writing, then run by the worker in committed batches."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from outreach.contacts.columns import ColumnMapping
from outreach.contacts.formats import FORMATS
from outreach.contacts.import_checking import check, count, from_the_start
from outreach.contacts.import_files import Item, OpenFile, close, forget, opened_at
from outreach.contacts.import_undoing import go_on
from outreach.contacts.import_uploading import remember
from outreach.contacts.import_uploading import upload as upload
from outreach.contacts.import_writing import write
from outreach.contacts.imports import DUPLICATES, PERMISSIONS, ImportRun
from outreach.contacts.kinds import KINDS
from outreach.errors import Refusal
from outreach.practice.models import Practice

log = logging.getLogger(__name__)

UNTOUCHED_FOR = timedelta(days=30)
"""An upload that nobody carried on with is forgotten: it holds people's addresses."""
ROWS_AT_A_TIME = 2_500
"""In memory; a turn commits several of these."""


def choose(
    session: Session,
    run: ImportRun,
    *,
    mapping: ColumnMapping | None,
    default_kind: str,
    duplicates: str,
    permission: str,
    permission_words: str,
    now: datetime,
) -> Refusal | None:
    """How the file is to be read and where permission came from is on record, and the check is due. Idempotent.

    `mapping` None keeps what was recognised. Refusals: no-permission-source, bad-kind, bad-choice, too-late.
    """
    if run.status not in ("uploaded", "checking", "checked", "failed") or run.started_at is not None:
        return Refusal("too-late", "This import runs already: its columns cannot be changed any more.")
    if permission not in PERMISSIONS:
        return Refusal("no-permission-source", "Say where permission to write to these people came from.")
    if default_kind not in ("", *KINDS):
        return Refusal("bad-kind", "Choose what kind of contacts these are.")
    if duplicates not in DUPLICATES:
        return Refusal("bad-choice", "Choose what happens to contacts that are in the book already.")
    run.default_kind, run.duplicates = default_kind, duplicates
    if mapping is not None:
        run.mapping = {name: list(positions) for name, positions in mapping.columns.items()}
        if not _is_list_of_opt_outs(run):
            run.format = ""
            remember(session, run, now=now)
    run.permission, run.permission_words = permission, permission_words.strip()[:2000]
    run.status = "checking"
    from_the_start(session, run)
    return None


def _is_list_of_opt_outs(run: ImportRun) -> bool:
    # Whatever columns are chosen: people who unsubscribed must not come in as subscribers.
    return any(known.key == run.format and (known.suppression or known.opt_outs_only) for known in FORMATS)


def start(session: Session, run: ImportRun, *, now: datetime) -> Refusal | None:
    """The worker takes it from here. Idempotent. Refusals: not-checked, nothing-to-do."""
    if run.status == "running":
        return None
    resumable = run.status == "failed" and run.started_at is not None
    if run.status != "checked" and not resumable:
        return Refusal("not-checked", "Look at the check first.")
    if resumable:
        run.status, run.error = "running", ""
        return None
    if not any(run.counts.get(result) for result in ("new", "possible", "updated", "stopped")) and not run.options.get(
        "choices"
    ):
        return Refusal("nothing-to-do", "Nothing in this file would change anything.")
    run.status, run.started_at, run.error = "running", now, ""
    run.position = run.handled = 0
    run.counts = {}
    return None


def work(session: Session, *, now: datetime, key: bytes, home: Path, limit: int) -> int:
    """One batch of the smallest waiting import is checked, written or taken back; answers how many rows it had.

    The smallest first: somebody's fifty contacts do not wait for somebody else's million. What a batch wrote is kept
    when the turn commits; a stop in the middle goes on after the last kept row.
    """
    run = session.scalar(
        select(ImportRun)
        .where(ImportRun.status.in_(("checking", "running")))
        .order_by(ImportRun.size_bytes, ImportRun.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if run is None:
        undone = session.scalar(
            select(ImportRun).where(ImportRun.status == "undone", ImportRun.undone_at.is_(None)).limit(1)
        )
        if undone is not None:
            return go_on(session, undone, now=now, limit=limit)
        _sweep(session, home, now)
        return 0
    if run.status == "checking":
        return check(session, run, key=key, home=home, now=now, limit=limit)
    if session.get_bind().dialect.name == "postgresql":
        # Two imports must not make the same person twice; SQLite's one writer already sees to it.
        session.execute(select(func.pg_advisory_xact_lock(0x0DD5)))
    opened = opened_at(run, home, "run")
    if isinstance(opened, Refusal):
        run.status, run.error = "failed", opened.text
        return 0
    today = _local_day(session, now)
    handled = 0
    while handled < limit:
        # Few rows in memory, many in one commit.
        most = min(ROWS_AT_A_TIME, limit - handled)
        items, read = opened.next_rows(most)
        if not _written(session, run, items, now=now, today=today, key=key, opened=opened, read=read):
            return 0
        handled += read
        if read < most:
            run.status, run.finished_at, run.rows_total = "done", now, run.handled
            run.samples, run.preview = [], {}
            close(run, home, "run")
            break
    return handled


def _written(
    session: Session,
    run: ImportRun,
    items: Sequence[Item],
    *,
    now: datetime,
    today: date,
    key: bytes,
    opened: OpenFile,
    read: int,
) -> bool:
    counted: Counter[str] = Counter()
    if items:
        try:
            counted = write(session, run, items, now=now, today=today, key=key)
        except OperationalError:
            raise  # a deadlock or a cut line: the whole batch is begun again
        except Exception:  # one bad batch must not come back every tick for ever: the person sees it and decides
            log.exception("The import %s stopped", run.id)
            # Back to the last commit; a savepoint per batch would cost a third of the whole import on SQLite.
            session.rollback()
            session.refresh(run)
            run.status = "failed"
            run.error = (
                f"Something broke after row {run.position:,}. Everything before it is kept; nothing after it was."
            )
            return False
    count(run, counted, opened, read, left_out=read - len(items))
    return True


def discard(session: Session, run: ImportRun, *, home: Path) -> Refusal | None:
    """An import that has not begun is gone with its file. Refusals: too-late."""
    if run.started_at is not None:
        return Refusal("too-late", "This import has begun; undo it when it is done.")
    for phase in ("check", "run"):
        close(run, home, phase)
    forget(home, run.id)
    session.delete(run)
    return None


def _sweep(session: Session, home: Path, now: datetime) -> None:
    # Only once the turn that finished the import is committed: a stop just before must find the file again.
    kept = [int(path.stem) for path in (home / "imports").glob("*.csv") if path.stem.isdigit()]
    if kept:
        runs = select(ImportRun).where(ImportRun.id.in_(kept))
        untouched = (ImportRun.started_at.is_(None), ImportRun.created_at < now - UNTOUCHED_FOR)
        for run in session.scalars(runs.where(ImportRun.status.in_(("done", "undone")))):
            forget(home, run.id)
        for run in session.scalars(runs.where(*untouched)).all():
            discard(session, run, home=home)


def _local_day(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(session.scalar(select(Practice.time_zone)) or "UTC")).date()
