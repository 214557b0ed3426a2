"""Whole ways through a campaign, in virtual time, over the real database and the memory transport."""

import re
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.contacts.consent import suppress
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch, add
from outreach.deliveries.models import Delivery, LinkClick
from outreach.runtime import Runtime
from tests.campaigns.drips import asks, call, email, live, stop_on, tick, wait, way_of
from tests.people import Cast

RAMAN, OKAFOR = "p.raman@lakeside.example", "s.okafor@northgate.example"


def subjects(runtime: Runtime, address: str) -> list[str]:
    return [message.subject for message in runtime.transports["memory"].to(address)]


def days(clock: FrozenClock, runtime: Runtime, number: int) -> None:
    for _ in range(number):
        clock.advance(timedelta(days=1))
        tick(runtime, rounds=1)


def clicks(runtime: Runtime, contact_id: int) -> None:
    with runtime.turn() as turn:
        sent = turn.session.scalars(select(Delivery).where(Delivery.contact_id == contact_id)).one()
        turn.session.add(LinkClick(delivery_id=sent.id, link_number=0, at=turn.now, machine=False))


def tells(runtime: Runtime, contact_id: int, kind: str) -> list[str]:
    with runtime.turn(write=False) as turn:
        told = select(Touch.text).where(Touch.contact_id == contact_id, Touch.kind == kind).order_by(Touch.id)
        return list(turn.session.scalars(told))


def test_who_clicks_gets_a_call_and_who_does_not_gets_the_guide(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    tree = [email("Hello"), wait(14), asks("clicked-or-replied", [call("Call them")], [email("Guide")])]
    live(runtime, tree)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert subjects(runtime, RAMAN) == ["Hello"] == subjects(runtime, OKAFOR)
    clicks(runtime, cast.raman)
    days(clock, runtime, 15)
    assert subjects(runtime, RAMAN) == ["Hello"]
    assert subjects(runtime, OKAFOR) == ["Hello", "Guide"]
    with runtime.turn(write=False) as turn:
        duty = turn.session.scalars(select(Task)).one()
    assert (duty.contact_id, duty.title, duty.kind) == (cast.raman, "Call them", "call")


def test_a_bounced_address_gets_nothing_more(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    campaign_id = live(runtime, [email("Hello"), wait(15), email("Again")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        raman = turn.session.get_one(Contact, cast.raman)
        assert raman.address_hash
        suppress(turn.session, now=turn.now, hashed=raman.address_hash, reason="bounced", source="webhook")
    days(clock, runtime, 16)
    assert subjects(runtime, RAMAN) == ["Hello"]
    assert subjects(runtime, OKAFOR) == ["Hello", "Again"]
    assert way_of(runtime, campaign_id, cast.raman).stop_reason == "bounced"


def test_a_referral_stops_the_drip_early_and_the_owner_is_told(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("Hello"), wait(15), email("Again"), stop_on("referred", tell=True)])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    days(clock, runtime, 3)
    with runtime.turn() as turn:
        add(turn.session, now=turn.now, contact_id=cast.raman, kind="referred", origin="referral:1", from_yield=True)
    tick(runtime)
    way = way_of(runtime, campaign_id, cast.raman)
    assert (way.state, way.stop_reason) == ("stopped", "referred")
    assert tells(runtime, cast.raman, "stopped") == ["“New physician welcome” stopped early: they referred someone"]
    days(clock, runtime, 16)
    assert subjects(runtime, RAMAN) == ["Hello"]
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Task)).one().kind == "thank"


def test_whoever_unsubscribes_between_two_steps_gets_no_more_and_the_timeline_says_why(
    runtime: Runtime, clock: FrozenClock, cast: Cast, visitor: FlaskClient
) -> None:
    live(runtime, [email("Hello"), wait(15), email("Again")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    days(clock, runtime, 2)
    (first,) = runtime.transports["memory"].to(RAMAN)
    page = re.search(r"https://outreach\.cedarlane\.example(/u/[\w./-]+)", first.text)
    assert page
    assert visitor.get(page.group(1)).status_code == 200
    assert visitor.post(page.group(1)).status_code in (200, 303)
    days(clock, runtime, 15)
    assert subjects(runtime, RAMAN) == ["Hello"]
    assert subjects(runtime, OKAFOR) == ["Hello", "Again"]
    assert tells(runtime, cast.raman, "stopped") == ["“New physician welcome” stopped early: they unsubscribed"]


def test_a_worker_that_was_away_for_days_goes_on_where_it_stopped(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    live(runtime, [email("Hello"), wait(15), email("Again"), wait(15), email("Last")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    clock.advance(timedelta(days=18))
    for _ in range(3):
        tick(runtime)
    assert subjects(runtime, RAMAN) == ["Hello", "Again"]
    days(clock, runtime, 17)
    assert subjects(runtime, RAMAN) == ["Hello", "Again", "Last"]
