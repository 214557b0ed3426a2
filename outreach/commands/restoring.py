"""`outreach restore`: an old database comes back on hold, because the world has gone on since."""

import shutil
import sqlite3
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, update

from outreach.commands.backing_up import verified
from outreach.commands.migrating import migrate
from outreach.config import Settings
from outreach.deliveries import outbox
from outreach.deliveries.models import LEDGER
from outreach.errors import SettingsError
from outreach.runtime import open_runtime

WHY = "A backup was restored. Look through what waits and what is unconfirmed, then resume."
MAY_HAVE_LEFT = ("scheduled", "resend-approved", "claimed", "sending")


def restore(settings: Settings, backup: Path, *, now: datetime) -> str:
    """The backup is the database now; what was due before is unconfirmed and all mail is on hold (reliability C7).

    The database that was there is kept in `backups/`. Refusals: SettingsError for PostgreSQL, for a file that is no
    whole database, and while Outreach is running.
    """
    database = _file_of(settings)
    verified(backup)
    kept = _put_aside(database, settings.home / "backups" / f"replaced-{now:%Y-%m-%d-%H%M%S}.db")
    shutil.copyfile(backup, database)
    database.chmod(0o600)
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
            doubtful = (LEDGER.c.state.in_(MAY_HAVE_LEFT)) & (LEDGER.c.due_at <= turn.now)
            number = turn.session.scalar(select(func.count()).where(doubtful)) or 0
            turn.session.execute(
                update(LEDGER)
                .where(doubtful)
                .values(state="unconfirmed", reason="restored", token=None, lease_until_at=None, updated_at=turn.now)
            )
            return number
    finally:
        runtime.close()
