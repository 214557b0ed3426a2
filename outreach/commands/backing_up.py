"""A copy of the database that holds everything up to one instant, while web and worker go on."""

import os
import secrets
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Engine, column, create_engine, func, make_url, select, table, text
from sqlalchemy.exc import DatabaseError

from outreach.config import Settings
from outreach.db import make_engine
from outreach.deliveries.ways import kept_secrets
from outreach.errors import SettingsError

ONLY_ADDED_TO = ("delivery", "delivery_attempt", "audit_entry")


def back_up(settings: Settings, *, now: datetime, to: Path | None = None) -> Path:
    """A verified copy of the database; answers where it is. On PostgreSQL `pg_dump` makes it, when it is installed.

    Refusals: SettingsError when the file exists already, when there is too little room, when the copy is not whole,
    and for PostgreSQL without pg_dump.
    """
    sqlite = settings.database_url.startswith("sqlite")
    target = to or settings.home / "backups" / f"outreach-{now:%Y-%m-%d-%H%M%S}.{'db' if sqlite else 'dump'}"
    if not sqlite:
        return _dumped(settings.database_url, target)
    engine = make_engine(settings.database_url)
    try:
        return copy_database(engine, target)
    finally:
        engine.dispose()


def told(settings: Settings, copy: Path) -> str:
    """Where the backup is, and what else must be kept: it is the database only, and without the keys it is half."""
    home = settings.home
    kept = [_key_place(home / "secret.key", settings.secret_key, "OUTREACH_SECRET_KEY")]
    if settings.secrets_keys:
        kept.append("the value of OUTREACH_SECRETS_KEY")
    elif (home / kept_secrets.FILE).exists():
        kept.append(str(home / kept_secrets.FILE))
    return (
        f"The backup is in {copy}. It is the database only. Keep these too, in another safe place: {', '.join(kept)}. "
        "Without them opt-outs and links in mail that was sent are lost, and kept passwords cannot be opened."
    )


def copy_database(engine: Engine, to: Path) -> Path:
    """A copy that holds everything up to one instant (reliability C7: copying the file alone misses commits).

    It is made under another name, opened and compared with the original by rows and the last id of the ledger, brought
    to disk, and only then gets its name: there is never half a file under it.
    """
    _make_room_for(to)
    with engine.connect() as connection:
        connection.rollback()
        before = _marks(engine)
        # VACUUM must stand outside a transaction, which the engine would begin for us.
        driver = connection.connection.driver_connection
        assert driver is not None
        part = _part_of(to)
        try:
            # There before it has anything in it: nobody else may look into a copy that is being made.
            part.touch(0o600)
            driver.execute("VACUUM INTO ?", (str(part),))
            verified(part)
            copied = create_engine(f"sqlite:///{part}")
            try:
                inside = _marks(copied)
            finally:
                copied.dispose()
            # Whoever works meanwhile only adds: the copy holds at least what was there before, at most what is now.
            if not before.within(inside) or not inside.within(_marks(engine)):
                raise SettingsError(f"The copy for {to} is not whole. The database was not touched; try again.")
            _give_name(part, to)
        except OSError as broken:
            raise SettingsError(
                f"The backup could not be written ({broken.strerror}). Nothing was changed."
            ) from broken
        except DatabaseError as broken:
            raise SettingsError("The backup could not be written: is the disk full?") from broken
        except sqlite3.Error as broken:
            raise SettingsError(f"The backup could not be written ({broken}).") from broken
        finally:
            part.unlink(missing_ok=True)
    return to


def _key_place(file: Path, key: bytes, variable: str) -> str:
    try:
        ours = file.read_bytes() == key
    except OSError:
        ours = False
    return str(file) if ours else f"the value of {variable}"


@dataclass(frozen=True)
class _Marks:
    """What a copy is compared by: tables and indexes, and the highest id of what is only ever added to."""

    objects: int
    last_delivery: int
    last_attempt: int
    last_audit: int

    def within(self, other: "_Marks") -> bool:
        return self.objects == other.objects and all(
            mine <= theirs
            for mine, theirs in (
                (self.last_delivery, other.last_delivery),
                (self.last_attempt, other.last_attempt),
                (self.last_audit, other.last_audit),
            )
        )


def _marks(engine: Engine) -> _Marks:
    with engine.connect() as connection:
        objects = int(connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one())
        names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
        last = [
            int(connection.scalar(select(func.max(column("id"))).select_from(table(name))) or 0) if name in names else 0
            for name in ONLY_ADDED_TO
        ]
        return _Marks(objects, *last)


def _dumped(url: str, to: Path) -> Path:
    dump = shutil.which("pg_dump")
    if dump is None:
        raise SettingsError(
            "This database is PostgreSQL, and pg_dump is not installed here: make backups with it elsewhere, "
            "or with your provider's tools."
        )
    _make_room_for(to)
    known = make_url(url)
    environment = {**os.environ, "PGPASSWORD": str(known.password or "")}
    # Without the password: the words of a command can be read by everybody on the machine.
    plain = URL.create("postgresql", known.username, None, known.host, known.port, known.database, known.query)
    part = _part_of(to)
    try:
        part.touch(0o600)
        # The name of the program comes from this machine's path, the address from the settings: no shell sees them.
        done = subprocess.run(  # noqa: S603
            [dump, "--format=custom", f"--file={part}", f"--dbname={plain.render_as_string(hide_password=False)}"],
            env=environment,
            capture_output=True,
            check=False,
        )
        if done.returncode or not part.stat().st_size:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise SettingsError(f"pg_dump failed: {said[-1] if said else done.returncode}. Nothing was changed.")
        _give_name(part, to)
    finally:
        part.unlink(missing_ok=True)
    return to


def _make_room_for(to: Path) -> None:
    try:
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as broken:
        raise SettingsError(f"The backup could not be written ({broken.strerror}). Nothing was changed.") from broken
    if to.exists():
        raise SettingsError(f"{to} exists already. Choose another name, or move it away.")


def _part_of(to: Path) -> Path:
    return to.with_name(f".{to.name}.part-{secrets.token_hex(4)}")


def _give_name(part: Path, to: Path) -> None:
    """On disk first, then under its name; a file that appeared there meanwhile is left alone."""
    on_disk(part)
    try:
        try:
            os.link(part, to)
        except FileExistsError:
            raise
        except OSError:
            # A disk without second names, as memory sticks are: the name is taken first, then the copy put under it.
            os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            part.replace(to)
    except FileExistsError as there:
        raise SettingsError(f"{to} exists already. Choose another name, or move it away.") from there
    on_disk(to.parent)


def on_disk(path: Path) -> None:
    """The file, or the names in the folder, survive a power cut from now on."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


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
