"""Limits, a busy way, a way that fails, and W per kind: kept in the database, shared, and there after a restart."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select, update

from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import claiming, sending, steering
from outreach.deliveries.models import Attempt, Delivery, TransportState
from outreach.deliveries.transports.protocol import (
    NOT_BEGUN,
    Accepted,
    AccountProblem,
    NotHandedOver,
    Permanent,
    RefusedForNow,
    Unknown,
)
from outreach.deliveries.ways import throttling
from outreach.deliveries.ways.transport_models import InFlight, TransportThrottle
from tests.deliveries.posting import crowd, memory, put, send, states

LOST = NotHandedOver("no connection")


def limit(runtime, name="smtp", **limits):
    with runtime.turn() as turn:
        turn.session.add(TransportThrottle(name=name, **limits))


def take(runtime, number, name="smtp"):
    with runtime.turn() as turn:
        return throttling.take(turn.session, {name: number}, now=turn.now)[name]


def note(runtime, *outcomes, name="smtp"):
    with runtime.turn() as turn:
        throttling.note(turn.session, name, outcomes, now=turn.now)


def next_at(runtime, name="smtp"):
    with runtime.turn() as turn:
        return throttling.next_at(turn.session, name, now=turn.now)


def state(runtime, name="smtp"):
    with runtime.turn() as turn:
        return turn.session.get_one(TransportState, name)


def statements(runtime, call):
    seen = []
    event.listen(runtime.engine, "after_cursor_execute", lambda *each: seen.append(each[2]))
    with runtime.turn() as turn:
        call(turn)
        return [words for words in seen if "practice.demo_offset" not in words and not words.startswith("BEGIN")]


def test_without_limits_everything_may_begin_for_one_statement(runtime):
    assert take(runtime, 500) == 500
    found = statements(runtime, lambda turn: throttling.take(turn.session, {"smtp": 8, "sendgrid": 2}, now=turn.now))
    assert len(found) == 1
    assert next_at(runtime) == runtime.clock.now()


def test_a_way_that_works_costs_one_statement(runtime):
    note(runtime, Accepted())
    found = statements(runtime, lambda turn: throttling.note(turn.session, "smtp", [Accepted()] * 8, now=turn.now))
    assert len(found) == 1
    assert state(runtime).last_sent_at == runtime.clock.now()


def test_the_limit_per_second_is_shared_and_outlives_a_restart(runtime, clock):
    limit(runtime, per_second=4.0)
    assert [take(runtime, 3), take(runtime, 3), take(runtime, 3)] == [3, 1, 0]
    assert clock.now() < next_at(runtime) <= clock.now() + timedelta(seconds=0.25)
    clock.advance(timedelta(seconds=0.5))
    assert take(runtime, 9) == 2


def test_the_limit_per_day_is_of_the_practices_own_day(runtime, clock):
    limit(runtime, per_day=10)
    assert [take(runtime, 8), take(runtime, 8)] == [8, 2]
    assert next_at(runtime) == datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
    clock.set(datetime(2026, 3, 3, 4, 59, tzinfo=UTC))
    assert take(runtime, 8) == 0
    clock.set(datetime(2026, 3, 3, 5, 0, tzinfo=UTC))
    assert take(runtime, 8) == 8


def test_busy_slows_the_way_down_and_its_own_word_is_kept(runtime, clock):
    note(runtime, Accepted(), RefusedForNow("429", wait_seconds=30, busy=True))
    assert state(runtime).not_before_at == clock.now() + timedelta(seconds=30)
    clock.advance(timedelta(seconds=30))
    assert 0 < take(runtime, 500) < 100
    clock.advance(timedelta(minutes=10))
    assert take(runtime, 500) == 500


@pytest.mark.parametrize("lie", [{"wait_seconds": 10**12}, {"not_before_at": datetime(2190, 1, 1, tzinfo=UTC)}])
def test_a_provider_that_lies_about_its_reset_is_asked_again_after_an_hour_with_one_mail(runtime, clock, lie):
    note(runtime, RefusedForNow("429", busy=True, **lie))
    assert state(runtime).not_before_at == clock.now() + timedelta(hours=1)
    clock.advance(timedelta(hours=1))
    assert [take(runtime, 8), take(runtime, 8)] == [1, 0]
    note(runtime, Accepted())
    assert take(runtime, 8) == 8


@pytest.mark.parametrize(
    "nonsense",
    [{"wait_seconds": float("nan")}, {"wait_seconds": -3600}, {"not_before_at": datetime(1990, 1, 1, tzinfo=UTC)}],
)
def test_a_reset_that_makes_no_sense_rests_nothing(runtime, clock, nonsense):
    note(runtime, RefusedForNow("429", busy=True, **nonsense))
    kept = state(runtime).not_before_at
    assert kept is None or kept <= clock.now()
    clock.advance(timedelta(seconds=5))
    assert take(runtime, 8) == 8


def test_a_mailbox_that_asks_to_wait_says_nothing_about_the_way(runtime):
    note(runtime, *[RefusedForNow("450 greylisted", wait_seconds=300)] * 30)
    assert state(runtime).not_before_at is None
    assert take(runtime, 500) == 500


def test_a_way_that_fails_rests_and_then_tries_one(runtime, clock):
    note(runtime, LOST, LOST, Unknown("lost reply"), LOST, LOST)
    assert state(runtime).not_before_at == clock.now() + timedelta(minutes=1) == next_at(runtime)
    assert take(runtime, 8) == 0
    clock.advance(timedelta(minutes=1))
    assert [take(runtime, 8), take(runtime, 8)] == [1, 0]
    assert clock.now() < next_at(runtime) <= clock.now() + timedelta(seconds=5)
    note(runtime, Accepted())
    assert take(runtime, 8) == 8
    assert state(runtime).troubles == 0


def test_a_failed_try_rests_twice_as_long(runtime, clock):
    note(runtime, *[LOST] * 5)
    clock.advance(timedelta(minutes=1))
    take(runtime, 8)
    note(runtime, LOST)
    assert state(runtime).not_before_at == clock.now() + timedelta(minutes=2)


def test_messages_that_were_not_begun_are_no_trouble(runtime):
    note(runtime, *[NOT_BEGUN] * 50)
    assert take(runtime, 500) == 500
    assert state(runtime).last_trouble == ""


def test_an_account_problem_pauses_at_once_and_whoever_resumes_tries_one_first(runtime):
    note(runtime, Accepted(), AccountProblem("401 key revoked"), AccountProblem("401 key revoked"))
    assert (state(runtime).paused_why, state(runtime).paused_by_id) == ("401 key revoked", None)
    assert [take(runtime, 8), take(runtime, 8)] == [1, 0]
    note(runtime, Permanent("550 5.1.1 unknown"))
    assert take(runtime, 8) == 8


def test_a_way_is_unlike_another(runtime):
    limit(runtime, per_second=1.0)
    note(runtime, *[LOST] * 5, name="sendgrid")
    with runtime.turn() as turn:
        granted = throttling.take(turn.session, {"smtp": 5, "sendgrid": 5, "folder": 5}, now=turn.now)
    assert granted == {"smtp": 1, "sendgrid": 0, "folder": 5}


def test_w_is_the_default_until_somebody_chooses_and_never_beyond_its_bound(runtime, clock):
    with runtime.turn() as turn:
        assert throttling.in_flight(turn.session) == {name: kind.in_flight for name, kind in MESSAGE_KINDS.items()}
        turn.session.add_all(
            [
                InFlight(kind="newsletter", most=50, changed_at=turn.now),
                InFlight(kind="drip", most=100, changed_at=turn.now),
            ]
        )
        turn.session.flush()
        chosen = throttling.in_flight(turn.session)
    assert (chosen["newsletter"], chosen["drip"], chosen["invitation"]) == (50, 8, 8)


def test_whoever_resumes_a_refused_way_tries_one_mail_first(runtime, cast, clock):
    put(runtime, cast.raman, cast.denise, cast.okafor)
    memory(runtime).answers.append(AccountProblem("403 not a verified Sender Identity"))
    send(runtime)
    with runtime.turn() as turn:
        steering.resume(turn.session, "memory")
    memory(runtime).answers.append(AccountProblem("403 not a verified Sender Identity"))
    clock.advance(timedelta(minutes=1))
    before = attempts(runtime)
    send(runtime)
    assert attempts(runtime) == before + 1
    assert state(runtime, "memory").paused_at is not None
    with runtime.turn() as turn:
        steering.resume(turn.session, "memory")
    for _ in range(3):
        clock.advance(timedelta(seconds=10))
        send(runtime)
    assert states(runtime) == {"sent": 3}


def test_the_sender_keeps_to_the_limit_of_the_day_and_goes_on_the_next(runtime, clock):
    limit(runtime, "memory", per_day=3)
    put(runtime, *crowd(runtime, 8))
    for _ in range(4):
        send(runtime)
        clock.advance(timedelta(minutes=5))
    assert states(runtime) == {"scheduled": 5, "sent": 3}
    clock.advance(timedelta(days=1))
    send(runtime)
    assert states(runtime) == {"scheduled": 2, "sent": 6}


def moved(runtime, clock):
    """How many rows were written since the last look: each has the time of its last change."""
    with runtime.turn(write=False) as turn:
        return turn.session.scalar(select(func.count()).select_from(Delivery).where(Delivery.updated_at == clock.now()))


def test_a_limited_way_writes_only_what_may_leave_not_its_backlog(runtime, clock):
    limit(runtime, "memory", per_day=3)
    put(runtime, *crowd(runtime, 60))
    clock.advance(timedelta(minutes=1))
    send(runtime)
    assert states(runtime) == {"scheduled": 57, "sent": 3}
    assert moved(runtime, clock) == 3
    clock.advance(timedelta(minutes=1))
    send(runtime)
    assert moved(runtime, clock) == 0


def test_a_slow_way_holds_nobody_up_who_goes_another_way(runtime, clock):
    limit(runtime, "memory", per_second=0.01)
    put(runtime, *crowd(runtime, 40))
    clock.advance(timedelta(minutes=1))
    send(runtime)
    assert states(runtime) == {"scheduled": 39, "sent": 1}
    with runtime.turn() as turn:
        # As another way out would have it: the slow one's mail stands first in the line.
        turn.session.add(TransportThrottle(name="smtp", per_day=1, day_on=turn.now.date(), day_used=1))
        first = select(Delivery.id).where(Delivery.state == "scheduled").order_by(Delivery.id).limit(20)
        turn.session.execute(update(Delivery).where(Delivery.id.in_(first)).values(transport="smtp", priority=9))
        turn.session.get_one(TransportThrottle, "memory").per_second = None
    clock.advance(timedelta(minutes=1))
    send(runtime)
    assert states(runtime) == {"scheduled": 20, "sent": 20}


def test_a_backlog_of_a_slow_way_hides_nothing_of_another(runtime, clock, monkeypatch):
    monkeypatch.setattr(sending, "CANDIDATES", 10)
    put(runtime, *crowd(runtime, 40))
    with runtime.turn() as turn:
        turn.session.add(TransportThrottle(name="smtp", per_day=1, day_on=turn.now.date(), day_used=1))
        first = select(Delivery.id).order_by(Delivery.id).limit(20)
        turn.session.execute(update(Delivery).where(Delivery.id.in_(first)).values(transport="smtp", priority=9))
    clock.advance(timedelta(minutes=1))
    send(runtime)
    assert states(runtime) == {"scheduled": 20, "sent": 20}


def test_those_of_limited_ways_stand_among_the_others_by_what_matters_most(runtime, clock):
    put(runtime, *crowd(runtime, 6))
    with runtime.turn() as turn:
        for number, row in enumerate(turn.session.scalars(select(Delivery).order_by(Delivery.id))):
            row.priority, row.transport = number, ("smtp", "memory", "print")[number % 3]
        turn.session.flush()
        found = claiming.waiting(turn.session, now=turn.now, kind="drip", limit=9, bounded={"smtp": 1, "other": 0})
        ids = turn.session.scalars(select(Delivery.id).order_by(Delivery.priority.desc())).all()
    assert found == [(ids[1], "memory"), (ids[2], "smtp"), (ids[4], "memory"), (ids[5], "smtp")]


def test_a_way_that_rests_in_mid_run_claims_no_more(runtime, clock):
    people = crowd(runtime, 60)
    put(runtime, *people)
    memory(runtime).answers.extend([RefusedForNow("429", wait_seconds=600, busy=True)] * 60)
    clock.advance(timedelta(minutes=1))
    send(runtime)
    assert attempts(runtime) <= 24
    assert moved(runtime, clock) <= 24


def attempts(runtime):
    with runtime.turn(write=False) as turn:
        return turn.session.scalar(select(func.count()).select_from(Attempt))
