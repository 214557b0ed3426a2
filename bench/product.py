"""One measured run of the product, in a process of its own: `python -m bench.product WHAT HOME [name=value …]`.

Prints its figures as JSON. Start-up (imports, opening the database) lies before the span and is told beside it.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench import BEGAN
from bench.house import SENT_AT, RunningClock, settings_for
from bench.measuring import Span, peak_mb
from jobs.catalog import job_named
from jobs.runner import prepare_process, work
from outreach.campaigns import stepping
from outreach.deliveries import claiming
from outreach.deliveries.house import house_of
from outreach.runtime import Runtime, open_runtime

CLAIMS = 20
LATER = timedelta(minutes=10)
"""What an earlier run planned is due by then."""


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


def claim(runtime: Runtime) -> dict[str, Any]:
    """All that is due is claimed, 1,000 rows a turn, as the sender does; given back outside the span."""
    span, claimed = Span(), []
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        claiming.sweep(turn.session, now=turn.now, house=house)
        kinds = claiming.due_kinds(turn.session, now=turn.now)
        waiting = claiming.candidates(turn.session, now=turn.now, kind="newsletter", limit=CLAIMS * 1000)
    assert "newsletter" in kinds, kinds
    for start in range(0, len(waiting), 1000):
        with runtime.turn() as turn:
            among = waiting[start : start + 1000]
            claimed += claiming.claim(turn.session, now=turn.now, kind="newsletter", limit=1000, among=among)
    figures = {**span.figures(), "count": len(claimed)}
    with runtime.turn() as turn:
        claiming.give_back(turn.session, claimed, now=turn.now)
    return figures


def tick(runtime: Runtime) -> dict[str, Any]:
    """The median of 50 campaign ticks, after one that warms up."""
    rounds = []
    for _ in range(51):
        span = Span()
        with runtime.turn() as turn:
            stepping.tick(turn.session, now=turn.now, world=runtime)
        rounds.append(span.figures())
    chosen = sorted(rounds[1:], key=lambda each: each["seconds"])[25]
    return {**chosen, "cpu": sum(each["cpu"] for each in rounds[1:]) / 50, "count": 1}


def enroll(runtime: Runtime) -> dict[str, Any]:
    """Everybody of the group enters, as the runner calls the job: turn after turn while the batch is full."""
    job, span = job_named("enroll"), Span()
    work(runtime, job)
    figures = span.figures()
    with runtime.turn(write=False) as turn:
        figures["count"] = turn.session.scalar(text("SELECT count(*) FROM campaign_enrollment")) or 0
    return figures


def advance(runtime: Runtime) -> dict[str, Any]:
    """Twenty batches of the people who are due move on, after one tick that finds what it needs in memory."""
    job = job_named("advance")
    assert job.call is not None
    handled, span = 0, Span()
    for _ in range(20):
        with runtime.turn() as turn:
            handled += job.call(turn, runtime, job.batch)
    return {**span.figures(), "count": handled}


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
    runtime = open_runtime(settings, clock=RunningClock(SENT_AT + (LATER if what == "claim" else timedelta())))
    started = {"start_seconds": time.perf_counter() - BEGAN, "start_rss_mb": peak_mb()}
    prepare_process()
    try:
        figures = {
            "send": send,
            "fan-out": fan_out,
            "claim": claim,
            "tick": tick,
            "enroll": enroll,
            "advance": advance,
        }[what](runtime)
    finally:
        runtime.close()
    print(json.dumps({**figures, **started}))


if __name__ == "__main__":
    main(*sys.argv[1:])
