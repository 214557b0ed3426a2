"""Brings the tables to what the program expects, with a copy of the database made before."""

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, column, create_engine, event, inspect, select, table, text

from jobs.dispatching import is_spread
from outreach.clock import Clock, SystemClock
from outreach.commands import backing_up
from outreach.commands.revisions import FOLDER
from outreach.config import Settings, settings_from
from outreach.db import Instant, make_engine
from outreach.errors import SettingsError

LOCK = 5_220_031
"""Held on PostgreSQL by whoever changes tables; any number that nobody else uses."""
LONGEST_CALL_SECONDS = 90.0
WHY = "The tables are being changed."
# As little as is needed, and as it has always been: the tables found here are of any earlier release.
HOLD = table(
    "delivery_hold",
    column("id"),
    column("scope"),
    column("since_at", Instant),
    column("why"),
    column("lifted_at", Instant),
)
DELIVERY = table("delivery", column("id"), column("state"), column("lease_until_at", Instant))


def migrate(settings: Settings, *, copy_first: bool = True) -> str:
    """The tables are up to date; answers in a sentence what was done. Idempotent.

    An older SQLite database is copied first, into `backups/` of the data folder, unless it is a copy itself.
    """
    engine = _engine_without_cascades(settings.database_url)
    try:
        spread = _spread(engine, settings)
        before, head = _revisions(engine)
        if before == head:
            return spread or "The database is up to date."
        if copy_first and before is not None and settings.database_url.startswith("sqlite"):
            copy = backing_up.copy_database(engine, settings.home / "backups" / f"before-{head}.db")
            print(f"A copy of the database as it was is in {copy}.", file=sys.stderr)
        with _sending_paused(engine) if before else nullcontext(), engine.connect() as connection:
            _alone(connection)
            with warnings.catch_warnings():
                # Building a table anew reads its neighbours too; indexes by an expression are not needed for that.
                warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
                command.upgrade(_config(connection), "head")
            _check_references(connection)
            connection.commit()
        return f"The database went from {before or 'empty'} to {head}."
    finally:
        engine.dispose()


def _spread(engine: Engine, settings: Settings) -> str | None:
    if not is_spread(settings):
        return None
    from jobs.on_procrastinate import apply_schema

    with engine.begin() as connection:
        _alone(connection)
        return apply_schema(connection)


def _alone(connection: Connection) -> None:
    # Two hosts may be told to migrate at once: the second waits and finds that nothing is left to do.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))


@contextmanager
def _sending_paused(engine: Engine) -> Iterator[None]:
    """Nothing is handed over while tables change: what is under way has come back, nothing new begins.

    A process that dies here leaves the hold in place, where the outbox shows it and a person lifts it.
    """
    clock = SystemClock()
    live = HOLD.c.lifted_at.is_(None) & (HOLD.c.scope == "all")
    with engine.begin() as connection:
        ours = connection.scalar(select(HOLD.c.id).where(live)) is None
        if ours:
            connection.execute(HOLD.insert().values(scope="all", since_at=clock.now(), why=WHY))
    try:
        _wait_until_landed(engine, clock)
        yield
    finally:
        if ours:
            with engine.begin() as connection:
                connection.execute(HOLD.update().where(live, HOLD.c.why == WHY).values(lifted_at=clock.now()))


def _wait_until_landed(engine: Engine, clock: Clock) -> None:
    flying = DELIVERY.c.state == "sending"
    until = clock.monotonic() + LONGEST_CALL_SECONDS
    while clock.monotonic() < until:
        with engine.begin() as connection:
            leased = select(DELIVERY.c.id).where(flying, DELIVERY.c.lease_until_at > clock.now()).limit(1)
            if connection.scalar(leased) is None:
                return
        threading.Event().wait(0.5)


def known_release(database: Path) -> None:
    """Refusals: SettingsError when this SQLite file is no database of Outreach, or one of a newer release."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        with engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
            ours = inspect(connection).has_table("delivery")
    finally:
        engine.dispose()
    if present is None or not ours:
        raise SettingsError("This is a database, but none of Outreach. Nothing was changed.")
    if present not in {each.revision for each in ScriptDirectory(str(FOLDER)).walk_revisions()}:
        raise SettingsError("This backup was made by a newer Outreach: install that one first. Nothing was changed.")


def new_revision(settings: Settings, message: str) -> None:
    """A file in migrations/versions holds the difference between this database and the tables in the program."""
    (FOLDER / "versions").mkdir(exist_ok=True)
    engine = _engine_without_cascades(settings.database_url)
    with engine.connect() as connection:
        command.revision(_config(connection), message, autogenerate=True)
        connection.rollback()
    engine.dispose()


def _engine_without_cascades(url: str) -> Engine:
    # Batch mode rebuilds a table by dropping the old one; with foreign keys on, SQLite would empty every table
    # that refers to it with ON DELETE CASCADE. The pragma does nothing inside a transaction, so it comes before.
    engine = make_engine(url)
    if url.startswith("sqlite"):

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA foreign_keys=OFF")

    return engine


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(
                f"The migration left {len(broken)} rows without what they refer to; nothing was changed."
            )


def _revisions(engine: Engine) -> tuple[str | None, str | None]:
    with engine.connect() as connection:
        return (
            MigrationContext.configure(connection).get_current_revision(),
            ScriptDirectory(str(FOLDER)).get_current_head(),
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    new_revision(settings_from(), sys.argv[1])
