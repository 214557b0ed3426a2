"""`outreach restore`: an old database comes back on hold, because the world has gone on since."""

import os
import shutil
import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from outreach.commands.backing_up import on_disk, verified
from outreach.commands.migrating import known_release, migrate
from outreach.config import Settings
from outreach.deliveries import outbox
from outreach.deliveries.guards import copy_guard
from outreach.errors import SettingsError
from outreach.runtime import open_runtime

WHY = "A backup was restored. Look through what waits and what is unconfirmed, then resume."


def restore(settings: Settings, backup: Path, *, now: datetime) -> str:
    """The backup is the database now; what was due before is unconfirmed and all mail is on hold (reliability C7).

    It is brought up to date and put on hold before it takes the database's place, in one step: whatever breaks before,
    the database that was there stays. That one is kept in `backups/`. Refusals: SettingsError for PostgreSQL, for a
    file that is no whole database of Outreach or one of a newer release, and while Outreach is running.
    """
    database = _file_of(settings)
    verified(backup)
    fresh = database.with_name(f".{database.name}.restored")
    prepared = replace(settings, database_url=f"sqlite:///{fresh}")
    try:
        _copied(backup, fresh)
        known_release(fresh)
        migrate(prepared, copy_first=False)
        doubtful = _hold(prepared)
        _alone(fresh)
        kept = _kept_beside(database, settings.home / "backups" / f"replaced-{now:%Y-%m-%d-%H%M%S}.db")
        fresh.replace(database)
    finally:
        for left in ("", "-wal", "-shm"):
            fresh.with_name(f"{fresh.name}{left}").unlink(missing_ok=True)
    on_disk(database.parent)
    _look_again(settings)
    words = f"{backup} is the database now. All mail is on hold"
    words += f"; {doubtful} emails may have left since the backup and wait as unconfirmed." if doubtful else "."
    before = f" What was there is kept in {kept}." if kept else ""
    return f"{words}{before} Look at the outbox, then: outreach resume"


def _copied(backup: Path, fresh: Path) -> None:
    try:
        shutil.copyfile(backup, fresh)
        fresh.chmod(0o600)
        on_disk(fresh)
    except OSError as broken:
        raise SettingsError(f"The backup could not be copied ({broken.strerror}). Nothing was changed.") from broken


def _file_of(settings: Settings) -> Path:
    if not settings.database_url.startswith("sqlite:///"):
        raise SettingsError(
            "This database is PostgreSQL: stop web and workers, restore it with pg_restore, and run `outreach pause` "
            "before you start them again."
        )
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _kept_beside(database: Path, to: Path) -> Path | None:
    """The database has a second name, under which it stays."""
    if not database.exists():
        return None
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _alone(database)
    try:
        os.link(database, to)
    except FileExistsError as there:
        raise SettingsError(f"{to} exists already. Wait a second and try again; nothing was changed.") from there
    except OSError:
        # Not every disk knows second names.
        shutil.copyfile(database, to)
        on_disk(to)
    on_disk(to.parent)
    return to


def _alone(database: Path) -> None:
    """All is in the one file. Refusals: SettingsError when somebody has it open."""
    connection = sqlite3.connect(database, timeout=1, isolation_level=None)
    try:
        # Leaving WAL needs the database for oneself: whoever has it open makes this fail, and nothing has changed.
        connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as busy:
        raise SettingsError("Outreach is running on this database. Stop it first; nothing was changed.") from busy
    finally:
        connection.close()


def _hold(settings: Settings) -> int:
    runtime = open_runtime(settings)
    try:
        with runtime.turn() as turn:
            outbox.hold(turn.session, now=turn.now, scope="all", by_id=None, why=WHY)
            return copy_guard.doubt(turn.session, now=turn.now)
    finally:
        runtime.close()


def _look_again(settings: Settings) -> None:
    """The hold says so too when the counter's file knows of more hand-overs than the backup: one look lifts both."""
    runtime = open_runtime(settings)
    try:
        with runtime.turn() as turn:
            copy_guard.holds(turn.session, settings.home, now=turn.now)
    finally:
        runtime.close()
