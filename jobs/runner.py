"""Runs one tick of one job: win the slot, then turn after turn while the batch is full."""

import gc
import logging
import sys
from collections.abc import Callable

from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from jobs.catalog import CATALOG, Job, job_named
from outreach import jobruns
from outreach.clock import pause_before_again
from outreach.deliveries.guards import disk_guard
from outreach.runtime import Runtime
from outreach.screen import Turn

log = logging.getLogger(__name__)

MOST_BATCHES = 500
"""A tick ends after so many full batches, so that one job can never starve the others; the next tick goes on."""
SENDING = "send"
"""What planners lead to."""
TRIES = 5
"""After a deadlock, a lock that was not given or a cut connection a batch has left no trace and is begun again."""

SWITCH_SECONDS = 0.0005
"""A lane that has an answer waits so long at most while another thread reckons; Python's own 5 ms cost a mail each."""
OBJECTS_BETWEEN_LOOKS = 20_000
"""Rows and messages of a batch hold no cycles: Python's own 700 would look through them dozens of times."""


def prepare_process() -> None:
    """For a process that works for long: threads take turns quickly, and what the start made is never garbage."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, 20, 20)


def tick(runtime: Runtime, job: Job, *, stopping: Callable[[], bool] = lambda: False) -> int | None:
    """The slot of this instant is worked off by whoever wins it; None when somebody else had it."""
    with runtime.turn() as turn:
        run = jobruns.win(turn.session, job.name, now=turn.now, every=job.every)
        run_id = run.id if run else None
        # Told in the winning transaction: either the slot is taken and the work announced, or neither.
        announced = run is not None and job.waiting is not None and _announce(turn, runtime, job)
    if run_id is None:
        return None
    handled, error = (0, None) if announced else _worked(runtime, job, stopping)
    with runtime.turn() as turn:
        turn.session.execute(
            update(jobruns.JobRun)
            .where(jobruns.JobRun.id == run_id)
            .values(finished_at=turn.now, handled=handled, error=error)
        )
    return handled


def work_announced(runtime: Runtime, name: str, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Another worker's tick or planner said that there is work of this name; it is done here and now."""
    job = job_named(name)
    _, error = _worked(runtime, job, stopping)
    if error is None:
        return
    with runtime.turn() as turn:
        latest = select(func.max(jobruns.JobRun.id)).where(jobruns.JobRun.job == name).scalar_subquery()
        turn.session.execute(update(jobruns.JobRun).where(jobruns.JobRun.id == latest).values(error=error))


def _announce(turn: Turn, runtime: Runtime, job: Job) -> bool:
    assert job.waiting is not None
    return runtime.dispatcher.enqueue(turn.session, job.name, count=job.waiting(turn))


def _worked(runtime: Runtime, job: Job, stopping: Callable[[], bool]) -> tuple[int, str | None]:
    try:
        return work(runtime, job, stopping=stopping), None
    except Exception as broken:  # one job's bug must not end the worker; it is logged and shown by `outreach doctor`
        log.exception("The job %s failed", job.name)
        return 0, type(broken).__name__


def work(runtime: Runtime, job: Job, *, stopping: Callable[[], bool] = lambda: False) -> int:
    """All that is due now is handled, one committed turn per batch; answers how many rows."""
    if job.own_turns is not None:
        return job.own_turns(runtime, stopping)
    if job.call is None:
        raise ValueError(f"The job {job.name} calls nothing.")
    stopping = disk_guard.or_low(stopping, runtime.settings) if job.plans else stopping
    if job.plans and stopping():
        return 0
    total = 0
    for _ in range(MOST_BATCHES):
        handled = _batch(runtime, job)
        total += handled
        if handled < job.batch or stopping():
            break
    return total


def _batch(runtime: Runtime, job: Job) -> int:
    assert job.call is not None
    for tries_made in range(1, TRIES + 1):
        try:
            with runtime.turn() as turn:
                handled = job.call(turn, runtime, job.batch)
                if handled and job.plans:
                    runtime.dispatcher.enqueue(turn.session, SENDING, count=handled)
                return handled
        except OperationalError as passing:
            if tries_made == TRIES:
                raise
            log.warning("The database asked to begin a batch again: %s", type(passing.orig).__name__)
        pause_before_again(tries_made)
    raise AssertionError("unreachable")


def run_everything(runtime: Runtime, *, rounds: int = 1) -> int:
    """Every job once, in table order, whatever the slots say: for tests, stories and `outreach demo --advance`."""
    return sum(work(runtime, job) for _ in range(rounds) for job in CATALOG)
