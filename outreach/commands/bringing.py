"""`outreach import FILE`: the import of the web pages for a terminal, in committed batches."""

import time
from dataclasses import dataclass
from pathlib import Path

from outreach.config import Settings
from outreach.contacts import importing
from outreach.contacts.formats import NPPES
from outreach.contacts.import_narrowing import narrow
from outreach.contacts.import_uploading import upload_all
from outreach.contacts.imports import ImportRun
from outreach.contacts.specialties import GROUPS
from outreach.errors import OutreachError, Refusal
from outreach.runtime import Runtime, open_runtime
from outreach.screen import Turn

BATCH = 1000
WAIT_SECONDS = 0.2
"""While the worker has the file."""


@dataclass(frozen=True)
class Narrowing:
    """What of the national provider file is wanted, as the screen asks it; nothing said is all of it."""

    specialties: tuple[str, ...] = ()
    zips: str = ""
    miles: str = ""
    people_only: bool = False


EVERYBODY = Narrowing()


def bring(
    settings: Settings,
    file: Path,
    *,
    kind: str,
    permission: str,
    duplicates: str,
    only_check: bool,
    only: Narrowing = EVERYBODY,
) -> str:
    """The file's contacts are in the book (or, with `only_check`, counted); answers what became of the rows.

    Of an archive every table is taken, one after the other.
    Errors: OutreachError with the words of whatever refused the file or a choice; what was written before is kept.
    """
    runtime = open_runtime(settings)
    chosen = {"default_kind": kind, "duplicates": duplicates, "permission": permission, "permission_words": ""}
    try:
        said = []
        for run_id in _uploaded(runtime, file):
            with runtime.turn() as turn:
                run = turn.session.get_one(ImportRun, run_id)
                _narrow(turn, run, only)
                _agreed(importing.choose(turn.session, run, mapping=None, now=turn.now, **chosen))
            said.append(_brought(runtime, run_id, only_check=only_check))
        return "\n".join(said)
    finally:
        runtime.close()


def _brought(runtime: Runtime, run_id: int, *, only_check: bool) -> str:
    found = _worked(runtime, run_id, "checking")
    with runtime.turn() as turn:
        run = turn.session.get_one(ImportRun, run_id)
        if only_check:
            importing.discard(turn.session, run, home=runtime.settings.home)
            return f"Nothing was written. {found}"
        refused = importing.start(turn.session, run, now=turn.now)
        if refused is not None and refused.reason == "nothing-to-do":
            return f"{refused.text} {found}"
        _agreed(refused)
    return f"{_worked(runtime, run_id, 'running')} It can be undone for seven days, on the import's page."


def _narrow(turn: Turn, run: ImportRun, only: Narrowing) -> None:
    if only == EVERYBODY:
        return
    if run.format != NPPES.key:
        raise OutreachError("Specialty, ZIP, miles and people narrow the national provider file only; this is another.")
    known = {group.casefold(): group for group in GROUPS}
    groups = [known.get(said.strip().casefold()) for said in only.specialties]
    if None in groups:
        raise OutreachError(f"A specialty is one of: {'; '.join(GROUPS)}.")
    wanted = [group for group in groups if group is not None]
    _agreed(narrow(turn.session, run, groups=wanted, zips=only.zips, miles=only.miles, people_only=only.people_only))


def _uploaded(runtime: Runtime, file: Path) -> list[int]:
    try:
        with file.open("rb") as source, runtime.turn() as turn:
            runs = upload_all(turn.session, source, file.name, now=turn.now, home=runtime.settings.home, by_id=None)
            if isinstance(runs, Refusal):
                raise OutreachError(runs.text)
            return [run.id for run in runs]
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
