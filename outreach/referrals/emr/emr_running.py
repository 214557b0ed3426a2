"""An export on its way: let in, matched, checked without writing, run by the worker in batches, erased, undone."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from contextlib import contextmanager
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from outreach.audit import AuditEntry
from outreach.contacts import tasks
from outreach.contacts.clinical import words
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.practice.models import Practice
from outreach.referrals import refreshing
from outreach.referrals.emr.door import let_in, rows_of
from outreach.referrals.emr.emr_columns import FIELDS, WORD_FIELDS, Mapping, header_key, mapping_from
from outreach.referrals.emr.emr_models import KEPT_FOR, WAITING, EmrLine, EmrMapping, EmrRun
from outreach.referrals.emr.emr_writing import KeptRow, Offer, judge, own_words, write
from outreach.referrals.models import Referral

log = logging.getLogger(__name__)

CHECKED_ROWS = 20_000
"""As many rows are looked at while a person waits for the check."""
STRETCH = 500
LETTING_IN = 0x0DD7
"""The lock on PostgreSQL that keeps the sweep from files whose run is not committed yet."""
WORDS_ASKED = 30
"""As many words of one field are asked about; the rest of a column of free text is not for asking."""
CHANGED_BY_HAND = ("moved", "matched", "corrected")


def folder(home: Path) -> Path:
    """Where uploads are kept while they wait."""
    return home / "emr"


def upload(
    session: Session, source: BinaryIO, *, now: datetime, home: Path, key: bytes, by_id: int | None
) -> EmrRun | Refusal:
    """What may come in of the file is kept, its columns are guessed or known from the last time; nothing else happens.

    Refusals: those of `door.let_in`, and not-a-report when no column looks like one of a referral report.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock_shared(LETTING_IN)))
    run = EmrRun(header=[], dropped=[], has_client_key=False, rows_total=0, by_id=by_id, created_at=now)
    session.add(run)
    session.flush()
    with _written(folder(home) / f"{run.id}.csv") as target:
        door = let_in(source, target, key=key, said=_explained(session), known=own_words(session))
    guessed = {} if isinstance(door, Refusal) else door.columns
    known = None if isinstance(door, Refusal) else session.get(EmrMapping, header_key(door.header))
    if isinstance(door, Refusal) or not (guessed or known):
        _forget(home, run.id)
        session.delete(run)
        session.flush()
        return (
            door
            if isinstance(door, Refusal)
            else Refusal(
                "not-a-report",
                "No column of this file looks like a referral report: neither a referral date nor who referred. Export "
                "the report with its column names in the first row.",
            )
        )
    run.header, run.dropped = list(door.header), [list(one) for one in door.dropped]
    run.has_client_key, run.rows_total = door.has_client_key, door.rows + len(door.refused)
    run.mapping = (_remembered(known, run.header) if known else Mapping(guessed)).as_json()
    if door.refused:
        session.execute(
            insert(EmrLine),
            [
                {"run_id": run.id, "row_number": one.row_number, "result": "refused", "reason": one.reason[:500]}
                for one in door.refused
            ],
        )
        run.counts, run.handled = {"refused": len(door.refused)}, len(door.refused)
    return run


def choose(session: Session, run: EmrRun, mapping: Mapping, *, now: datetime) -> Refusal | None:
    """How the file is read is on record, for this import and for the next of the same report. Refusals: too-late."""
    if run.status not in ("uploaded", "failed") or run.started_at is not None:
        return Refusal("too-late", "This import runs already: its columns cannot be changed any more.")
    run.mapping = mapping.as_json()
    known = session.get(EmrMapping, header_key(run.header)) or EmrMapping(header_key=header_key(run.header))
    known.columns = {name: run.header[at] for name, at in mapping.columns.items()}
    known.day_first, known.discipline, known.used_at = mapping.day_first, mapping.discipline, now
    known.words = run.mapping["words"]
    session.add(known)
    session.flush()
    return None


def explain(session: Session, run: EmrRun, said: AnyMapping[str, str], *, now: datetime, home: Path) -> Refusal | None:
    """What a left out column of this report holds (name to field) is on record; this upload is erased unread.

    The next upload with such a column lets it in. Refusals: unknown-field, twice, too-late.
    """
    if any(field not in FIELDS for field in said.values()):
        return Refusal("unknown-field", "Choose what each column holds from the list.")
    if len(set(said.values())) < len(said):
        return Refusal("twice", "Two columns of the file are marked as the same. Choose one of them.")
    refusal = discard(session, run, home=home)
    if refusal is None:
        key = header_key(list(said))
        known = session.get(EmrMapping, key) or EmrMapping(header_key=key)
        known.columns, known.used_at = {field: name for name, field in said.items()}, now
        session.add(known)
        session.flush()
    return refusal


