"""`outreach import FILE`: the import of the web pages for a terminal, in committed batches."""

import time
from pathlib import Path

from outreach.config import Settings
from outreach.contacts import importing
from outreach.contacts.imports import ImportRun
from outreach.errors import OutreachError, Refusal
from outreach.runtime import Runtime, open_runtime

BATCH = 1000
WAIT_SECONDS = 0.2
"""While the worker has the file."""


def bring(settings: Settings, file: Path, *, kind: str, permission: str, duplicates: str, only_check: bool) -> str:
    """The file's contacts are in the book (or, with `only_check`, counted); answers what became of the rows.

    Errors: OutreachError with the words of whatever refused the file or a choice; what was written before is kept.
    """
    runtime = open_runtime(settings)
    try:
        run_id = _uploaded(runtime, file)
        with runtime.turn() as turn:
            run = turn.session.get_one(ImportRun, run_id)
            _agreed(
                importing.choose(
                    turn.session,
                    run,
                    mapping=None,
                    default_kind=kind,
                    duplicates=duplicates,
                    permission=permission,
                    permission_words="",
                    now=turn.now,
                )
            )
        found = _worked(runtime, run_id, "checking")
        if only_check:
            with runtime.turn() as turn:
                importing.discard(turn.session, turn.session.get_one(ImportRun, run_id), home=settings.home)
            return f"Nothing was written. {found}"
        with runtime.turn() as turn:
            _agreed(importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now))
        return f"{_worked(runtime, run_id, 'running')} It can be undone for seven days, on the import's page."
    finally:
        runtime.close()


def _uploaded(runtime: Runtime, file: Path) -> int:
    try:
        with file.open("rb") as source, runtime.turn() as turn:
            run = importing.upload(
                turn.session, source, file.name, now=turn.now, home=runtime.settings.home, by_id=None
            )
            if isinstance(run, Refusal):
                raise OutreachError(run.text)
            return run.id
    except OSError as broken:
        raise OutreachError(f"{file} cannot be read ({broken.strerror}).") from broken


def _worked(runtime: Runtime, run_id: int, while_it_is: str) -> str:
    """The worker may take batches too: whoever is first, each row is handled once."""
    settings = runtime.settings
    while True:
        with runtime.turn() as turn:
            run = turn.session.get_one(ImportRun, run_id)
            if run.status == "failed":
                raise OutreachError(run.error)
            if run.status != while_it_is:
                return _counted(run)
            handled = importing.work(turn.session, now=turn.now, key=runtime.key, home=settings.home, limit=BATCH)
        if not handled:
            time.sleep(WAIT_SECONDS)


def _counted(run: ImportRun) -> str:
    parts = [f"{number} {name}" for name, number in run.counts.items() if number]
    return f"Import {run.id}, {run.rows_total or run.handled} rows: {', '.join(parts) or 'nothing to do'}."


def _agreed(refused: Refusal | None) -> None:
    if refused is not None:
        raise OutreachError(refused.text)
