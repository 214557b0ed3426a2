"""The test practice: a fresh database per test (copied from one made once), a frozen clock, a named cast.

Tests of the rooms in ON_BOTH run on SQLite and on PostgreSQL; the others, and all browser tests, on SQLite.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.db import make_engine
from outreach.runtime import Runtime, open_runtime
from outreach.schema import load_all
from outreach.screen import Turn
from tests import postgres, sharing
from tests.desk import Desk
from tests.people import Cast, furnish, sign_in

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""Monday, 2 March 2026, 10:00 in New York: inside sending hours, no holiday, no clock change near."""
KEY = b"k" * 64
ON_BOTH = {
    *("campaigns", "cards", "contacts", "contracts", "deliveries", "events", "gifts", "jobs"),
    *("newsletters", "practice", "referrals", "reports", "stories", "stories_room", "today"),
}
"""Not content (blocks and rendering ask little of a database) nor commands (mostly files and settings)."""


sharing.share_templates()
sharing.share_statements()
# A busy machine is slow, not wrong; and each run tries the same examples (--hypothesis-profile=default: new ones).
hypothesis.settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--require-pg: a missing PostgreSQL is a failure, not a skip."""
    parser.addoption("--require-pg", action="store_true", help="fail when no PostgreSQL can be had")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: much of the time is waiting for Chromium, PostgreSQL and other processes."""
    return (os.cpu_count() or 1) + 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of these rooms that opens a database runs once on each."""
    if "database" in metafunc.fixturenames and metafunc.definition.get_closest_marker("browser") is None:
        room = Path(str(metafunc.definition.path)).parent.name
        only = [kind for kind in ("sqlite", "postgresql") if metafunc.definition.get_closest_marker(kind)]
        kinds = only or (["sqlite", "postgresql"] if room in ON_BOTH else ["sqlite"])
        metafunc.parametrize("database", kinds, indirect=True, scope="function")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A missing PostgreSQL is told loudly, with a count."""
    skipped = [one for one in terminalreporter.stats.get("skipped", ()) if postgres.MISSING in str(one.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{postgres.MISSING} Tests concerned: {len(skipped)}", red=True)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "localhost", "::1"):
            raise RuntimeError(f"A test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A furnished database file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "outreach.db"
    engine = make_engine(f"sqlite:///{path}")
    load_all().metadata.create_all(engine)
    with Session(engine) as session:
        furnish(session, now=MONDAY, key=KEY)
        session.commit()
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    sharing.speaks(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> postgres.Server:
    """The PostgreSQL of this run, shared by all of pytest's processes."""
    here, is_child = tmp_path_factory.getbasetemp(), "PYTEST_XDIST_WORKER" in os.environ
    found = postgres.shared(here.parent if is_child else here, owner=os.getppid() if is_child else os.getpid())
    if found is None:
        if request.config.getoption("--require-pg"):
            pytest.fail(postgres.MISSING)
        pytest.skip(postgres.MISSING)
    return found


@pytest.fixture(scope="session")
def postgres_desks() -> Iterator[dict[Path, Desk]]:
    """By the file that they are filled from: most tests share one, some rooms have their own."""
    desks: dict[Path, Desk] = {}
    yield desks
    for desk in desks.values():
        desk.leave()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> str:
    """The URL of this test's own furnished database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copy(empty_database, tmp_path / "outreach.db")
        return f"sqlite:///{tmp_path / 'outreach.db'}"
    desks = request.getfixturevalue("postgres_desks")
    if empty_database not in desks:
        desks[empty_database] = Desk(request.getfixturevalue("postgres_server"), empty_database)
    url: str = desks[empty_database].fresh()
    return url


@pytest.fixture
def clock() -> FrozenClock:
    """Stands at MONDAY until a test moves it."""
    return FrozenClock(MONDAY)


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    """Settings of a test installation with its own copy of the database."""
    return Settings(
        mode="test",
        home=tmp_path,
        database_url=database,
        secret_key=KEY,
        public_url="https://outreach.cedarlane.example",
        preview_inbox=True,
        second_factor_required=False,
    )


@pytest.fixture
def runtime(settings: Settings, clock: FrozenClock) -> Iterator[Runtime]:
    """An open installation over the memory transport."""
    opened = open_runtime(settings, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def turn(runtime: Runtime) -> Iterator[Turn]:
    """One turn, rolled back at the end unless the test commits."""
    with runtime.turn() as opened:
        yield opened


@pytest.fixture
def cast(runtime: Runtime) -> Cast:
    """The people everyone knows, by name."""
    return Cast(runtime)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The application; CSRF is on, as in real life."""
    from outreach.web import create_app

    opened = create_app(runtime)
    # Stories jump over days: only the tests of signing in let a session end.
    opened.session_interface.idle = opened.session_interface.absolute = timedelta(days=3650)  # type: ignore[attr-defined]
    return opened


@pytest.fixture
def maya(app: Flask, runtime: Runtime) -> FlaskClient:
    """A browser in which Maya, the coordinator, is signed in."""
    return sign_in(app, runtime, "maya@cedarlane.example")


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser in which nobody is signed in."""
    return app.test_client()
