"""`outreach restore`: an old database comes back on hold, because the world has gone on since."""

import shutil
import sqlite3
from datetime import datetime
from pathlib import Path

from outreach.commands.backing_up import on_disk, verified
from outreach.commands.migrating import migrate
from outreach.config import Settings
from outreach.deliveries import copy_guard, outbox
from outreach.errors import SettingsError
from outreach.runtime import open_runtime

WHY = "A backup was restored. Look through what waits and what is unconfirmed, then resume."


def restore(settings: Settings, backup: Path, *, now: datetime) -> str:
    """The backup is the database now; what was due before is unconfirmed and all mail is on hold (reliability C7).

    The database that was there is kept in `backups/`. Refusals: SettingsError for PostgreSQL, for a file that is no
    whole database, and while Outreach is running.
    """
    database = _file_of(settings)
    verified(backup)
    fresh = database.with_name(f".{database.name}.restored")
    try:
        shutil.copyfile(backup, fresh)
        fresh.chmod(0o600)
        on_disk(fresh)
    except OSError as broken:
        fresh.unlink(missing_ok=True)
        raise SettingsError(f"The backup could not be copied ({broken.strerror}). Nothing was changed.") from broken
    try:
        kept = _put_aside(database, settings.home / "backups" / f"replaced-{now:%Y-%m-%d-%H%M%S}.db")
    except SettingsError:
        fresh.unlink()
        raise
    fresh.replace(database)
    on_disk(database.parent)
    migrate(settings)
    doubtful = _hold(settings)
    words = f"{backup} is the database now. All mail is on hold"
    words += f"; {doubtful} emails may have left since the backup and wait as unconfirmed." if doubtful else "."
    before = f" What was there is kept in {kept}." if kept else ""
    return f"{words}{before} Look at the outbox, then: outreach resume"


def _file_of(settings: Settings) -> Path:
    if not settings.database_url.startswith("sqlite:///"):
        raise SettingsError("This database is PostgreSQL: restore it with pg_restore, then run `outreach pause`.")
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _put_aside(database: Path, to: Path) -> Path | None:
    if not database.exists():
        return None
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = sqlite3.connect(database, timeout=1, isolation_level=None)
    try:
        # Leaving WAL needs the database for oneself: whoever has it open makes this fail, and nothing has changed.
        connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as busy:
        raise SettingsError("Outreach is running on this database. Stop it first; nothing was changed.") from busy
    finally:
        connection.close()
    return database.rename(to)


def _hold(settings: Settings) -> int:
    runtime = open_runtime(settings)
    try:
        with runtime.turn() as turn:
            outbox.hold(turn.session, now=turn.now, scope="all", by_id=None, why=WHY)
            doubtful = copy_guard.doubt(turn.session, now=turn.now)
            # Says so too when the counter's file knows of more hand-overs than the backup: one look lifts both.
            copy_guard.holds(turn.session, settings.home, now=turn.now)
            return doubtful
    finally:
        runtime.close()