def check(
    session: Session, run: EmrRun, *, home: Path, key: bytes, now: datetime, today: date
) -> tuple[Counter[str], list[tuple[int, str]]]:
    """What the import would do, as counts, and (row number, reason) of rows it would refuse; nothing is written.

    The first `CHECKED_ROWS` rows are looked at.
    """
    mapping, counted = mapping_from(run.mapping), Counter({"refused": int(run.counts.get("refused", 0))})
    refused: list[tuple[int, str]] = []
    seen: set[str | None] = set()
    for rows in _stretches(home, run, limit=CHECKED_ROWS):
        judged = judge(session, rows, mapping, now=now, today=today, key=key)
        repeated = [one for one in judged.fresh if one[1].case_key in seen]
        seen |= {referral.case_key for _, referral in judged.fresh}
        refused += judged.refused
        counted += judged.counts(today=today)
        counted["new"] -= len(repeated)
        counted["unmatched"] -= sum(one.source_type == "unmatched" for _, one in repeated)
    return counted, refused


def unknown_words(session: Session, run: EmrRun, *, home: Path) -> dict[str, list[tuple[str, int]]]:
    """Words of the file that mean no payer, service or clinic yet, with how often, the most frequent first."""
    mapping = mapping_from(run.mapping)
    offer = Offer.of(session, mapping)
    counted: dict[str, Counter[str]] = {name: Counter() for name in WORD_FIELDS if name in mapping.columns}
    for rows in _stretches(home, run, limit=CHECKED_ROWS):
        for _, _, cells in rows:
            for name, said in counted.items():
                word = mapping.cell(cells, name)
                if word and not offer.knows(name, word):
                    said[word] += 1
    return {name: said.most_common(WORDS_ASKED) for name, said in counted.items() if said}


def samples(run: EmrRun, *, home: Path, limit: int = 3) -> list[list[str]]:
    """The cells of the first rows, read from the file: they are kept nowhere else."""
    return [cells for rows in _stretches(home, run, limit=limit) for _, _, cells in rows]


def mean(run: EmrRun, said: dict[str, dict[str, int]]) -> Mapping:
    """The run's mapping with what a person said that words mean: {"payer": {word as in the file: id}}."""
    mapping = mapping_from(run.mapping)
    known = {name: dict(mapping.words.get(name, {})) for name in WORD_FIELDS}
    for name, meant in said.items():
        known[name] |= {words(word): at for word, at in meant.items()}
    return Mapping(mapping.columns, mapping.day_first, mapping.discipline, known)


def start(run: EmrRun, *, now: datetime) -> Refusal | None:
    """The worker may begin (or go on after a failure). A second press does nothing. Refusals: no-mapping, over."""
    if run.status == "running":
        return None
    if run.status not in ("uploaded", "failed"):
        return Refusal("over", "This import is over. Upload the file again.")
    if "received_on" not in mapping_from(run.mapping).columns:
        return Refusal("no-mapping", "Say first what the columns hold.")
    run.status, run.error, run.started_at = "running", "", run.started_at or now
    return None


def work(session: Session, *, now: datetime, home: Path, key: bytes, limit: int) -> int:
    """One batch of the oldest running import is written; answers how many rows. Files that nobody needs are erased.

    What a batch wrote is kept when the turn commits; after a stop it goes on behind the last kept row.
    """
    run = session.scalar(
        select(EmrRun).where(EmrRun.status == "running").order_by(EmrRun.id).limit(1).with_for_update(skip_locked=True)
    )
    if run is None:
        sweep(session, home, now=now)
        return 0
    if session.get_bind().dialect.name == "postgresql":
        # Two imports must not make the same referral twice; SQLite's one writer already sees to it.
        session.execute(select(func.pg_advisory_xact_lock(0x0DD6)))
    today = now.astimezone(ZoneInfo(session.scalar(select(Practice.time_zone)) or "UTC")).date()
    path = folder(home) / f"{run.id}.csv"
    if not path.exists():
        run.status, run.error = "failed", "The uploaded file is not there any more. Upload it again."
        return 0
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(islice(rows_of(file, after=run.position), limit))
    try:
        with session.begin_nested():
            counted = write(session, run, rows, mapping_from(run.mapping), now=now, today=today, key=key)
    except OperationalError:
        raise  # a deadlock or a cut line: the whole batch is begun again
    except Exception as error:  # the person sees it and decides; the message of an error could quote a row
        log.error("EMR import %s stopped after row %s: %s", run.id, run.position, type(error).__name__)
        run.status = "failed"
        run.error = f"Something broke after row {run.position:,}. Everything before it is kept; nothing after it was."
        return 0
    run.counts = dict(Counter(run.counts) + counted)
    run.handled += len(rows)
    run.position = rows[-1][0] if rows else run.position
    if len(rows) < limit:
        run.status, run.finished_at = "done", now
        if run.counts.get("new") or run.counts.get("updated"):
            refreshing.soon(session, now=now, today=today)
    return len(rows)


