"""One measured run of the product, in a process of its own: `python -m bench.product WHAT HOME [name=value …]`.

Prints its figures as JSON. Start-up (imports, opening the database) lies before the span and is told beside it.
"""

import json
import sys
import time

BEGAN = time.perf_counter()

from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from sqlalchemy import text  # noqa: E402

from bench.house import RunningClock, settings_for  # noqa: E402
from bench.measuring import Span  # noqa: E402
from jobs.catalog import job_named  # noqa: E402
from jobs.runner import work  # noqa: E402
from outreach.runtime import Runtime, open_runtime  # noqa: E402


def send(runtime: Runtime) -> dict[str, Any]:
    """The worker's own two jobs: the approved issue is fanned out and sent. What was sent is counted in the ledger."""
    span = Span()
    work(runtime, job_named("dispatch-newsletters"))
    planned = span.figures()
    work(runtime, job_named("send"))
    return {**span.figures(), "fan_out_seconds": planned["seconds"], "fan_out_cpu": planned["cpu"], **counted(runtime)}


def fan_out(runtime: Runtime) -> dict[str, Any]:
    """The planner alone, as the runner calls it: turn after turn while the batch is full."""
    job = job_named("dispatch-newsletters")
    assert job.call is not None
    longest, handled, span = 0.0, job.batch, Span()
    while handled == job.batch:
        one = Span()
        with runtime.turn() as turn:
            handled = job.call(turn, runtime, job.batch)
        longest = max(longest, one.figures()["seconds"])
    figures = {**span.figures(), "longest_turn": longest}
    with runtime.turn(write=False) as turn:
        figures["count"] = turn.session.scalar(text("SELECT count(*) FROM delivery")) or 0
    return figures


def counted(runtime: Runtime) -> dict[str, Any]:
    """{"count": sent, "others": rows in another state}."""
    with runtime.turn(write=False) as turn:
        states = dict(turn.session.execute(text("SELECT state, count(*) FROM delivery GROUP BY state")).all())
    sent = states.pop("sent", 0)
    return {"count": sent, "others": sum(states.values())}


def main(what: str, home: str, *pairs: str) -> None:
    """Opens the installation, runs, prints."""
    more = dict(pair.split("=", 1) for pair in pairs)
    settings = settings_for(Path(home), more.pop("database_url", None), **more)
    runtime = open_runtime(settings, clock=RunningClock())
    started = time.perf_counter() - BEGAN
    try:
        figures = {"send": send, "fan-out": fan_out}[what](runtime)
    finally:
        runtime.close()
    print(json.dumps({**figures, "start_seconds": started}))


if __name__ == "__main__":
    main(*sys.argv[1:])
