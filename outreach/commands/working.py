"""The worker: ticks of every job until it is told to stop; what is in flight then is finished first."""

import logging
import signal
import threading
from contextlib import suppress
from typing import Any

from apscheduler.events import JobExecutionEvent
from sqlalchemy.exc import DatabaseError

from jobs import runner
from jobs.dispatching import dispatcher_for, is_spread
from jobs.on_apscheduler import make_scheduler
from outreach.commands.parting import stop_with_parent
from outreach.commands.revisions import is_current
from outreach.config import Settings
from outreach.errors import OutreachError
from outreach.practice.models import Practice
from outreach.runtime import Runtime, open_runtime

SECONDS_TO_FIRST_RUN = 2
SECONDS_BETWEEN_LOOKS = 10
_outdated = threading.Event()

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
    if not is_current(runtime.reading_engine):
        raise OutreachError("The tables are not those of this program: run `outreach migrate` first.")
    while not _has_practice(runtime) and not stop.wait(SECONDS_TO_FIRST_RUN):
        pass
    if not stop.is_set():
        _work_until(stop, runtime)
    runtime.close()
    if _outdated.is_set():
        raise OutreachError("The tables were changed by another version of the program; this worker has stopped.")


def _work_until(stop: threading.Event, runtime: Runtime) -> None:
    runner.prepare_process()
    listener = _listener(stop, runtime)
    scheduler = make_scheduler(runtime, stopping=stop.is_set, on_trouble=_tell)
    scheduler.start()
    if listener:
        listener.start()
    while not stop.wait(SECONDS_BETWEEN_LOOKS):
        _stop_when_outdated(runtime, stop)
    # No new tick begins; what is under way is finished by both.
    scheduler.pause()
    if listener:
        listener.stop()
    scheduler.shutdown(wait=True)


def _stop_when_outdated(runtime: Runtime, stop: threading.Event) -> None:
    # A database that is away for a moment is the ticks' trouble, not a reason to go.
    with suppress(DatabaseError):
        if not is_current(runtime.reading_engine):
            _outdated.set()
            stop.set()


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