def discard(session: Session, run: EmrRun, *, home: Path) -> Refusal | None:
    """An import that has not begun is gone, and its file is erased. Refusals: too-late."""
    if run.started_at is not None:
        return Refusal("too-late", "This import has begun; undo it when it is done.")
    _forget(home, run.id)
    session.execute(delete(EmrLine).where(EmrLine.run_id == run.id))
    session.delete(run)
    return None


def sweep(session: Session, home: Path, *, now: datetime) -> None:
    """Every file that no waiting import needs is erased: after a run, after a crash, and when it waited too long."""
    old = (EmrRun.status.in_(("uploaded", "failed")), EmrRun.created_at < now - KEPT_FOR)
    kept = {path.stem: path for path in folder(home).glob("*.csv")}
    if not kept:
        return
    if session.get_bind().dialect.name == "postgresql":
        # A report that is being let in has its file before its run can be seen: its turn is waited for.
        session.execute(select(func.pg_advisory_xact_lock(LETTING_IN)))
    session.execute(update(EmrRun).where(*old).values(status="discarded"))
    needed = set(session.scalars(select(EmrRun.id).where(EmrRun.status.in_(WAITING))))
    for name, path in kept.items():
        if not name.isdigit() or int(name) not in needed:
            path.unlink(missing_ok=True)


def undo(session: Session, run: EmrRun, *, now: datetime, today: date) -> tuple[int, int] | Refusal:
    """The referrals that the import made are out of the log, but for those that somebody worked on since.

    Answers how many went and how many stay. The same file can be imported again. Refusals: too-late.
    """
    if not run.can_be_undone(now):
        return Refusal("too-late", "An import can be undone for seven days after it is done.")
    by_hand = select(AuditEntry.subject_id).where(
        AuditEntry.subject_type == "referral", AuditEntry.action.in_(CHANGED_BY_HAND), AuditEntry.at >= run.created_at
    )
    made = select(EmrLine.referral_id).where(EmrLine.run_id == run.id, EmrLine.result == "new")
    mine = (Referral.id.in_(made), Referral.deleted_at.is_(None))
    gone = session.scalars(select(Referral.id).where(*mine, Referral.id.not_in(by_hand))).all()
    stay = len(session.scalars(select(Referral.id).where(*mine)).all()) - len(gone)
    for first in range(0, len(gone), STRETCH):
        some = gone[first : first + STRETCH]
        session.execute(update(Referral).where(Referral.id.in_(some)).values(deleted_at=now, case_key=None))
        session.execute(delete(Touch).where(Touch.origin.in_([f"referral:{number}" for number in some])))
        asked = select(Task).where(
            Task.origin.in_([f"referral:{number}:thanks" for number in some]), Task.closed_at.is_(None)
        )
        for task in session.scalars(asked).all():
            tasks.close(session, task, now=now, by_id=None, outcome="dropped")
    run.status, run.undone_at = "undone", now
    session.flush()
    refreshing.soon(session, now=now, today=today)
    return len(gone), stay


def _explained(session: Session) -> dict[str, str]:
    """What people said that columns hold: words of the name to field; the latest word counts."""
    kept = session.scalars(select(EmrMapping.columns).order_by(EmrMapping.used_at, EmrMapping.header_key))
    return {words(name): field for columns in kept for field, name in columns.items()}


def _stretches(home: Path, run: EmrRun, *, limit: int) -> Iterator[list[KeptRow]]:
    path = folder(home) / f"{run.id}.csv"
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = islice(rows_of(file, after=0), limit)
        while some := list(islice(rows, STRETCH)):
            yield some


def _remembered(known: EmrMapping, header: list[str]) -> Mapping:
    at = {words(name): position for position, name in enumerate(header)}
    columns = {name: at[words(column)] for name, column in known.columns.items() if words(column) in at}
    return Mapping(columns, known.day_first, known.discipline, known.words)


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    path.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
    ) as file:
        yield file


def _forget(home: Path, run_id: int) -> None:
    (folder(home) / f"{run_id}.csv").unlink(missing_ok=True)
