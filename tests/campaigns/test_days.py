"""Any day of a campaign: what went and would go out, to whom, and why the others are left out."""

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from outreach.campaigns import audience, drafting, holding, replaying
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.models import Campaign
from outreach.campaigns.setup import Setup
from outreach.clock import FrozenClock
from outreach.contacts import tasks, timeline
from outreach.contacts.models import Contact
from outreach.deliveries.house import house_of
from outreach.runtime import Runtime
from tests.campaigns.drips import asks, call, drafted, email, live, tick, wait
from tests.people import Cast

WELCOME = [email("Hello"), wait(20), asks("replied", [call("Call back")], [email("Guide")])]


def day_of(runtime: Runtime, campaign_id: int, on: date) -> replaying.Day:
    with runtime.turn(write=False) as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        calendars, version = Calendars(house), drafting.shown_version(turn.session, campaign_id)
        reach = audience.reach_of(
            turn.session,
            now=turn.now,
            world=runtime,
            zone=house.zone,
            campaign=campaign,
            setup=Setup.from_json(version.settings),
        )
        return replaying.replay(
            turn.session,
            now=turn.now,
            world=runtime,
            campaign=campaign,
            calendars=calendars,
            reach=reach,
            on=on,
        )


def titles(day: replaying.Day) -> list[tuple[int, str]]:
    return sorted((out.contact_id, out.title) for out in day.out)


def test_a_draft_tells_its_days_and_the_days_come_as_told(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    campaign_id, monday = drafted(runtime, WELCOME), clock.now().date()
    both = [cast.raman, cast.okafor]
    assert titles(day_of(runtime, campaign_id, monday)) == [(each, "Email 1: Hello") for each in sorted(both)]
    later = monday + timedelta(days=21)
    told = titles(day_of(runtime, campaign_id, later - timedelta(days=1))) + titles(day_of(runtime, campaign_id, later))
    assert told == [(each, "Email 2: Guide") for each in sorted(both)]
    campaign_id = live(runtime, WELCOME)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert titles(day_of(runtime, campaign_id, monday)) == [(each, "Email 1: Hello") for each in sorted(both)]
    assert all(out.done for out in day_of(runtime, campaign_id, monday).out)
    for _ in range(22):
        clock.advance(timedelta(days=1))
        tick(runtime)
    went = [out for days in (20, 21) for out in day_of(runtime, campaign_id, monday + timedelta(days=days)).out]
    assert sorted((out.contact_id, out.title) for out in went) == told
    assert all(out.done for out in went)


def test_who_is_left_out_of_a_day_is_told_why(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    first = live(runtime, [email("Other")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    campaign_id, today = live(runtime, [*WELCOME]), clock.now().date()
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.okafor).deceased_on = today
    clock.advance(timedelta(minutes=2))
    tick(runtime, rounds=1)
    day = day_of(runtime, campaign_id, today)
    assert day.out == []
    assert day.others["In the group, but not written to: deceased"] == 1
    assert day.others["They had enough mail from us for now"] == 1
    assert titles(day_of(runtime, first, today)) == [(each, "Email 1: Other") for each in (cast.raman, cast.okafor)]


def test_who_enters_by_the_calendar_is_foreseen_and_a_hold_stops_it(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    today = clock.now().date()
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).discharged_on = today - timedelta(days=25)
    campaign_id = live(runtime, [email("Hello")], entry="discharged", days_after=30)
    days = [day_of(runtime, campaign_id, today + timedelta(days=each)) for each in (2, 7)]
    assert [titles(day) for day in days] == [[], [(cast.raman, "Email 1: Hello")]]
    with runtime.turn() as turn:
        holding.hold(turn.session, now=turn.now, campaign=turn.session.get_one(Campaign, campaign_id), by_id=1)
    assert day_of(runtime, campaign_id, today + timedelta(days=7)).out == []


def test_a_day_tells_when_mail_in_the_outbox_really_leaves(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    campaign_id, today = live(runtime, [email("Hello"), wait(1), email("Guide")]), clock.now().date()
    clock.advance(timedelta(minutes=2))
    tick(runtime, rounds=1, jobs=("enroll", "advance"))
    assert len(day_of(runtime, campaign_id, today).out) == 2
    with runtime.turn() as turn:
        timeline.add(turn.session, now=turn.now, contact_id=cast.raman, kind="away", at=turn.now)
        turn.session.get_one(Contact, cast.okafor).do_not_contact_at = turn.now
    day = day_of(runtime, campaign_id, today)
    assert day.out == []
    assert (cast.raman, "Email 1: Hello comes later: an automatic answer says they are away") in day.left
    assert (cast.okafor, "Email 1: Hello: they are not to be contacted") in day.left
    assert titles(day_of(runtime, campaign_id, today + timedelta(days=7))) == [(cast.raman, "Email 1: Hello")]
    with runtime.turn() as turn:
        duty = {"kind": "write", "title": "Answer", "due_on": today, "owner_id": None, "script": ""}
        tasks.add(turn.session, now=turn.now, contact_id=cast.raman, origin="reply:1", **duty)
    day = day_of(runtime, campaign_id, today + timedelta(days=7))
    assert (day.out, "wrote back" in dict(day.left)[cast.raman]) == ([], True)


def test_a_day_tells_what_a_hold_skipped_and_whose_zone_nobody_knows(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("Hello"), wait(20), email("Guide")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.okafor).time_zone = "Nowhere/Land"
    day = day_of(runtime, campaign_id, clock.now().date() + timedelta(days=21))
    assert titles(day) == [(cast.raman, "Email 2: Guide")]
    assert day.left == [(cast.okafor, "Email 2: Guide: their time zone is not known")]
    with runtime.turn() as turn:
        holding.hold(turn.session, now=turn.now, campaign=turn.session.get_one(Campaign, campaign_id), by_id=1)
    clock.advance(timedelta(days=25))
    tick(runtime)
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        holding.resume(turn.session, now=turn.now, campaign=campaign, by_id=1, overdue="skip")
    skipped = "Email 2: Guide: it fell due during a hold and is skipped"
    day = day_of(runtime, campaign_id, clock.now().date())
    assert sorted(day.left) == [(each, skipped) for each in sorted((cast.raman, cast.okafor))]


@pytest.mark.parametrize("on", ["", "2026-02-30", "tomorrow", "0001-01-01"])
def test_the_page_of_a_day_takes_any_address(maya: FlaskClient, runtime: Runtime, cast: Cast, on: str) -> None:
    campaign_id = live(runtime, WELCOME, holdout_pct=50)
    answer = maya.get(f"/campaigns/{campaign_id}/day?on={on}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == (422 if on else 200)
    assert "Goes out" in page
    assert ("Kept out by lot" in page) or ("Email 1: Hello" in page)


def test_a_day_on_which_more_happened_than_is_shown_says_so(
    runtime: Runtime, clock: FrozenClock, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = live(runtime, [email("Hello")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert not day_of(runtime, campaign_id, clock.now().date()).more
    monkeypatch.setattr(replaying, "MOST_WALKED", 1)
    assert day_of(runtime, campaign_id, clock.now().date()).more
