"""A PostgreSQL server of the suite's own, with fsync and synchronous_commit on: it is crashed on purpose.

The programs are those that tests.postgres finds. The data folder lies under the temporary directory; as root the
server runs as another user, because it refuses root.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres import find_programs

OTHER_USERS = ("postgres", "pgserver", "nobody")
SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "200"}
STOPS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
SECONDS = 180
"""Until a server that does not start or stop is given up: disks may be busy for long."""
DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux: the server does not outlive the suite."""


class Server:
    """One cluster in a temporary folder."""

    def __init__(self, **settings: str) -> None:
        """Made and started; `settings` go over SETTINGS."""
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-pg-"))
        self._who = _other_user()
        self._programs = _readable(find_programs(), self.folder, anybody=not self._who)
        if self._who:
            os.chown(self.folder, self._who["user"], self._who["group"])
            self.folder.chmod(0o755)
        self._data = self.folder / "data"
        command = [self._programs / "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"]
        with (self.folder / "log").open("ab") as log:
            made = subprocess.run(
                [*command, "-D", self._data], stdout=log, stderr=log, cwd="/", check=False, **self._who
            )
        if made.returncode:
            raise RuntimeError(self.log())
        self.set(**settings)
        self.start()

    def set(self, **settings: str) -> None:
        """Settings for the next start."""
        chosen = {**SETTINGS, "listen_addresses": "", "unix_socket_directories": str(self.folder), **settings}
        self._options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]

    def start(self) -> None:
        """Running and answering."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *self._options],
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=_die_with_parent,
                **self._who,
            )
        for _ in range(SECONDS * 20):
            try:
                self._sql("SELECT 1")
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError(self.log())

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: nothing is written down that was not yet."""
        self._process.send_signal(STOPS[mode])
        self._process.wait(SECONDS)

    def remove(self) -> None:
        """Stopped, and the folder is gone."""
        if self._process.poll() is None:
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """The end of what the server said."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def url(self, name: str) -> str:
        """The address of one database for the application."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def create(self, name: str, template: str = "template0") -> str:
        """A database of that name, a copy of the template; answers its address."""
        self._sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """The database is gone, whoever is connected."""
        self._sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def rename(self, name: str, other: str) -> None:
        """The database has another name."""
        self._sql(f'ALTER DATABASE "{name}" RENAME TO "{other}"')

    def cut(self, name: str) -> int:
        """Every connection to the database is cut; answers how many."""
        return len(self._sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))  # noqa: S608

    def _sql(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(f"postgresql://postgres@/postgres?host={self.folder}", autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGQUIT)


def _other_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    known = {each.pw_name: each for each in pwd.getpwall()}
    found = next((known[name] for name in OTHER_USERS if name in known), None)
    assert found, "as root, a PostgreSQL server needs another user"
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _readable(programs: Path | None, folder: Path, *, anybody: bool) -> Path:
    """The programs themselves, or a copy that the other user may read."""
    assert programs is not None, "no PostgreSQL programs"
    if anybody or all(each.stat().st_mode & 0o005 == 0o005 for each in (programs, *programs.parents)):
        return programs
    shutil.copytree(programs.parent, folder / "programs", symlinks=True)
    return folder / "programs" / "bin"
