"""Work spread over any number of workers by Procrastinate, on the same PostgreSQL (reliability A4).

Its jobs carry no message, only the name of what is to be looked at: to lose one or to get it twice changes nothing.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker
from sqlalchemy import Connection, make_url, text
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

QUEUE = "outreach"
SHARE = 100
"""So many due pieces are worth one more worker."""
MOST_ANNOUNCED = 16
"""Announcements of one kind of work that wait at the same time."""
HEARTBEAT_SECONDS = 10.0
STALLED_AFTER_SECONDS = 30.0
POLL_SECONDS = 5.0
KEPT_HOURS = 7 * 24
"""Announcements whose work failed are kept that long; the others go at once."""
SECONDS_TO_REOPEN = 5.0
SESSION = {"options": "-c datestyle=ISO -c timezone=UTC"}
"""As the engine's: a server that writes dates in another style would make its answers unreadable to the driver."""


def _named_work(work: str) -> None:
    raise RuntimeError(f"{work} was fetched by a process that only announces.")


def _app(connector: Any, run: Callable[[str], None]) -> App:
    app = App(connector=connector)
    app.task(name="work", queue=QUEUE)(run)
    return app


class ProcrastinateDispatcher:
    """Announces work in the planner's own transaction, and keeps the announcements in order."""

    def __init__(self, url: str) -> None:
        self._conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._announcing = _app(SyncPsycopgConnector(conninfo=self._conninfo), _named_work)

    def enqueue(self, session: Session, work: str, *, count: int) -> bool:
        """Enough workers are told, once this transaction commits; what is announced already is not said again."""
        connection = session.connection()
        raw = connection.connection.driver_connection
        for number in range(min(max(1, -(-count // SHARE)), MOST_ANNOUNCED)):
            announcement = self._announcing.configure_task(
                "work", queue=QUEUE, queueing_lock=f"{work}:{number}", connection=raw
            )
            try:
                with connection.begin_nested():
                    announcement.defer(work=work)
            except AlreadyEnqueued:
                continue
        return True

    def tidy(self) -> int:
        """Announcements that a dead worker took along are made again, old failures forgotten; answers how many."""
        return asyncio.run(self._tidy())

    async def _tidy(self) -> int:
        app = _app(PsycopgConnector(conninfo=self._conninfo, kwargs=SESSION, min_size=1, max_size=1), _named_work)
        async with app.open_async():
            stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
            count = 0
            for job in stalled:
                count += 1
                try:
                    await app.job_manager.retry_job(job)
                except ConnectorException:
                    # The same is announced already, and one announcement is enough.
                    await app.job_manager.finish_job_by_id_async(job.id or 0, Status.FAILED, delete_job=True)
            await app.job_manager.delete_old_jobs(KEPT_HOURS, include_failed=True, include_cancelled=True)
        return count

    def health(self) -> str | None:
        """None when workers live and none of their work is stuck, else one sentence for `outreach doctor`."""
        try:
            with psycopg.connect(self._conninfo, connect_timeout=5) as connection:
                alive = connection.execute(
                    "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - %s * interval '1 s'",
                    (STALLED_AFTER_SECONDS,),
                ).fetchone()
                late = connection.execute(
                    "SELECT count(*) FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id "
                    "WHERE j.status = 'todo' AND e.type = 'deferred' AND e.at < now() - interval '5 min'"
                ).fetchone()
        except psycopg.errors.UndefinedTable:
            return "The tables that spread work over several workers are missing: run `outreach migrate`."
        except psycopg.Error as broken:
            return f"The announcements of work cannot be read ({type(broken).__name__})."
        if not alive or not alive[0]:
            return "No worker has been heard of for 30 seconds: start `outreach worker` on any machine."
        if late and late[0] > MOST_ANNOUNCED:
            return f"{late[0]} announcements of work wait for more than 5 minutes: start more workers."
        return None


class Listener:
    """Fetches announcements in a thread of its own and works them off, one at a time."""

    def __init__(self, url: str, run: Callable[[str], None]) -> None:
        self._conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._run = run
        self._stopping = threading.Event()
        self._worker: Any = None
        self._thread = threading.Thread(target=self._listen, name="announcements", daemon=True)

    def start(self) -> None:
        """Work is fetched until stop()."""
        self._thread.start()

    def stop(self) -> None:
        """Nothing more is fetched; what is under way is finished first."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()
        self._thread.join()

    def _listen(self) -> None:
        # A database that is away for a while ends the inner worker; the tables know all that it missed.
        while not self._stopping.is_set():
            try:
                asyncio.run(self._until_stopped())
            except Exception as broken:
                log.warning("Announcements of work cannot be fetched: %s", type(broken).__name__)
            self._stopping.wait(SECONDS_TO_REOPEN)

    def _work(self, work: str) -> None:
        self._run(work)

    async def _until_stopped(self) -> None:
        app = _app(PsycopgConnector(conninfo=self._conninfo, kwargs=SESSION, min_size=1, max_size=4), self._work)
        async with app.open_async():
            worker: Any = Worker(
                app,
                queues=[QUEUE],
                concurrency=1,
                delete_jobs="successful",
                fetch_job_polling_interval=POLL_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_AFTER_SECONDS,
                install_signal_handlers=False,
            )
            self._worker = worker
            watching = asyncio.create_task(self._stop_when_told(worker))
            try:
                await worker.run()
            finally:
                watching.cancel()

    async def _stop_when_told(self, worker: Any) -> None:
        # stop() may come between two workers, or before the first one runs.
        while not self._stopping.is_set():
            await asyncio.sleep(0.5)
        worker.stop()


def apply_schema(connection: Connection) -> str | None:
    """Procrastinate's tables are those of the installed version; answers in a sentence what was done, if anything.

    Idempotent. The last of its migrations that is in stands in a comment on its main table.
    """
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"), key=lambda file: _version(file.stem))
    # The driver's own connection: a schema is many statements, and full of percent signs.
    raw: Any = connection.connection.driver_connection
    there = connection.scalar(text("SELECT to_regclass('procrastinate_jobs')"))
    known = there and connection.scalar(text("SELECT obj_description('procrastinate_jobs'::regclass)"))
    if there is None:
        raw.execute(SchemaManager.get_schema())
    elif known == files[-1].stem:
        return None
    elif known:
        for file in files:
            if _version(file.stem) > _version(known):
                raw.execute(file.read_text())
    raw.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{files[-1].stem}'")
    return f"The tables for many workers are at {files[-1].stem[:8]}."


def _version(stem: str) -> tuple[int, ...]:
    # As in 03.04.00_50_post_add_retry.
    release, number = stem.split("_")[:2]
    return (*(int(part) for part in release.split(".")), int(number))
