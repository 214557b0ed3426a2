"""What the ledger stands on: a file system and a database that keep what they were told (reliability C1, C2, C5)."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text

from outreach.errors import SettingsError

MOUNTS = Path("/proc/mounts")
NETWORK = ("nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "davfs", "ncpfs")
"""SQLite's locks do not hold on these; a write-ahead log cannot be shared over them at all."""
NETWORK_IN_USER_SPACE = ("fuse.sshfs", "fuse.rclone", "fuse.s3", "fuse.gluster", "fuse.ceph")
SQLITE = {"foreign_keys": ("1",), "journal_mode": ("wal",), "synchronous": ("2", "3")}
POSTGRESQL = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""A server may lose commits that it has acknowledged without these: a forgotten fence is a second mail."""


def refuse_what_forgets(engine: Engine) -> None:
    """Nothing starts on an SQLite database that could forget a commit. Refusals: SettingsError with one sentence."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return
    for why in (network_trouble(Path(engine.url.database)), *pragma_troubles(engine)):
        if why:
            raise SettingsError(why)


def network_trouble(file: Path) -> str | None:
    """Why this place is not safe for an SQLite file, or None."""
    kind = file_system_of(file)
    if kind in NETWORK or kind.startswith(NETWORK_IN_USER_SPACE):
        return (
            f"The database lies on a network file system ({kind}), where SQLite's locks do not hold. "
            "Choose a local disk with OUTREACH_HOME, or use PostgreSQL."
        )
    return None


def file_system_of(file: Path) -> str:
    """The kind of file system that a path lies on, as the kernel calls it; "" when that is not known."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    here, best, kind = file.resolve(), Path(), ""
    for line in lines:
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        at = Path(parts[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
        # Of several at the same place the last one was mounted over the others.
        if (here == at or at in here.parents) and len(at.parts) >= len(best.parts):
            best, kind = at, parts[2]
    return kind


def pragma_troubles(engine: Engine) -> Iterator[str]:
    """What SQLite does not do as it was told, one sentence each."""
    with engine.connect() as connection:
        for name, wanted in SQLITE.items():
            told = str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()).lower()
            if told not in wanted:
                yield f"SQLite does not keep its {name} as it must be ({told}): this database could forget a commit."
        connection.rollback()


def server_troubles(engine: Engine) -> Iterator[str]:
    """Settings of a PostgreSQL server with which it can forget a commit, one sentence each."""
    with engine.connect() as connection:
        for name, wanted in POSTGRESQL.items():
            told = str(connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one())
            if told != wanted and not (name == "synchronous_commit" and told in ("remote_write", "remote_apply")):
                yield f"PostgreSQL runs with {name} = {told}: after a crash it can forget what was sent. Set it to on."
        connection.rollback()
