"""One measured import, in a process of its own: `python -m bench.importing HOME FILE run|check` prints its figures.

The upload and the choices lie before the span, as a person makes them; `run` measures the import after its check,
`check` the check alone. The job's own batch size, turn after turn, as the worker works.
"""

import json
import sys
from pathlib import Path

from bench.house import MADE_AT, RunningClock, settings_for
from bench.measuring import Span
from jobs.catalog import job_named
from jobs.runner import prepare_process
from outreach.contacts import importing
from outreach.contacts.imports import ImportRun
from outreach.runtime import Runtime, open_runtime


def prepared(runtime: Runtime, file: Path) -> int:
    """Uploaded, with everything chosen; answers the run."""
    with runtime.turn() as turn, file.open("rb") as source:
        run = importing.upload(turn.session, source, file.name, now=turn.now, home=runtime.settings.home, by_id=None)
        assert isinstance(run, ImportRun), run
        refused = importing.choose(
            turn.session,
            run,
            mapping=None,
            default_kind="provider",
            duplicates="fill",
            permission="written",
            permission_words="Paper form",
            now=turn.now,
        )
        assert refused is None, refused
        return run.id


def carried(runtime: Runtime, run_id: int, status: str) -> dict[str, float]:
    """The job takes batch after batch while the import is in this status; the figures of that, and the last counts."""
    limit, span = job_named("import-contacts").batch, Span()
    while True:
        with runtime.turn() as turn:
            run = turn.session.get_one(ImportRun, run_id)
            if run.status != status:
                return {**span.figures(), "count": run.counts["new"]}
            importing.work(turn.session, now=turn.now, key=runtime.key, home=runtime.settings.home, limit=limit)


def main(home: str, file: str, what: str) -> None:
    """Opens the installation, runs, prints."""
    runtime = open_runtime(settings_for(Path(home), smtp_url="smtp://127.0.0.1:9"), clock=RunningClock(MADE_AT))
    prepare_process()
    try:
        run_id = prepared(runtime, Path(file))
        figures = carried(runtime, run_id, "checking")
        if what == "run":
            with runtime.turn() as turn:
                assert importing.start(turn.session, turn.session.get_one(ImportRun, run_id), now=turn.now) is None
            figures = carried(runtime, run_id, "running")
    finally:
        runtime.close()
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
