"""Work announced through Procrastinate: in the planner's transaction, without a message, to lose or double it is
harmless."""

import threading
from collections import Counter

import pytest
from sqlalchemy import func, select, text

from jobs import runner
from jobs.catalog import job_named
from jobs.dispatching import dispatcher_for
from jobs.on_procrastinate import MOST_ANNOUNCED, SHARE, Listener, apply_schema
from outreach.deliveries.models import Delivery
from outreach.runtime import open_runtime
from tests.deliveries.posting import crowd, put

pytestmark = pytest.mark.postgresql


@pytest.fixture
def spread(settings, clock):
    """An installation over PostgreSQL whose work is announced."""
    opened = open_runtime(settings, clock=clock, dispatcher=dispatcher_for(settings))
    with opened.engine.begin() as connection:
        apply_schema(connection)
    yield opened
    opened.close()


def announced(runtime):
    """{queueing lock: status} of all announcements."""
    with runtime.engine.connect() as connection:
        rows = connection.execute(text("SELECT queueing_lock, status, args FROM procrastinate_jobs ORDER BY id"))
        return [(row.queueing_lock, row.status, row.args) for row in rows]


def test_an_announcement_is_there_when_its_turn_is_committed_and_only_then(spread):
    with spread.turn() as turn:
        assert spread.dispatcher.enqueue(turn.session, "send", count=1)
        assert announced(spread) == []
    assert announced(spread) == [("send:0", "todo", {"work": "send"})]
    with pytest.raises(ZeroDivisionError), spread.turn() as turn:
        spread.dispatcher.enqueue(turn.session, "other", count=1 // 0)
    assert len(announced(spread)) == 1


def test_announcements_do_not_pile_up_and_leave_the_turn_whole(spread):
    for _ in range(3):
        with spread.turn() as turn:
            spread.dispatcher.enqueue(turn.session, "send", count=2 * SHARE)
            assert turn.session.scalar(select(func.count()).select_from(Delivery)) == 0
    assert [lock for lock, *_ in announced(spread)] == ["send:0", "send:1"]
    with spread.turn() as turn:
        spread.dispatcher.enqueue(turn.session, "send", count=10**9)
    assert len(announced(spread)) == MOST_ANNOUNCED


def test_a_tick_announces_and_the_listener_does_the_work(spread, cast, clock):
    put(spread, *crowd(spread, 5))
    assert runner.tick(spread, job_named("send")) == 0
    assert len(announced(spread)) == 1
    done = threading.Event()

    def run(work):
        runner.work_announced(spread, work)
        done.set()

    listener = Listener(spread.settings.database_url, run)
    listener.start()
    assert done.wait(60)
    listener.stop()
    assert states(spread) == {"sent": 5}
    assert announced(spread) == [], "what succeeded leaves nothing behind"


def test_all_announcements_deleted_or_doubled_change_nothing(spread, cast, clock):
    put(spread, *crowd(spread, 5))
    runner.tick(spread, job_named("send"))
    with spread.engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
    clock.advance(job_named("send").every)
    runner.tick(spread, job_named("send"))
    assert len(announced(spread)) == 1, "the next tick announces again"
    for _ in range(3):
        runner.work_announced(spread, "send")
    assert states(spread) == {"sent": 5}
    with spread.turn(write=False) as turn:
        assert set(turn.session.scalars(select(Delivery.attempts))) == {1}


def test_what_a_dead_worker_fetched_is_announced_again(spread):
    with spread.turn() as turn:
        spread.dispatcher.enqueue(turn.session, "send", count=SHARE + 1)
    with spread.engine.begin() as connection:
        worker = connection.scalar(text("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"))
        for _ in range(2):
            connection.execute(text("SELECT * FROM procrastinate_fetch_job_v2(NULL, :worker)"), {"worker": worker})
    assert spread.dispatcher.tidy() == 0, "its heart beats"
    with spread.turn() as turn:
        spread.dispatcher.enqueue(turn.session, "send", count=1)
    with spread.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s'"))
    assert spread.dispatcher.tidy() == 2
    assert sorted((lock, status) for lock, status, _ in announced(spread)) == [("send:0", "todo"), ("send:1", "todo")]
    assert spread.dispatcher.tidy() == 0
    done = threading.Event()
    listener = Listener(spread.settings.database_url, lambda work: done.set())
    listener.start()
    assert done.wait(60), "whatever style the server writes dates in, a living worker fetches it"
    listener.stop()


def test_the_schema_is_applied_once_and_follows_the_installed_version(spread):
    with spread.engine.begin() as connection:
        assert apply_schema(connection) is None
        connection.execute(
            text("COMMENT ON TABLE procrastinate_jobs IS '03.04.00_01_pre_add_retry_failed_job_procedure'")
        )
    with spread.engine.begin() as connection:
        assert "03.04.00" in (apply_schema(connection) or "")
        assert apply_schema(connection) is None


def test_the_doctor_is_told_when_no_worker_lives(spread):
    assert "No worker" in (spread.dispatcher.health() or "")
    with spread.engine.begin() as connection:
        connection.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
    assert spread.dispatcher.health() is None
    with spread.engine.begin() as connection:
        connection.execute(text("DROP TABLE procrastinate_jobs CASCADE"))
        connection.execute(text("DROP TABLE procrastinate_workers CASCADE"))
    assert "outreach migrate" in (spread.dispatcher.health() or "")


def states(runtime):
    with runtime.turn(write=False) as turn:
        return Counter(turn.session.scalars(select(Delivery.state)))
