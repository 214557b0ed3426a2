"""From approval to the last person: the exact number, once each, and a hand on the brake."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from jobs import runner
from outreach.contacts import consent, timeline
from outreach.contacts.models import Contact, GroupMember
from outreach.deliveries import outbox, sending
from outreach.deliveries.house import house_of
from outreach.deliveries.models import Delivery, LinkClick
from outreach.errors import Refusal
from outreach.newsletters import approving, audience, dispatching, following, queries, stopping
from outreach.newsletters.models import Issue
from outreach.newsletters.timing import Intention
from tests.newsletters.issues import an_issue, approve, dispatch, group, issue

MINUTE = timedelta(seconds=61)


def dispatch_and_crash(runtime):
    with runtime.turn() as turn:
        dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=1)
        raise RuntimeError("the power went")


def status(runtime, issue_id):
    with runtime.turn(write=False) as turn:
        return turn.session.get(Issue, issue_id).status


def planned(runtime, issue_id):
    with runtime.turn(write=False) as turn:
        return outbox.counts(turn.session, "newsletter", issue_id).get("", {})


def results(runtime, issue_id):
    with runtime.turn(write=False) as turn:
        return queries.results_of(turn.session, [issue_id])[issue_id]


def test_somebody_in_two_groups_and_an_address_shared_by_two_count_once(turn, runtime, cast):
    twin = turn.session.get(Contact, cast.okafor)
    raman = turn.session.get(Contact, cast.raman)
    twin.email, twin.address_hash = raman.email, raman.address_hash
    first = group(turn, "A", cast.raman, cast.denise)
    second = group(turn, "B", cast.raman, cast.okafor, cast.silent)
    seen = audience.reckon(turn.session, [first.id, second.id], now=turn.now, world=runtime)
    assert sorted(seen.ids) == sorted([cast.raman, cast.denise])
    assert seen.left_out == {"no-email": 1, "same-address": 1}
    assert [(one.matched, one.can_get) for one in seen.groups] == [(2, 2), (3, 2)]


def test_an_issue_without_people_or_with_gaps_cannot_be_approved(turn, runtime):
    made = issue(turn, runtime)
    refused = approve(turn, runtime, made, 0)
    assert isinstance(refused, Refusal)
    assert refused.reason == "blocked"


def test_a_number_that_changed_since_it_was_seen_is_looked_at_again(turn, runtime, cast):
    made = issue(turn, runtime, group(turn, "Two", cast.raman, cast.okafor))
    refused = approve(turn, runtime, made, 3)
    assert refused.reason == "count-changed"
    assert made.status == "draft"


def test_an_approved_issue_waits_sixty_seconds(runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor)
    clock.advance(timedelta(seconds=59))
    assert dispatch(runtime) == 0
    clock.advance(timedelta(seconds=2))
    assert dispatch(runtime) == 2
    assert planned(runtime, made) == {"scheduled": 2}


def test_undo_makes_it_a_draft_and_nothing_leaves(runtime, cast, clock):
    made = an_issue(runtime, cast.raman)
    with runtime.turn() as turn:
        assert approving.take_back(turn.session, turn.session.get(Issue, made), now=turn.now, by_id=None)
    clock.advance(MINUTE)
    assert dispatch(runtime) == 0
    assert status(runtime, made) == "draft"


def test_after_the_start_it_can_be_held_but_not_taken_back(runtime, cast, clock):
    made = an_issue(runtime, cast.raman)
    clock.advance(MINUTE)
    dispatch(runtime)
    with runtime.turn() as turn:
        assert not approving.take_back(turn.session, turn.session.get(Issue, made), now=turn.now, by_id=None)


def test_a_crash_half_way_neither_loses_nor_doubles(runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor, cast.denise, cast.greta)
    clock.advance(MINUTE)
    assert dispatch(runtime, limit=2) == 2
    with pytest.raises(RuntimeError):
        dispatch_and_crash(runtime)
    assert planned(runtime, made) == {"scheduled": 2}
    assert dispatch(runtime, limit=2) == 2
    assert dispatch(runtime, limit=2) == 0
    assert planned(runtime, made) == {"scheduled": 4}
    with runtime.turn(write=False) as turn:
        each = turn.session.execute(select(Delivery.contact_id, func.count()).group_by(Delivery.contact_id)).all()
    assert [many for _, many in each] == [1, 1, 1, 1]


def test_a_scheduled_one_outside_sending_hours_moves_to_the_next_opening(turn, runtime, cast):
    made = issue(turn, runtime, group(turn, "One", cast.raman))
    saturday = Intention(date(2026, 3, 7), 9 * 60, "America/New_York")
    seen = approving.review(turn.session, made, now=turn.now, world=runtime, intention=saturday)
    assert seen.when.moved
    assert seen.when.at.isoformat() == "2026-03-09T12:00:00+00:00"
    approve(turn, runtime, made, 1, intention=saturday)
    assert (made.send_on, made.send_minute, made.send_zone) == (date(2026, 3, 7), 540, "America/New_York")
    assert made.send_at == seen.when.at


def test_a_time_that_is_over_is_refused(turn, runtime, cast):
    made = issue(turn, runtime, group(turn, "One", cast.raman))
    refused = approve(turn, runtime, made, 1, intention=Intention(date(2026, 3, 1), 540, "America/New_York"))
    assert refused.reason == "in-the-past"


def test_who_unsubscribes_or_leaves_the_group_after_approval_gets_nothing(runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor, cast.denise)
    with runtime.turn() as turn:
        okafor = turn.session.get(Contact, cast.okafor)
        consent.suppress(turn.session, now=turn.now, hashed=okafor.address_hash, reason="unsubscribed", source="page")
        turn.session.delete(turn.session.scalars(select(GroupMember).filter_by(contact_id=cast.denise)).one())
    clock.advance(MINUTE)
    dispatch(runtime)
    assert planned(runtime, made) == {"scheduled": 1, "suppressed": 1}
    assert results(runtime, made).not_sent == {"they unsubscribed": 1, "no longer in the group": 1}


def test_who_became_a_client_since_approval_is_left_out(runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor)
    with runtime.turn() as turn:
        turn.session.get(Contact, cast.okafor).kind = "client"
        consent.grant(turn.session, now=turn.now, contact_id=cast.okafor, source="paper")
    clock.advance(MINUTE)
    dispatch(runtime)
    assert planned(runtime, made) == {"scheduled": 1}
    assert results(runtime, made).not_sent == {"became a client or changed kind": 1}


def test_hold_stops_planning_and_resume_goes_on_with_those_who_are_left(runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor, cast.denise)
    clock.advance(MINUTE)
    dispatch(runtime, limit=1)
    with runtime.turn() as turn:
        assert stopping.hold(turn.session, turn.session.get(Issue, made), now=turn.now, by_id=None) == 3
    assert dispatch(runtime) == 0
    with runtime.turn() as turn:
        assert stopping.resume(turn.session, turn.session.get(Issue, made), now=turn.now, by_id=None) == 3
    assert dispatch(runtime) == 2
    assert planned(runtime, made) == {"scheduled": 3}


def test_an_issue_that_was_held_and_taken_back_leaves_when_it_is_approved_again(runtime, cast, clock):
    made = an_issue(runtime, cast.raman)
    with runtime.turn() as turn:
        held = turn.session.get(Issue, made)
        stopping.hold(turn.session, held, now=turn.now, by_id=None)
        assert approving.take_back(turn.session, held, now=turn.now, by_id=None)
        approve(turn, runtime, held, 1)
    clock.advance(MINUTE)
    runner.run_everything(runtime)
    assert len(runtime.transports["memory"].sent) == 1


def test_a_click_by_a_person_and_a_reply_are_counted_and_a_machine_is_not(runtime, cast, clock, maya):
    made = an_issue(runtime, cast.raman, cast.okafor)
    clock.advance(MINUTE)
    runner.run_everything(runtime)
    with runtime.turn() as turn:
        rows = turn.session.scalars(select(Delivery).order_by(Delivery.contact_id)).all()
        for row, machine in zip(rows, (False, True), strict=True):
            turn.session.add(LinkClick(delivery_id=row.id, link_number=0, at=turn.now, machine=machine))
        timeline.add(
            turn.session, now=turn.now, contact_id=rows[0].contact_id, kind="replied", origin=f"delivery:{rows[0].id}"
        )
    found = results(runtime, made)
    assert (found.sent, found.clicked, found.replied) == (2, 1, 1)
    with runtime.turn(write=False) as turn:
        [line] = queries.lines(turn.session, turn.session.get(Issue, made), "clicked")
        assert (line.contact_id, line.clicked, line.replied) == (cast.raman, True, True)
    with runtime.turn() as turn:
        for days in (-3, 5, 89, 91):
            at = turn.now + timedelta(days=days)
            timeline.add(turn.session, now=at, contact_id=cast.okafor, kind="referred", at=at, from_yield=True)
        one = turn.session.get(Issue, made)
        assert following.referred_after(turn.session, one) == {cast.okafor: 2}
        assert [line.contact_id for line in queries.lines(turn.session, one, "referred", only=[cast.okafor])] == [
            cast.okafor
        ]
    page = maya.get(f"/newsletters/{made}?view=referred").get_data(as_text=True)
    assert "Referred 2 times" in page
    assert "1 person</a> of 2 referred within 90 days" in page


def test_cancelling_takes_back_what_has_not_left(runtime, cast, clock):
    made = an_issue(runtime, cast.raman, cast.okafor, cast.denise)
    clock.advance(MINUTE)
    dispatch(runtime, limit=1)
    with runtime.turn() as turn:
        assert stopping.cancel(turn.session, turn.session.get(Issue, made), now=turn.now, by_id=None) == 3
    assert dispatch(runtime) == 0
    assert planned(runtime, made) == {"cancelled": 1}
    assert status(runtime, made) == "cancelled"


def test_people_who_had_mail_lately_are_named_as_a_warning(runtime, cast, clock):
    an_issue(runtime, cast.raman)
    clock.advance(MINUTE)
    dispatch(runtime)
    assert sending.send_due(runtime) == 1
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "Next", cast.raman, cast.okafor), title="Next")
        seen = approving.review(turn.session, made, now=turn.now, world=runtime)
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        first = queries.first_people(turn.session, seen.reckoning.ids, at=turn.now, now=turn.now, house=house)
        dated = {one.contact_id: (one.waits, one.at > turn.now + timedelta(days=7)) for one in first}
    assert seen.over_cap == 1
    assert dated == {cast.raman: (True, True), cast.okafor: (False, False)}, "dated as the limits allow"
    assert any(one.text.startswith("1 person had as much mail") for one in seen.findings)
    assert all(one.fix for one in seen.findings if one.level != "pass")
    assert not seen.blocked
