"""How much one person gets over everything: who goes first, who waits, and what is told when it comes too late."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.contacts import tasks, timeline
from outreach.contacts.timeline import Touch
from outreach.deliveries import claiming, outbox, steering
from outreach.deliveries.caps import limiting
from outreach.deliveries.caps.cap_rules import Limits, Load, Mail, allowed_from, interleaved
from outreach.deliveries.house import house_of
from outreach.deliveries.transports.protocol import Unknown
from tests.deliveries.posting import crowd, delivery, memory, put, send
from tests.people import post, sign_in

DAY = timedelta(days=1)


def waiting(runtime, contact_id, **more):
    """The delivery of one message of a source of its own."""
    return put(runtime, contact_id, **more).ids[contact_id]


def test_a_newsletter_waits_two_weeks_after_a_campaign_and_says_why(runtime, cast, clock):
    waiting(runtime, cast.raman, step="1")
    send(runtime)
    issue = waiting(runtime, cast.raman, kind="newsletter", step="2")
    send(runtime)
    row = delivery(runtime, issue)
    assert (row.state, row.reason, len(memory(runtime).sent)) == ("scheduled", "over-the-cap", 1)
    assert timedelta(days=13) < row.due_at - clock.now() <= timedelta(days=16)
    clock.advance(timedelta(days=13))
    send(runtime)
    assert delivery(runtime, issue).state == "scheduled"
    clock.advance(timedelta(days=4))
    send(runtime)
    assert delivery(runtime, issue).state in ("sent", "delivered")


def test_the_message_that_matters_most_goes_first_whichever_was_planned_before(runtime, cast):
    later = waiting(runtime, cast.raman, step="1", weight=5)
    issue = waiting(runtime, cast.raman, kind="newsletter", step="2")
    first = waiting(runtime, cast.raman, step="3", weight=25)
    send(runtime)
    assert [delivery(runtime, each).state for each in (first, issue, later)] == ["sent", "scheduled", "scheduled"]
    assert delivery(runtime, later).reason in ("after-another", "over-the-cap")


def test_what_can_only_come_too_late_expires_at_once_and_the_timeline_tells(runtime, cast, clock):
    waiting(runtime, cast.raman, step="1")
    send(runtime)
    lost = waiting(runtime, cast.raman, step="2", not_after_at=clock.now() + 7 * DAY)
    send(runtime)
    assert (delivery(runtime, lost).state, delivery(runtime, lost).reason) == ("expired", "over-the-cap")
    with runtime.turn(write=False) as turn:
        told = turn.session.scalars(select(Touch.text).where(Touch.kind == "not-sent")).one()
    assert "as much mail from us as they should get" in told


def test_what_the_limits_put_off_does_not_expire_for_that_alone(runtime, cast, clock):
    waiting(runtime, cast.raman, step="1")
    send(runtime)
    later = waiting(runtime, cast.raman, step="2", not_after_at=clock.now() + 7 * DAY, end_moves=True)
    send(runtime)
    row = delivery(runtime, later)
    assert (row.state, row.reason) == ("scheduled", "over-the-cap")
    assert row.not_after_at >= row.due_at + timedelta(days=4)
    clock.advance(row.due_at - clock.now() + timedelta(minutes=1))
    send(runtime)
    assert delivery(runtime, later).state == "sent"


def test_who_is_away_gets_what_waits_in_the_outbox_when_they_are_back(runtime, cast, clock):
    with runtime.turn() as turn:
        timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="away", at=turn.now)
    drip = waiting(runtime, cast.raman, step="1", not_after_at=clock.now() + 7 * DAY, end_moves=True)
    issue = waiting(runtime, cast.raman, kind="newsletter", step="2", source_id=9)
    send(runtime)
    row = delivery(runtime, drip)
    assert (row.state, row.reason) == ("scheduled", "away")
    assert row.due_at >= clock.now() + 7 * DAY < row.not_after_at
    assert delivery(runtime, issue).state in ("scheduled", "sent")
    clock.advance(row.due_at - clock.now() + timedelta(minutes=1))
    send(runtime)
    assert delivery(runtime, drip).state == "sent"


def test_mail_of_a_held_source_takes_nobodys_place(runtime, cast):
    waiting(runtime, cast.raman, step="1", weight=30, source="campaign", source_id=7)
    with runtime.turn() as turn:
        outbox.hold(turn.session, now=turn.now, scope="campaign:7", by_id=None, why="wait")
    issue = waiting(runtime, cast.raman, kind="newsletter", step="2")
    send(runtime)
    assert delivery(runtime, issue).state == "sent"


def test_a_newsletter_does_not_wait_for_mail_that_waits_for_our_answer(runtime, cast):
    with runtime.turn() as turn:
        duty = {"kind": "write", "title": "Answer", "due_on": turn.now.date(), "owner_id": None}
        tasks.add(turn.session, now=turn.now, contact_id=cast.raman, origin="reply:1", script="", **duty)
    drip = waiting(runtime, cast.raman, step="1", own_share=True)
    send(runtime)
    assert delivery(runtime, drip).reason == "reply-first"
    issue = waiting(runtime, cast.raman, kind="newsletter", step="2")
    send(runtime)
    assert delivery(runtime, issue).state == "sent"


def test_invitations_are_outside_the_limits(runtime, cast):
    waiting(runtime, cast.raman, step="1")
    invited = waiting(runtime, cast.raman, kind="invitation", step="2")
    send(runtime)
    assert delivery(runtime, invited).state == "sent"


@pytest.mark.parametrize(("counted", "state"), [(True, "scheduled"), (False, "sent")])
def test_calls_and_visits_take_places_of_the_quarter_when_they_count(runtime, cast, counted, state):
    with runtime.turn() as turn:
        limiting.choose(turn.session, now=turn.now, gap_days=14, per_quarter=3, with_touches=counted, by_id=None)
        for days in (1, 2, 3):
            timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="call", at=turn.now - days * DAY)
    one = waiting(runtime, cast.raman)
    send(runtime)
    assert delivery(runtime, one).state == state


def test_limits_out_of_range_change_nothing(app, runtime):
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    here = "/outbox/limits"
    post(olive, here, {"gap_days": "7", "per_quarter": "0"}, form_at=here)
    page = olive.get(here)
    assert "one message in 14 days and 6 in three months" in page.text
    post(olive, here, {"gap_days": "7", "per_quarter": "4", "with_touches": "yes"}, form_at=here)
    assert "one message in 7 days and 4 in three months" in olive.get(here).text
    assert "one message in 7 days" in olive.get("/outbox/").text


def at(clock, days):
    return clock.now() + days * DAY


def test_a_share_of_its_own_is_kept_in_the_quarter_and_goes_first_once(clock):
    had = tuple(Mail(n, at(clock, -80 + 14 * n), 20) for n in range(5))
    own = Mail(90, at(clock, 0), 5, own_share=True, waits=True)
    ordinary = Mail(91, at(clock, 0), 25, waits=True)
    limits = Limits()
    assert allowed_from(Load((*had, ordinary)), own, limits=limits) == own.at
    assert allowed_from(Load((*had, own)), ordinary, limits=limits) > at(clock, 10)
    used = Mail(92, at(clock, -70), 20, own_share=True)
    assert allowed_from(Load((used, own)), ordinary, limits=limits) == ordinary.at


def test_days_are_counted_not_hours(clock):
    sent = Mail(1, at(clock, 0) + timedelta(minutes=3), 20)
    assert allowed_from(Load((sent,)), Mail(2, at(clock, 14), 20), limits=Limits()) == at(clock, 14)
    assert allowed_from(Load((sent,)), Mail(2, at(clock, 12), 20), limits=Limits()) > at(clock, 13)


def test_mail_from_therapist_to_therapist_comes_monthly_and_other_mail_in_between(clock):
    sent = Load((Mail(1, at(clock, 0), 20, topic="peers"),))
    for topic, day in (("peers", 30), ("education", 14), ("introductions", 14)):
        own = Mail(2, at(clock, 1), 20, topic=topic)
        assert allowed_from(sent, own, limits=Limits()) == at(clock, day) - timedelta(hours=12)
    assert allowed_from(sent, Mail(2, at(clock, 40), 20, topic="peers"), limits=Limits(gap_days=60)) > at(clock, 59)


def test_each_fifth_place_of_the_queue_is_kept_for_those_of_whom_little_is_expected():
    assert interleaved(list(range(10)), [100, 101], 12) == [0, 1, 2, 3, 100, 4, 5, 6, 7, 101, 8, 9]
    assert interleaved([1, 2, 3], [3], 3) == [1, 2, 3]
    assert interleaved([], [7, 8], 5) == [7, 8]


def test_the_queue_keeps_a_place_for_those_of_whom_little_is_expected(runtime):
    people = crowd(runtime, 8)
    put(runtime, *people[:7], source_id=1)
    shared = put(runtime, people[7], source_id=2, own_share=True).ids[people[7]]
    with runtime.turn(write=False) as turn:
        queue = claiming.waiting(turn.session, now=turn.now, kind="drip", limit=5)
    assert [row_id for row_id, _ in queue].index(shared) == 4


def test_what_a_person_sends_again_is_not_kept_back(runtime, cast):
    again = waiting(runtime, cast.raman, step="1")
    memory(runtime).answers.append(Unknown("cut"))
    send(runtime)
    assert delivery(runtime, again).state == "unconfirmed"
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        steering.settle(turn.session, again, "again", now=turn.now, house=house)
        timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="call")
        limiting.choose(turn.session, now=turn.now, gap_days=14, per_quarter=1, with_touches=True, by_id=None)
    send(runtime)
    assert delivery(runtime, again).state == "sent"
