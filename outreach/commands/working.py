"""The worker: ticks of every job until it is told to stop; what is in flight then is finished first."""

import logging
import signal
import threading

from apscheduler.events import JobExecutionEvent

from jobs.on_apscheduler import make_scheduler
from outreach.commands.serving import stop_with_parent
from outreach.config import Settings
from outreach.practice.models import Practice
from outreach.runtime import Runtime, open_runtime

SECONDS_TO_FIRST_RUN = 2

log = logging.getLogger(__name__)


def work(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    stop_with_parent()
    # A tick that still runs when the next one is due is no trouble: the person at the terminal need not read of it.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    runtime = open_runtime(settings)
    while not _has_practice(runtime) and not stop.wait(SECONDS_TO_FIRST_RUN):
        pass
    if not stop.is_set():
        scheduler = make_scheduler(runtime, stopping=stop.is_set, on_trouble=_tell)
        scheduler.start()
        stop.wait()
        scheduler.shutdown(wait=True)
    runtime.close()


def _has_practice(runtime: Runtime) -> bool:
    """Before the first run there is nobody to work for, and most jobs would only fail."""
    with runtime.turn(write=False) as turn:
        return turn.session.get(Practice, 1) is not None


def _tell(event: JobExecutionEvent) -> None:
    log.error("The tick of %s did not run as planned: %s", event.job_id, type(event.exception).__name__)
