"""Whom a campaign writes to and when: replies, absences, and two campaigns that want the same person."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import results, stepping
from outreach.campaigns.models import Campaign
from outreach.clock import FrozenClock
from outreach.contacts import tasks
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.deliveries.public_hooks import inbound_token
from outreach.runtime import Runtime
from tests.campaigns.drips import call, drafted, email, live, published, stop_on, tick, wait, way_of
from tests.people import Cast

RAMAN = "p.raman@lakeside.example"


def got(runtime: Runtime) -> list[str]:
    return [message.subject for message in runtime.transports["memory"].to(RAMAN)]


def started(runtime: Runtime, clock: FrozenClock, **setup: object) -> int:
    """A campaign of two emails of which the first has left."""
    campaign_id = live(runtime, [email("One"), wait(14), email("Two")], **setup)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert got(runtime) == ["One"]
    return campaign_id


def writes(runtime: Runtime, app: object, head: str = "") -> None:
    """Dr. Raman answers the last mail, by their own hand or not."""
    with runtime.turn(write=False) as turn:
        answered = turn.session.scalars(
            select(Delivery.message_id_header).where(Delivery.email == RAMAN).order_by(Delivery.id.desc())
        ).first()
    raw = f"From: {RAMAN}\r\nSubject: Re: One\r\n{head}In-Reply-To: <{answered}>\r\n\r\nPlease call me.\r\n"
    app.test_client().post(f"/hooks/inbound/{inbound_token(runtime.key)}", data={"email": raw})  # type: ignore[attr-defined]
    tick(runtime)


def test_a_reply_holds_the_campaign_until_it_is_answered(
    runtime: Runtime, clock: FrozenClock, cast: Cast, app: object
) -> None:
    campaign_id = started(runtime, clock)
    writes(runtime, app)
    assert way_of(runtime, campaign_id, cast.raman).waits_for == "reply"
    with runtime.turn(write=False) as turn:
        found = results.results_of(turn.session, turn.session.get_one(Campaign, campaign_id), [])
    assert found.waiting_said() == "1 person waits: they wrote back, and somebody has to answer."
    clock.advance(timedelta(days=21))
    tick(runtime)
    assert got(runtime) == ["One"]
    with runtime.turn() as turn:
        duty = turn.session.scalars(select(Task).where(Task.contact_id == cast.raman)).one()
        assert "wrote back" in duty.title
        tasks.close(turn.session, duty, now=turn.now, by_id=1)
    clock.advance(timedelta(days=1))
    tick(runtime)
    assert got(runtime) == ["One", "Two"]


def test_a_reply_stops_the_campaign_where_its_settings_say_so(
    runtime: Runtime, clock: FrozenClock, cast: Cast, app: object
) -> None:
    campaign_id = started(runtime, clock, on_reply="stop")
    writes(runtime, app)
    way = way_of(runtime, campaign_id, cast.raman)
    assert (way.state, way.stop_reason) == ("stopped", "replied")


def test_an_out_of_office_only_delays_the_next_email(
    runtime: Runtime, clock: FrozenClock, cast: Cast, app: object
) -> None:
    campaign_id = started(runtime, clock)
    clock.advance(timedelta(days=13))
    writes(runtime, app, head="Auto-Submitted: auto-replied\r\n")
    clock.advance(timedelta(days=1))
    tick(runtime)
    assert got(runtime) == ["One"]
    assert way_of(runtime, campaign_id, cast.raman).waits_for == "away"
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Touch.kind).where(Touch.kind.in_(("away", "replied")))).all() == ["away"]
        assert not turn.session.scalars(select(Task)).all()
    clock.advance(timedelta(days=8))
    tick(runtime)
    assert got(runtime) == ["One", "Two"]


@pytest.mark.parametrize(("latest", "expected"), [(None, ["Other", "Hello"]), (5, ["Other"])])
def test_an_email_that_limits_put_off_comes_later_or_is_left_out_as_was_chosen(
    runtime: Runtime, clock: FrozenClock, cast: Cast, latest: int | None, expected: list[str]
) -> None:
    live(runtime, [email("Other")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    campaign_id = live(runtime, [{**email("Hello"), "latest_days": latest}, wait(30), call()])
    planned_at = clock.now()
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    way = way_of(runtime, campaign_id, cast.raman)
    with runtime.turn(write=False) as turn:
        found = results.results_of(turn.session, turn.session.get_one(Campaign, campaign_id), [])
    if latest is None:
        assert (way.waits_for, way.planned_at and way.planned_at >= planned_at) == ("cap", True)
    else:
        assert (way.waits_for, [step.not_sent for step in found.steps]) == ("", [2])
    clock.advance(timedelta(days=15))
    tick(runtime)
    assert got(runtime) == expected


@pytest.mark.parametrize(("second", "expected"), [("first", "Gamma"), ("last", "Alpha")])
def test_of_two_campaigns_that_want_one_person_the_one_that_matters_most_goes_first(
    runtime: Runtime, clock: FrozenClock, cast: Cast, second: str, expected: str
) -> None:
    live(runtime, [email("Alpha")])
    other = live(runtime, [email("Gamma")], matters=second)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert got(runtime) == [expected]
    waits = way_of(runtime, other, cast.raman).waits_for
    assert waits == ("" if second == "first" else "cap")


def test_mail_with_a_share_of_its_own_waits_in_the_outbox_and_is_not_crowded_out(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    started(runtime, clock)
    clock.advance(timedelta(days=2))
    shared = live(runtime, [email("When to refer")], matters="last", own_share=True)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn(write=False) as turn:
        row = turn.session.scalars(select(Delivery).filter_by(source_id=shared, contact_id=cast.raman)).one()
    assert (row.state, row.reason, row.own_share) == ("scheduled", "over-the-cap", True)
    for _ in range(12):
        clock.advance(timedelta(days=1))
        tick(runtime, rounds=1)
    assert got(runtime) == ["One", "When to refer"]


def test_results_tell_of_each_person_what_they_got_and_did(
    runtime: Runtime, clock: FrozenClock, cast: Cast, app: object
) -> None:
    campaign_id = started(runtime, clock)
    writes(runtime, app)
    with runtime.turn(write=False) as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        rows = results.people_in(turn.session, campaign, [])
    did = {row.contact_id: row.did for row in rows}
    assert (did[cast.raman].sent, did[cast.raman].replied, did[cast.raman].referred) == (1, 1, 0)


def test_the_settings_ask_what_a_reply_does(runtime: Runtime) -> None:
    answer = published(runtime, drafted(runtime, [email("One")], on_reply="anything"))
    assert getattr(answer, "settings", {}).get("on_reply") == "hold"


def test_calls_that_stop_nobody_do_not_keep_those_who_referred_from_being_stopped(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("One"), wait(30), email("Two"), stop_on("referred")])
    tick(runtime)
    first, second = sorted((cast.raman, cast.okafor))
    with runtime.turn() as turn:
        turn.session.add(Touch(contact_id=first, kind="call", at=turn.now))
        turn.session.add(Touch(contact_id=second, kind="referred", at=turn.now))
    with runtime.turn() as turn:
        assert stepping.stop_early(turn.session, now=turn.now, world=runtime, limit=1) == 1
    assert way_of(runtime, campaign_id, second).state == "stopped"
