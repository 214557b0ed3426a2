"""Real processes on a real PostgreSQL: a web part and two workers, one of which is killed."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text, update

from outreach.clock import FrozenClock
from outreach.commands import migrating, revisions
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries.models import LEDGER
from outreach.practice.models import Person
from outreach.runtime import open_runtime
from outreach.today.models import DayHabit
from tests.contracts.servers import free_port
from tests.deliveries.posting import crowd, put

MANY = 200
SECONDS = 180
"""Until a test gives up: a busy machine is slow, not wrong."""


class Sink:
    """Accepts every mail, slowly, and remembers to whom; from the `hold`th on it lets them wait."""

    def __init__(self):
        self.hold = 0
        self.arrived = Counter()
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=SECONDS)
        self._controller.start()

    async def handle_DATA(self, _server, _session, envelope):
        import asyncio

        await asyncio.sleep(0.15)
        while 0 < self.hold <= sum(self.arrived.values()):
            await asyncio.sleep(0.02)
        self.arrived.update(envelope.rcpt_tos)
        return "250 OK"

    def close(self):
        self._controller.stop(no_assert=True)


@pytest.fixture
def sink():
    opened = Sink()
    yield opened
    opened.close()


@pytest.fixture
def place(settings, sink):
    """The furnished database as a migrated installation of today."""
    now = datetime.now(UTC)  # noqa: TID251 - the processes below live now
    runtime = open_runtime(replace(settings, smtp_url=f"smtp://127.0.0.1:{sink.port}"), clock=FrozenClock(now))
    migrating._spread(runtime.engine, settings)
    script = ScriptDirectory(str(revisions.FOLDER))
    with runtime.engine.begin() as connection:
        MigrationContext.configure(connection).stamp(script, "head")
    yield runtime
    runtime.close()


class Parts:
    """Processes of the program over one installation; all gone at the end."""

    def __init__(self, runtime):
        self._started = []
        self._environ = {
            **os.environ,
            "DATABASE_URL": runtime.settings.database_url,
            "OUTREACH_HOME": str(runtime.settings.home),
            "OUTREACH_SECRET_KEY": runtime.key.decode(),
            "OUTREACH_SMTP_URL": runtime.settings.smtp_url,
            "OUTREACH_PUBLIC_URL": "https://outreach.cedarlane.example",
        }

    def start(self, *words, **environ):
        part = subprocess.Popen([sys.executable, "-m", "outreach.cli", *words], env={**self._environ, **environ})
        self._started.append(part)
        return part

    def close(self):
        for part in self._started:
            if part.poll() is None:
                part.kill()
            part.wait()


@pytest.fixture
def parts(place):
    opened = Parts(place)
    yield opened
    opened.close()


def planned(runtime):
    """MANY mails are due at any hour of the day."""
    put(runtime, *crowd(runtime, MANY))
    with runtime.turn() as turn:
        # These tests run by the real clock: on a Monday our own people would get their digest as well.
        for person_id in turn.session.scalars(select(Person.id)):
            turn.session.add(DayHabit(person_id=person_id, week_goal=20, digest=False, set_at=turn.now))
        due = turn.now - timedelta(seconds=1)
        at_any_hour = {"due_at": due, "window_from_at": None, "window_until_at": None, "not_before_at": due}
        turn.session.execute(update(LEDGER).values(**at_any_hour))


def states(runtime):
    with runtime.turn(write=False) as turn:
        return Counter(dict(turn.session.execute(select(LEDGER.c.state, func.count()).group_by(LEDGER.c.state)).all()))


def held(runtime):
    """{(id, token)} of what some worker has claimed or under way."""
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(select(LEDGER.c.id, LEDGER.c.token).where(LEDGER.c.token.is_not(None)))
        return {(row.id, row.token) for row in rows}


def workers(runtime):
    """How many listen for announcements of work."""
    with runtime.turn(write=False) as turn:
        return turn.session.scalar(text("SELECT count(*) FROM procrastinate_workers"))


def wait_for(what, *, seconds=SECONDS):
    for _ in range(seconds * 10):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("this did not come about in time")


def test_two_workers_share_the_mail_and_one_may_die(place, parts, sink):
    planned(place)
    first, second = parts.start("worker"), parts.start("worker")
    wait_for(lambda: sum(sink.arrived.values()) >= 30)
    first.send_signal(signal.SIGKILL)
    first.wait()
    # What the dead one had claimed is left over: the other came to what it had at that time long before the last.
    at_its_death = held(place)
    wait_for(lambda: not states(place)["scheduled"] and held(place) <= at_its_death)
    with place.turn() as turn:
        # A minute is not waited for here.
        over = turn.now - timedelta(minutes=1)
        turn.session.execute(update(LEDGER).where(LEDGER.c.lease_until_at.is_not(None)).values(lease_until_at=over))
    wait_for(lambda: not (states(place).keys() - {"sent", "unconfirmed"}))
    second.send_signal(signal.SIGTERM)
    assert second.wait(SECONDS) == 0
    assert set(sink.arrived.values()) == {1}, "nobody got two"
    unconfirmed = states(place)["unconfirmed"]
    assert unconfirmed <= MESSAGE_KINDS["drip"].in_flight, (
        "at most what the dead one had under way, each of them listed"
    )
    assert MANY - unconfirmed <= len(sink.arrived) <= MANY


def test_a_worker_that_is_told_to_stop_leaves_nothing_open(place, parts, sink):
    planned(place)
    sink.hold = 20
    worker = parts.start("worker")
    wait_for(lambda: sum(sink.arrived.values()) >= 20)
    worker.send_signal(signal.SIGTERM)
    sink.hold = 0
    assert worker.wait(SECONDS) == 0
    left = states(place)
    assert left.keys() <= {"sent", "scheduled"}
    assert left["sent"] == sum(sink.arrived.values()) < MANY


def answers(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=SECONDS).status == 200
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


@pytest.mark.postgresql
def test_a_web_part_with_its_own_worker_beside_another_worker_sends_each_mail_once(place, parts, sink):
    planned(place)
    port = free_port()
    web, worker = parts.start("web", "--with-worker", OUTREACH_PORT=str(port)), parts.start("worker")
    wait_for(lambda: answers(port) and workers(place) == 2)
    wait_for(lambda: states(place)["sent"] == MANY)
    for part in (web, worker):
        part.send_signal(signal.SIGTERM)
    assert [part.wait(SECONDS) for part in (web, worker)] == [0, 0]
    assert len(sink.arrived) == MANY
    assert set(sink.arrived.values()) == {1}


@pytest.mark.postgresql
def test_everything_under_one_parent_runs_on_postgresql_and_stops_when_told(place, parts, sink):
    planned(place)
    port = free_port()
    house = parts.start("run", OUTREACH_PORT=str(port))
    wait_for(lambda: answers(port))
    wait_for(lambda: sum(sink.arrived.values()) >= 20)
    house.send_signal(signal.SIGTERM)
    assert house.wait(SECONDS) == 0
    assert states(place).keys() <= {"sent", "scheduled"}, "what was under way is finished"
    assert states(place)["sent"] == sum(sink.arrived.values())


@pytest.mark.postgresql
def test_a_worker_does_not_start_on_tables_of_another_version(place, parts):
    with place.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of-another'"))
    worker = parts.start("worker")
    assert worker.wait(SECONDS) == 1
