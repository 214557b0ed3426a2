"""When nothing may leave although nobody held it: an old copy, a full disk, a clock that jumped."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from outreach.deliveries import outbox
from outreach.deliveries.guards import clock_guard, copy_guard, disk_guard, high_water
from outreach.deliveries.guards.high_water_models import HighWater
from outreach.deliveries.handing import ASK_SECONDS
from outreach.errors import Refusal
from tests.deliveries.posting import delivery, memory, put, send, states


def behind(runtime):
    """The database is an old copy: its file knows of more hand-overs."""
    with runtime.turn() as turn:
        high_water.reserve(turn.session, 1)
    high_water.write(runtime.settings.home, 400)


def hold_of(runtime):
    with runtime.turn(write=False) as turn:
        return outbox.held_scopes(turn.session).get("all")


def resume(runtime):
    with runtime.turn() as turn:
        return copy_guard.resume(turn.session, runtime.settings.home, now=turn.now, by_id=None)


def test_an_old_copy_sends_nothing_and_what_was_due_is_doubtful(runtime, cast, clock):
    put(runtime, cast.raman)
    put(runtime, cast.denise, step="2", not_before_at=clock.now() + timedelta(days=3))
    behind(runtime)
    assert send(runtime) == 0
    assert hold_of(runtime).why == high_water.WHY_BEHIND
    assert states(runtime) == {"scheduled": 1, "unconfirmed": 1}
    assert send(runtime) == 0
    assert memory(runtime).sent == []


def test_a_person_goes_on_with_the_copy_and_it_stays_so(runtime, cast, clock):
    put(runtime, cast.raman)
    behind(runtime)
    send(runtime)
    assert resume(runtime) == 0
    assert hold_of(runtime) is None
    put(runtime, cast.denise, step="2")
    send(runtime)
    assert len(memory(runtime).sent) == 1
    assert hold_of(runtime) is None


def test_what_planners_put_in_again_during_the_hold_is_doubtful_too(runtime, cast, clock):
    put(runtime, cast.raman)
    behind(runtime)
    send(runtime)
    clock.advance(timedelta(minutes=5))
    # The lost database had planned and sent this one; the copy plans it anew.
    put(runtime, cast.denise, step="2")
    put(runtime, cast.okafor, step="3", not_before_at=clock.now() + timedelta(days=2))
    resume(runtime)
    send(runtime)
    assert memory(runtime).sent == []
    assert states(runtime) == {"scheduled": 1, "unconfirmed": 2}


def test_nobody_resumes_an_old_copy_without_having_read_so(runtime, cast):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope="all", by_id=cast.maya, why="Held by Maya.")
    behind(runtime)
    first = resume(runtime)
    assert isinstance(first, Refusal)
    assert first.text == high_water.WHY_BEHIND
    assert hold_of(runtime).why == f"{high_water.WHY_BEHIND} Held by Maya."
    assert not isinstance(resume(runtime), Refusal)


def test_a_second_installation_keeps_its_mail_and_waits(runtime, cast):
    if "postgresql" in runtime.settings.database_url:
        return
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        number = high_water.reserve(turn.session, 1)
        turn.session.execute(update(HighWater).values(place="elsewhere"))
    high_water.write(runtime.settings.home, number)
    assert send(runtime) == 0
    assert hold_of(runtime).why == high_water.WHY_PLACE
    assert states(runtime) == {"scheduled": 1}
    resume(runtime)
    assert send(runtime) == 1


def test_a_full_disk_stops_sending_and_it_goes_on_by_itself(runtime, cast, monkeypatch):
    put(runtime, cast.raman)
    free = {"bytes": disk_guard.FLOOR_BYTES - 1}
    monkeypatch.setattr(disk_guard.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free["bytes"]))
    assert send(runtime) == 0
    assert hold_of(runtime) is None
    free["bytes"] += 1
    assert send(runtime) == 1


def test_a_disk_that_fills_up_meanwhile_stops_the_run(runtime, monkeypatch):
    monkeypatch.setattr(disk_guard.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=0))
    assert disk_guard.or_low(lambda: False, runtime.settings)()


def test_a_disk_that_fills_up_is_noticed_within_half_a_second(runtime, monkeypatch):
    free = [10**12]
    monkeypatch.setattr(disk_guard.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free[0]))
    stops = disk_guard.or_low(lambda: False, runtime.settings)
    assert not stops()
    free[0] = 0
    assert sum(not stops() for _ in range(200)) * ASK_SECONDS <= 0.5


@pytest.mark.parametrize(("jump", "held"), [
    (timedelta(minutes=15), False), (timedelta(minutes=15, seconds=1), True), (timedelta(days=365), True),
    (timedelta(minutes=-15), False), (timedelta(minutes=-15, seconds=-1), True),
])  # fmt: skip
def test_a_clock_that_jumps_more_than_a_quarter_hour_holds_all_mail(runtime, cast, clock, jump, held):
    send(runtime)
    put(runtime, cast.raman)
    clock.set(clock.now() + jump)
    send(runtime)
    assert (hold_of(runtime) is not None) == held
    assert not held or hold_of(runtime).why == clock_guard.WHY_JUMPED


def test_time_that_passes_is_no_jump(runtime, clock):
    send(runtime)
    clock.advance(timedelta(days=3))
    send(runtime)
    assert hold_of(runtime) is None


def test_a_clock_that_jumps_in_mid_run_makes_nothing_due(runtime, cast, clock):
    later = put(runtime, cast.okafor, step="2", not_before_at=clock.now() + timedelta(days=100)).ids[cast.okafor]
    put(runtime, cast.raman)
    send(runtime, reached=lambda point: clock.set(clock.now() + timedelta(days=120)) if point == "answered" else None)
    assert delivery(runtime, later).state == "scheduled"
    assert hold_of(runtime).why == clock_guard.WHY_JUMPED


def test_until_a_person_has_looked_a_wrong_clock_plans_nothing_again(runtime, cast, clock):
    send(runtime)
    waiting = put(runtime, cast.raman, not_after_at=clock.now() + timedelta(days=30)).ids[cast.raman]
    due_at = delivery(runtime, waiting).due_at
    clock.set(clock.now() + timedelta(days=365))
    for _ in range(3):
        send(runtime)
    assert (delivery(runtime, waiting).state, delivery(runtime, waiting).due_at) == ("scheduled", due_at)
