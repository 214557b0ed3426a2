"""A way out that carries nothing while mail waits says so where people wonder: on the outbox, and on Today."""

from datetime import timedelta

from outreach.deliveries import steering
from outreach.deliveries.transports.protocol import Accepted, NotHandedOver
from outreach.deliveries.ways import throttling, trouble
from outreach.today.waiting import waiting
from tests.deliveries.posting import put

GONE = NotHandedOver("no answer")


def fails(runtime, times):
    with runtime.turn() as turn:
        throttling.note(turn.session, "memory", [GONE] * times, now=turn.now)


def seen(runtime):
    with runtime.turn(write=False) as turn:
        lines = [line.text for line in waiting(turn.session, now=turn.now, today=turn.now.date())]
        return trouble.in_trouble(turn.session, now=turn.now), [line for line in lines if "get through" in line]


def test_a_way_that_rests_is_told_while_mail_waits_for_it_and_no_longer(runtime, cast, clock, maya):
    fails(runtime, 5)
    assert seen(runtime) == ([], []), "nobody waits for it"
    put(runtime, cast.raman)
    [told], today = seen(runtime)
    assert (told.label, told.paused, told.lasting, today) == ("Memory (nothing leaves this machine)", False, False, [])
    page = maya.get("/outbox").get_data(as_text=True)
    assert "resting." in page
    assert "We try again" in page
    clock.advance(timedelta(minutes=2))
    with runtime.turn() as turn:
        throttling.take(turn.session, {"memory": 1}, now=turn.now)
    fails(runtime, 1)
    [told], today = seen(runtime)
    assert told.lasting
    assert len(today) == 1, "what did not work the second time is told on Today"
    clock.advance(timedelta(minutes=5))
    with runtime.turn() as turn:
        throttling.take(turn.session, {"memory": 1}, now=turn.now)
        throttling.note(turn.session, "memory", [Accepted("1")], now=turn.now)
    assert seen(runtime) == ([], [])
    assert "resting." not in maya.get("/outbox").get_data(as_text=True)


def test_a_paused_way_says_by_whom(runtime, cast, maya):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        steering.pause(turn.session, "memory", now=turn.now, by_id=None, why="535 not accepted.")
    page = maya.get("/outbox").get_data(as_text=True)
    assert "paused." in page
    assert "535 not accepted." in page
