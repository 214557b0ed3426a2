"""The worker: ticks of every job until it is told to stop; what is in flight then is finished first."""

import logging
import signal
import threading
from typing import Any

from apscheduler.events import JobExecutionEvent

from jobs import runner
from jobs.dispatching import dispatcher_for, is_spread
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
    runtime = open_runtime(settings, dispatcher=dispatcher_for(settings))
    while not _has_practice(runtime) and not stop.wait(SECONDS_TO_FIRST_RUN):
        pass
    if not stop.is_set():
        _work_until(stop, runtime)
    runtime.close()


def _work_until(stop: threading.Event, runtime: Runtime) -> None:
    listener = _listener(stop, runtime)
    scheduler = make_scheduler(runtime, stopping=stop.is_set, on_trouble=_tell)
    scheduler.start()
    if listener:
        listener.start()
    stop.wait()
    # No new tick begins; what is under way is finished by both.
    scheduler.pause()
    if listener:
        listener.stop()
    scheduler.shutdown(wait=True)


def _listener(stop: threading.Event, runtime: Runtime) -> Any:
    if not is_spread(runtime.settings):
        return None
    from jobs.on_procrastinate import Listener

    return Listener(
        runtime.settings.database_url, lambda work: runner.work_announced(runtime, work, stopping=stop.is_set)
    )


def _has_practice(runtime: Runtime) -> bool:
    """Before the first run there is nobody to work for, and most jobs would only fail."""
    with runtime.turn(write=False) as turn:
        return turn.session.get(Practice, 1) is not None


def _tell(event: JobExecutionEvent) -> None:
    log.error("The tick of %s did not run as planned: %s", event.job_id, type(event.exception).__name__)
