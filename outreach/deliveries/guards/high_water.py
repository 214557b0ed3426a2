"""Notices that a database is an old copy, or a second one: then nothing is sent until a person has looked.

Each fence raises a counter in the database and writes the same number, with fsync, into a small file in the data
folder before the first mail of that turn is handed over. A database that is behind its file has forgotten hand-overs
that happened (reliability C7); another machine, another path, another PostgreSQL server or timeline is a copy too.
"""

import fcntl
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from outreach.deliveries.guards.high_water_models import HighWater
from outreach.deliveries.models import builder

FILE = "high-water"
MACHINE_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
WHY_BEHIND = (
    "This database is older than what was sent from here: it is a copy from before. "
    "What was due since may have left already. Look through what is not confirmed, then resume."
)
WHY_NO_FILE = (
    "The file that counts hand-overs is missing from the data folder, so this may be an old copy. "
    "Look through what is not confirmed, then resume."
)
WHY_MACHINE = (
    "This database was last used on another machine. Make sure that the other one sends no more, then resume here."
)
WHY_PLACE = (
    "This database was last used in another folder. Make sure that no second installation sends, then resume here."
)
WHY_CLUSTER = "The database server is another one than before. What was due may have left already: look, then resume."
WHY_TIMELINE = (
    "The database server was replaced by its standby, which may miss the last seconds. "
    "Look through what is not confirmed, then resume."
)
MAY_HAVE_FORGOTTEN = (WHY_BEHIND, WHY_NO_FILE, WHY_CLUSTER, WHY_TIMELINE)
"""With these, mail that was due may have left without this database knowing."""
ONLY_ROW = 1
SEEN = (HighWater.number, HighWater.machine, HighWater.place, HighWater.cluster, HighWater.timeline)


@dataclass(frozen=True)
class Here:
    """What a database stands on now; "" and 0 where that is not known or does not apply."""

    machine: str = ""
    place: str = ""
    cluster: str = ""
    timeline: int = 0


def reserve(session: Session, count: int) -> int:
    """`count` more hand-overs may be begun; answers the new number, for `write` once this turn is committed.

    Call it last in its turn: on PostgreSQL other workers wait for this one row until the commit. One statement.
    """
    raised = (
        update(HighWater)
        .where(HighWater.id == ONLY_ROW)
        .values(number=HighWater.number + count)
        .returning(HighWater.number)
        .execution_options(synchronize_session=False)
    )
    number = session.scalar(raised)
    if number is None:
        here = here_of(session)
        session.execute(
            builder(session)(HighWater)
            .values(id=ONLY_ROW, number=0, accepted_at=None, **vars(here))
            .on_conflict_do_nothing()
        )
        number = session.scalars(raised).one()
    return int(number)


def write(home: Path, number: int) -> None:
    """The file says at least `number`, on disk. Several processes may write: the largest number stays.

    Errors: OSError when it cannot be written; nothing may be handed over then.
    """
    opened = os.open(home / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        before = os.pread(opened, 100, 0)
        known = _number_in(before)
        if known is not None and known >= number:
            return
        # One short write of a fixed length: a crash leaves the old line, the new one, or one that its sum refuses.
        os.pwrite(opened, _line(number), 0)
        os.fsync(opened)
        if not before:
            _sync(home)
    finally:
        os.close(opened)


def read(home: Path) -> int | None:
    """The number in the file; None when there is no file or it is damaged."""
    try:
        return _number_in((home / FILE).read_bytes())
    except OSError:
        return None


def old_copy(session: Session, home: Path) -> str | None:
    """Why this database looks like an old copy or a second one; None when it goes on where it stopped.

    A database in which nothing was ever reserved, in a folder without the file, is new. On PostgreSQL a missing file
    is no reason: workers on several hosts have one each. Reads only.
    """
    # The file first: another worker may raise the row, and then the file, while this one looks.
    written = read(home)
    row = session.execute(select(*SEEN).where(HighWater.id == ONLY_ROW)).first()
    if row is None:
        return WHY_BEHIND if written else None
    if written is not None and written > row.number:
        return WHY_BEHIND
    here = here_of(session)
    if written is None and row.number and not _is_postgresql(session):
        return WHY_NO_FILE
    if _differs(row.cluster, here.cluster):
        return WHY_CLUSTER
    if row.timeline and here.timeline and row.timeline != here.timeline:
        return WHY_TIMELINE
    if _differs(row.machine, here.machine):
        return WHY_MACHINE
    return WHY_PLACE if _differs(row.place, here.place) else None


def accept(session: Session, home: Path, *, now: datetime) -> None:
    """A person says that this is the database to go on with: row and file agree, here. Idempotent."""
    number = max(reserve(session, 0), read(home) or 0)
    session.execute(
        update(HighWater)
        .where(HighWater.id == ONLY_ROW)
        .values(number=number, accepted_at=now, **vars(here_of(session)))
        .execution_options(synchronize_session=False)
    )
    # Before the commit: should that fail, the database is behind its file and stays on hold.
    write(home, number)


def here_of(session: Session) -> Here:
    """What this session's database stands on."""
    if _is_postgresql(session):
        return _server(session)
    file = session.connection().engine.url.database or ""
    return Here(machine=_machine(), place=_digest(str(Path(file).resolve())) if file else "")


def _server(session: Session) -> Here:
    # A hosted server may keep these to itself: then only the number tells. Asked inside a savepoint, because on
    # PostgreSQL an error would end the turn.
    try:
        with session.begin_nested():
            row = session.execute(
                text(
                    "SELECT (SELECT system_identifier::text FROM pg_control_system()) AS cluster,"
                    " (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline"
                )
            ).one()
    except DBAPIError:
        return Here()
    return Here(cluster=row.cluster, timeline=row.timeline)


def _machine() -> str:
    for file in MACHINE_FILES:
        try:
            told = file.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            continue
        if told:
            return _digest(told)
    return ""


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _differs(before: str, after: str) -> bool:
    return bool(before and after and before != after)


def _digest(what: str) -> str:
    return hashlib.sha256(f"outreach|{what}".encode()).hexdigest()


def _line(number: int) -> bytes:
    digits = f"{number:020d}"
    return f"{digits} {_sum(digits)}\n".encode()


def _number_in(raw: bytes) -> int | None:
    digits, _, told = raw.decode("ascii", "replace").strip().partition(" ")
    return int(digits) if len(digits) == 20 and digits.isdigit() and told == _sum(digits) else None


def _sum(digits: str) -> str:
    return hashlib.sha256(digits.encode()).hexdigest()[:16]


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
