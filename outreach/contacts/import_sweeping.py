"""Uploaded files hold people's addresses: they are gone when nothing needs them any more."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.import_files import close, forget
from outreach.contacts.imports import ImportRun
from outreach.errors import Refusal

UNTOUCHED_FOR = timedelta(days=30)
"""An upload that nobody carried on with is forgotten after this long, and so is one that stopped half-way."""
PHASES = ("check", "run")


def discard(session: Session, run: ImportRun, *, home: Path) -> Refusal | None:
    """An import that has not begun is gone with its file. Refusals: too-late."""
    if run.started_at is not None:
        return Refusal("too-late", "This import has begun; undo it when it is done.")
    _forget(run, home)
    session.delete(run)
    return None


def sweep(session: Session, home: Path, now: datetime) -> None:
    """Files of imports that are done, undone or given up are gone. Idempotent.

    Only once the turn that finished the import is committed: a stop just before must find the file again.
    """
    kept = [int(path.stem) for path in (home / "imports").glob("*.csv") if path.stem.isdigit()]
    if not kept:
        return
    runs = select(ImportRun).where(ImportRun.id.in_(kept))
    stopped = (ImportRun.status == "failed", ImportRun.finished_at < now - UNTOUCHED_FOR)
    for which in ((ImportRun.status.in_(("done", "undone")),), stopped):
        for run in session.scalars(runs.where(*which)):
            _forget(run, home)
    untouched = (ImportRun.started_at.is_(None), ImportRun.created_at < now - UNTOUCHED_FOR)
    for run in session.scalars(runs.where(*untouched)).all():
        discard(session, run, home=home)


def _forget(run: ImportRun, home: Path) -> None:
    for phase in PHASES:
        close(run, home, phase)
    forget(home, run.id)
