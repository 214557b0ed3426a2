"""A copy of the database that holds everything up to one instant, while web and worker go on."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DatabaseError

from outreach.config import Settings
from outreach.db import make_engine
from outreach.errors import SettingsError


def back_up(settings: Settings, *, now: datetime, to: Path | None = None) -> Path:
    """A verified copy of the SQLite database; answers where it is.

    Refusals: SettingsError for PostgreSQL, which has its own tools, and when the file exists already.
    """
    if not settings.database_url.startswith("sqlite"):
        raise SettingsError("This database is PostgreSQL: make backups with pg_dump or your provider's tools.")
    engine = make_engine(settings.database_url)
    try:
        return copy_database(engine, to or settings.home / "backups" / f"outreach-{now:%Y-%m-%d-%H%M%S}.db")
    finally:
        engine.dispose()


def copy_database(engine: Engine, to: Path) -> Path:
    """VACUUM INTO a new file, opened and counted afterwards (reliability C7: copying the file misses commits)."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if to.exists():
        raise SettingsError(f"{to} exists already. Choose another name, or move it away.")
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one()
        connection.rollback()
        # VACUUM must stand outside a transaction, which the engine would begin for us.
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("VACUUM INTO ?", (str(to),))
    to.chmod(0o600)
    if verified(to) != tables:
        raise SettingsError(f"The copy in {to} is not whole. The database itself was not touched; try again.")
    return to


def verified(path: Path) -> int:
    """How many tables and indexes a whole SQLite file has. Refusals: SettingsError when it is none, or damaged."""
    if not path.is_file():
        raise SettingsError(f"There is no file {path}.")
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            whole = connection.execute(text("PRAGMA integrity_check")).scalar_one()
            number = int(connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one())
    except DatabaseError as broken:
        raise SettingsError(f"{path} is not a database. Nothing was changed.") from broken
    finally:
        engine.dispose()
    if whole != "ok" or not number:
        raise SettingsError(f"{path} is damaged or empty. Nothing was changed.")
    return number
