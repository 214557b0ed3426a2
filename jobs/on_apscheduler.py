"""The catalog as APScheduler ticks: memory store only, so that any number of workers can run it (reliability A4)."""

from collections.abc import Callable

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from jobs import runner
from jobs.catalog import CATALOG
from outreach.runtime import Runtime

THREADS = 4


def make_scheduler(
    runtime: Runtime, *, stopping: Callable[[], bool], on_trouble: Callable[[JobExecutionEvent], None]
) -> BackgroundScheduler:
    """A scheduler that ticks every job of the catalog; start() it, and shutdown(wait=True) to stop."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job in CATALOG:
        scheduler.add_job(
            runner.tick,
            "interval",
            seconds=job.every.total_seconds(),
            id=job.name,
            # The first tick comes at once: a worker that is restarted every day still runs what is due once a day.
            next_run_time=runtime.clock.now(),
            args=(runtime, job),
            kwargs={"stopping": stopping},
        )
    scheduler.add_listener(on_trouble, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    return scheduler
