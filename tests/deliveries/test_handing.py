"""Groups of messages through one call: their size, what is begun, and what becomes of the rest."""

import threading

import pytest
from sqlalchemy import select

from outreach.deliveries import outbox, sending
from outreach.deliveries.models import Attempt, Delivery
from outreach.deliveries.transports.protocol import NOT_BEGUN, Accepted
from outreach.deliveries.transports.registry import Transports
from tests.deliveries.posting import crowd, message_in, put, send, states, without_limits


class Groups:
    """Takes many at once and remembers each call; `stop` is set by the first, as if the worker were told to end."""

    name = kind = "memory"
    leaves_nothing = True
    lanes = 2

    def __init__(self, at_once=50, stop=None):
        self.calls, self.most, self.stop = [], at_once, stop
        self.lock, self.flying, self.widest = threading.Lock(), 0, 0

    def at_once(self, kind):
        return self.most

    def send_many(self, messages, *, go_on):
        with self.lock:
            self.calls.append([message.to_email for message in messages])
            self.flying += len(messages)
            self.widest = max(self.widest, self.flying)
        outcomes = []
        for message in messages:
            going = go_on()
            outcomes.append(Accepted(f"g-{message.delivery_id}") if going else NOT_BEGUN)
            if going and self.stop:
                self.stop.set()
        with self.lock:
            self.flying -= len(messages)
        return outcomes

    def close(self):
        """Nothing to give back."""


@pytest.fixture
def groups(runtime):
    runtime.transports = Transports([Groups()])
    return runtime.transports["memory"]


def newsletter(runtime, people, **more):
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    return put(runtime, *people, kind="newsletter", message_id=kept, **more)


def test_a_newsletter_leaves_in_groups_and_never_more_than_w_at_once(runtime, groups):
    newsletter(runtime, crowd(runtime, 130))
    assert send(runtime) == 130
    assert states(runtime) == {"sent": 130}
    assert 1 < max(len(call) for call in groups.calls) <= 50
    assert groups.widest <= 500


def test_personal_mail_never_has_more_than_eight_under_way(runtime, groups):
    put(runtime, *crowd(runtime, 60))
    send(runtime)
    assert states(runtime) == {"sent": 60}
    assert groups.widest <= 8


def test_no_call_holds_one_address_twice(runtime, groups):
    without_limits(runtime)
    people = crowd(runtime, 20)
    for step in ("1", "2", "3"):
        newsletter(runtime, people, step=step)
    send(runtime)
    assert states(runtime) == {"sent": 60}
    assert all(len(set(call)) == len(call) for call in groups.calls)


def test_what_was_not_begun_waits_again_without_having_lost_a_try(runtime):
    stopped = threading.Event()
    runtime.transports = Transports([Groups(stop=stopped)])
    newsletter(runtime, crowd(runtime, 40))
    sending.send_due(runtime, stopping=stopped.is_set)
    with runtime.turn(write=False) as turn:
        rows = turn.session.scalars(select(Delivery)).all()
        tried = turn.session.scalars(select(Attempt)).all()
    sent = [row for row in rows if row.state == "sent"]
    waiting = [row for row in rows if row.state == "scheduled"]
    assert sent
    assert len(sent) + len(waiting) == 40
    assert len(tried) == len(sent)
    assert {(row.attempts, row.first_attempt_at, row.token) for row in waiting} == {(0, None, None)}
    runtime.transports = Transports([Groups()])
    send(runtime)
    assert states(runtime) == {"sent": 40}


def test_each_point_is_told_in_its_order(runtime, cast, groups):
    put(runtime, cast.raman)
    told = []
    send(runtime, reached=told.append)
    points = ["claimed", "fenced", "before-request", "answered", "handed-over", "before-commit", "recorded"]
    assert told == points


def test_a_group_that_fails_as_a_whole_is_in_doubt_as_a_whole(runtime, groups):
    def broken(messages, *, go_on):
        raise RuntimeError

    groups.send_many = broken
    newsletter(runtime, crowd(runtime, 3))
    send(runtime)
    assert states(runtime) == {"unconfirmed": 3}


def test_a_claimed_row_that_was_cancelled_meanwhile_is_not_handed_over(runtime, cast, groups):
    put(runtime, cast.raman, cast.denise)

    def reached(point):
        if point == "claimed":
            with runtime.turn() as turn:
                outbox.cancel(
                    turn.session,
                    now=turn.now,
                    source="campaign",
                    source_id=1,
                    contact_ids=[cast.raman],
                    why="by-hand",
                )

    send(runtime, reached=reached)
    assert states(runtime) == {"cancelled": 1, "sent": 1}
    assert groups.calls == [["front@lakeside.example"]]


def test_an_invitation_that_comes_up_during_a_newsletter_does_not_wait_for_its_end(runtime, cast, clock, groups):
    newsletter(runtime, crowd(runtime, 2100))
    put_in = []

    def reached(point):
        clock._elapsed += 1.0
        if point == "recorded" and not put_in:
            put_in.append(put(runtime, cast.raman, step="2"))

    send(runtime, reached=reached)
    place = next(place for place, call in enumerate(groups.calls) if call == ["p.raman@lakeside.example"])
    assert place < len(groups.calls) - 1
    assert states(runtime) == {"sent": 2101}
