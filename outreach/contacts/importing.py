"""A file becomes contacts: uploaded, matched, checked without writing, then run by the worker in committed batches."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.contacts.columns import ColumnMapping
from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.formats import FORMATS
from outreach.contacts.import_files import Item, OpenFile, forget, open_at, path_of
from outreach.contacts.import_matching import Person, contact_values, differing, look_up, place_values
from outreach.contacts.import_uploading import remember
from outreach.contacts.import_uploading import upload as upload
from outreach.contacts.import_writing import write
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import DUPLICATES, PERMISSIONS, ImportLine, ImportRun
from outreach.contacts.kinds import KINDS
from outreach.errors import Refusal
from outreach.practice.models import Practice

log = logging.getLogger(__name__)

CHECKED_AT_ONCE_BYTES = 1 << 20
"""A file up to this size is checked while the person waits; a larger one by the worker."""
SHOWN_PER_RESULT = 12

_open_files: dict[tuple[Path, str], OpenFile] = {}
"""Files half read, so that the next batch need not read them over; after a restart they are opened again."""


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
    _from_the_start(session, run)
    return None


def _is_list_of_opt_outs(run: ImportRun) -> bool:
    # Whatever columns are chosen: people who unsubscribed must not come in as subscribers.
    return any(known.key == run.format and (known.suppression or known.opt_outs_only) for known in FORMATS)


def check(session: Session, run: ImportRun, *, key: bytes, home: Path, now: datetime, limit: int) -> int:
    """The next rows are counted as new, update, duplicate or problem; no contact is written. Answers how many.

    After the last row the run is "checked" with its counts and a few rows of each result to look at.
    """
    if run.position == 0:
        _from_the_start(session, run)
    opened = _opened(run, home, "check", restart=lambda: _from_the_start(session, run))
    if isinstance(opened, Refusal):
        run.status, run.error = "failed", opened.text
        return 0
    items = opened.next_rows(limit)
    results = _judge(session, run, items, opened.seen, key=key)
    shown = {name: list(rows) for name, rows in run.preview.items()}
    for (item, _), (result, words) in zip(items, results, strict=True):
        rows = shown.setdefault(result, [])
        if len(rows) < SHOWN_PER_RESULT:
            rows.append([item.row_number, *words])
    _keep_refused(session, run, items)
    _count(run, Counter(result for result, _ in results), items, opened)
    run.preview = shown
    if len(items) < limit:
        run.status, run.checked_at, run.rows_total = "checked", now, run.handled
        _close(run, home, "check")
    return len(items)


def check_at_once(session: Session, run: ImportRun, *, key: bytes, home: Path, now: datetime) -> None:
    """A small file is checked whole while the person waits; a larger one is left to the worker."""
    while run.status == "checking" and run.size_bytes <= CHECKED_AT_ONCE_BYTES:
        check(session, run, key=key, home=home, now=now, limit=1000)


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
    if not any(run.counts.get(result) for result in ("new", "updated", "stopped")):
        return Refusal("nothing-to-do", "Nothing in this file would change anything.")
    run.status, run.started_at, run.error = "running", now, ""
    run.position = run.handled = 0
    run.counts = {}
    return None


def work(session: Session, *, now: datetime, key: bytes, home: Path, limit: int) -> int:
    """One batch of the oldest waiting import is checked or written; answers how many rows it had.

    What a batch wrote is kept when the turn commits; a stop in the middle goes on after the last kept row.
    """
    run = session.scalar(
        select(ImportRun)
        .where(ImportRun.status.in_(("checking", "running")))
        .order_by(ImportRun.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if run is None:
        _sweep(session, home)
        return 0
    if run.status == "checking":
        return check(session, run, key=key, home=home, now=now, limit=limit)
    if session.get_bind().dialect.name == "postgresql":
        # Two imports must not make the same person twice; SQLite's one writer already sees to it.
        session.execute(select(func.pg_advisory_xact_lock(0x0DD5)))
    opened = _opened(run, home, "run")
    if isinstance(opened, Refusal):
        run.status, run.error = "failed", opened.text
        return 0
    items = opened.next_rows(limit)
    counted: Counter[str] = Counter()
    if items:
        try:
            with session.begin_nested():
                counted = write(session, run, items, now=now, today=_local_day(session, now), key=key)
        except OperationalError:
            raise  # a deadlock or a cut line: the whole batch is begun again
        except Exception:  # one bad batch must not come back every tick for ever: the person sees it and decides
            log.exception("The import %s stopped after row %s", run.id, run.position)
            run.status = "failed"
            run.error = (
                f"Something broke after row {run.position:,}. Everything before it is kept; nothing after it was."
            )
            return 0
    _count(run, counted, items, opened)
    if len(items) < limit:
        run.status, run.finished_at, run.rows_total = "done", now, run.handled
        run.samples, run.preview = [], {}
        _close(run, home, "run")
    return len(items)


def discard(session: Session, run: ImportRun, *, home: Path) -> Refusal | None:
    """An import that has not begun is gone with its file. Refusals: too-late."""
    if run.started_at is not None:
        return Refusal("too-late", "This import has begun; undo it when it is done.")
    for phase in ("check", "run"):
        _close(run, home, phase)
    forget(home, run.id)
    session.delete(run)
    return None


def _sweep(session: Session, home: Path) -> None:
    # Only once the turn that finished the import is committed: a stop just before must find the file again.
    kept = [int(path.stem) for path in (home / "imports").glob("*.csv") if path.stem.isdigit()]
    if kept:
        over = select(ImportRun.id).where(ImportRun.id.in_(kept), ImportRun.status.in_(("done", "undone")))
        for run_id in session.scalars(over):
            forget(home, run_id)


def _local_day(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(session.scalar(select(Practice.time_zone)) or "UTC")).date()


def _judge(
    session: Session, run: ImportRun, items: Sequence[Item], seen: set[int], *, key: bytes
) -> list[tuple[str, list[str]]]:
    rows = [item for item, _ in items if isinstance(item, ImportedRow)]
    people = {
        row.row_number: Person.of(row, consent.address_hash(key, row.email_key) if row.email_key else None)
        for row in rows
        if row.kind != "organization"
    }
    book = look_up(session, list(people.values()), rows)
    stopped = _stopped(session, [p.hashed for p in people.values() if p.row.kind == "suppression" and p.hashed])
    judged: list[tuple[str, list[str]]] = []
    for item, _cells in items:
        if isinstance(item, RefusedRow):
            judged.append(("problem", [item.column, item.reason]))
            continue
        person = people.get(item.row_number)
        name = " ".join(part for part in (item.first_name, item.last_name) if part) or item.organization
        words = [name or item.email, item.email or item.npi]
        if person is None:
            found, said = book.find_place(item), place_values(item)
            identity = hash((item.organization.lower(), item.npi or item.zip5))
        else:
            found = book.find(person)
            place = book.find_place(item) if item.organization else None
            said, identity = contact_values(person, place["id"] if place else None), person.identity
        if item.kind == "suppression":
            known = person is not None and person.hashed in stopped
            judged.append(("unchanged" if known else "stopped", words))
        elif identity in seen:
            judged.append(("duplicate", words))
        elif found is None:
            judged.append(("new", words))
        else:
            changes = differing(found, said, run.duplicates)
            result = "skipped" if run.duplicates == "skip" else "updated" if changes else "unchanged"
            told = ", ".join(name.removesuffix("_id").replace("zip5", "ZIP").replace("_", " ") for name in changes)
            judged.append((result, [*words, told]))
        seen.add(identity)
    return judged


def _stopped(session: Session, hashes: Sequence[str]) -> set[str]:
    if not hashes:
        return set()
    known = consent.Suppression
    return set(
        session.scalars(
            select(known.address_hash).where(
                known.address_hash.in_(hashes), known.topic == consent.EVERYTHING, known.lifted_at.is_(None)
            )
        )
    )


def _keep_refused(session: Session, run: ImportRun, items: Sequence[Item]) -> None:
    lines: list[dict[str, Any]] = [
        {
            "run_id": run.id,
            "row_number": item.row_number,
            "result": "problem",
            "reason": item.reason[:500],
            "column": item.column[:200],
            "cells": cells,
        }
        for item, cells in items
        if isinstance(item, RefusedRow)
    ]
    if lines:
        session.execute(ImportLine.__table__.insert(), lines)  # type: ignore[attr-defined]


def _from_the_start(session: Session, run: ImportRun) -> None:
    run.position = run.handled = 0
    run.counts, run.preview, run.rows_total, run.error = {}, {}, None, ""
    session.execute(delete(ImportLine).where(ImportLine.run_id == run.id))


def _count(run: ImportRun, counted: Counter[str], items: Sequence[Item], opened: OpenFile) -> None:
    run.counts = dict(Counter(run.counts) + counted)
    run.handled += len(items)
    run.position = opened.position


def _opened(run: ImportRun, home: Path, phase: str, restart: Any = None) -> OpenFile | Refusal:
    path = path_of(home, run.id)
    kept = _open_files.get((path, phase))
    if kept is not None and kept.position == run.position and run.position:
        return kept
    _close(run, home, phase)
    if restart is not None:
        restart()
    opened = open_at(path, run, run.position)
    if isinstance(opened, OpenFile):
        _open_files[path, phase] = opened
    return opened


def _close(run: ImportRun, home: Path, phase: str) -> None:
    kept = _open_files.pop((path_of(home, run.id), phase), None)
    if kept is not None:
        kept.table.close()
