"""Workers that are killed, and two at once: nobody gets a message twice, nothing is lost, every doubt is listed."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries.models import Delivery
from tests.deliveries.posting import crowd, put

ROOT = Path(__file__).resolve().parents[2]


def worker(runtime, minutes, point="never", nth=1):
    where = [str(runtime.settings.home), runtime.settings.database_url]
    command = [sys.executable, "-m", "tests.deliveries.worker", *where, str(minutes), point, str(nth)]
    return subprocess.Popen(command, cwd=ROOT)


def witness(home):
    path = home / "witness"
    return Counter(int(line) for line in path.read_text().split()) if path.exists() else Counter()


def ledger(runtime):
    with runtime.turn(write=False) as turn:
        return {row.id: row.state for row in turn.session.execute(select(Delivery.id, Delivery.state))}


@pytest.mark.parametrize(
    ("point", "nth"), [("claimed", 1), ("fenced", 1), ("fenced", 3), ("handed-over", 5), ("recorded", 2)]
)
def test_killed_at_a_named_point_nothing_is_doubled_or_lost(runtime, point, nth):
    home, in_flight = runtime.settings.home, MESSAGE_KINDS["drip"].in_flight
    put(runtime, *crowd(runtime, 40))
    assert worker(runtime, 0, point, nth).wait(60) == 9
    assert worker(runtime, 3).wait(60) == 0
    accepted, states = witness(home), ledger(runtime)
    unconfirmed = {each for each, state in states.items() if state == "unconfirmed"}
    sent = {each for each, state in states.items() if state == "sent"}
    assert max(accepted.values()) == 1
    assert len(unconfirmed) <= in_flight
    assert sent | unconfirmed == set(states)
    assert sent <= set(accepted) <= sent | unconfirmed
    if point == "claimed":
        assert not unconfirmed


def test_two_workers_at_once_send_nothing_twice(runtime):
    home = runtime.settings.home
    put(runtime, *crowd(runtime, 200))
    workers = [worker(runtime, 0) for _ in range(2)]
    assert [each.wait(120) for each in workers] == [0, 0]
    accepted = witness(home)
    assert len(accepted) == 200
    assert set(accepted.values()) == {1}
    assert Counter(ledger(runtime).values()) == {"sent": 200}
