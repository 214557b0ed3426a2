"""What a live campaign does and what it never does: once per rule, whatever runs twice, is edited, held or deleted."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, text

from jobs import runner
from jobs.catalog import job_named
from outreach.campaigns import drafting, editing, enrolling, holding, recipes, stepping
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment
from outreach.clock import FrozenClock
from outreach.contacts.consent import Authorization, address_hash
from outreach.contacts.models import Contact, Group, GroupMember
from outreach.contacts.standing import Standing
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.runtime import Runtime
from tests.campaigns.drips import (
    asks,
    call,
    drafted,
    email,
    group_of,
    keys,
    live,
    published,
    stop_on,
    tick,
    wait,
    way_of,
)
from tests.conftest import KEY
from tests.people import Cast

RAMAN = "p.raman@lakeside.example"


def got(runtime: Runtime, address: str = RAMAN) -> list[str]:
    return [message.subject for message in runtime.transports["memory"].to(address)]


def many(runtime: Runtime, number: int) -> None:
    """So many more physicians, with falling yield."""
    with runtime.turn() as turn:
        for each in range(number):
            mail = f"doctor{each}@clinic.example"
            one = Contact(
                kind="physician",
                first_name="Alex",
                last_name=f"Doe{each}",
                sort_name=f"doe{each}",
                email=mail,
                address_hash=address_hash(KEY, mail),
                added_on=turn.now.date(),
                created_at=turn.now,
                updated_at=turn.now,
            )
            turn.session.add(one)
            turn.session.flush()
            turn.session.add(
                Standing(
                    contact_id=one.id,
                    expected_90=number - each,
                    rank_pct=0.5,
                    evidence="full",
                    as_of_on=turn.now.date(),
                )
            )


def test_who_matches_is_in_once_whatever_runs_twice(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    campaign_id = live(runtime, [email("Hello")])
    for _ in range(3):
        runner.work(runtime, job_named("enroll"))
        clock.advance(timedelta(minutes=2))
        tick(runtime)
    assert got(runtime) == ["Hello"]
    with runtime.turn(write=False) as turn:
        ways = turn.session.scalars(select(Enrollment).filter_by(campaign_id=campaign_id)).all()
        assert sorted(way.contact_id for way in ways) == sorted([cast.raman, cast.okafor])
        told = select(func.count()).select_from(Touch).where(Touch.kind.in_(("enrolled", "finished")))
        assert turn.session.scalar(told) == 4


def test_a_crash_in_the_middle_of_a_batch_leaves_no_trace_and_the_next_run_sends_once(
    runtime: Runtime, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(runtime, [email("Hello"), wait(15)])
    runner.work(runtime, job_named("enroll"))
    clock.advance(timedelta(minutes=2))

    def broken(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("outreach.campaigns.effects._update", broken)
        with pytest.raises(RuntimeError):
            runner.work(runtime, job_named("advance"))
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).select_from(Delivery)) == 0
    tick(runtime)
    assert got(runtime) == ["Hello"]


def test_the_lot_keeps_people_out_for_good_and_freezes_the_forecast(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    many(runtime, 58)
    campaign_id = live(runtime, [email("Hello")], holdout_pct=20)
    runner.work(runtime, job_named("enroll"))
    clock.advance(timedelta(days=1))
    tick(runtime)
    with runtime.turn() as turn:
        ways = turn.session.scalars(select(Enrollment).filter_by(campaign_id=campaign_id)).all()
        out = [way for way in ways if way.state == "held-out"]
        assert (len(ways), len(out)) == (60, 12)
        assert sum(way.expected_90 is not None for way in ways) == 58
        sent = set(turn.session.scalars(select(Delivery.contact_id)))
        assert not sent & {way.contact_id for way in out}
        campaign = turn.session.get_one(Campaign, campaign_id)
        refused = enrolling.enroll_contact(
            turn.session, now=turn.now, world=runtime, campaign=campaign, contact_id=out[0].contact_id, by_id=1
        )
        assert isinstance(refused, Refusal)
        assert refused.reason == "held-out"


def test_re_entry_lets_people_in_again_only_after_the_days_of_its_rule(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("Hello")], again_days=30)
    for days in (0, 20, 22):
        clock.advance(timedelta(days=days, minutes=2))
        tick(runtime)
        tick(runtime)
    assert got(runtime) == ["Hello", "Hello"]
    assert way_of(runtime, campaign_id, cast.raman).occurrence == 2


@pytest.mark.parametrize("gone", ["emptied", "deleted", "none"])
def test_a_group_that_is_emptied_or_deleted_meanwhile_is_told_and_nothing_is_published(
    runtime: Runtime, gone: str
) -> None:
    campaign_id = drafted(runtime, [email("Hello")])
    with runtime.turn() as turn:
        group = turn.session.scalars(select(Group)).one()
        if gone == "emptied":
            group.rules = {"all": [{"fact": "city", "op": "is", "value": ["Nowhere"]}]}
        elif gone == "deleted":
            group.deleted_at = turn.now
        else:
            turn.session.scalars(select(CampaignVersion)).one().settings = {}
    answer = published(runtime, campaign_id, seen=2)
    assert isinstance(answer, Refusal)
    assert answer.reason == "not-ready"
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Campaign, campaign_id).status == "draft"


def test_a_group_that_grew_after_the_review_is_told_before_anything_is_published(runtime: Runtime) -> None:
    campaign_id = drafted(runtime, [email("Hello")])
    many(runtime, 10)
    answer = published(runtime, campaign_id, seen=2)
    assert isinstance(answer, Refusal)
    assert answer.reason == "group-changed"


def test_a_story_without_a_live_permission_blocks_publishing(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        story = Authorization(
            contact_id=cast.marisol,
            state="signed",
            wording="I can lift my grandson again.",
            scopes=["email-providers"],
            signed_at=turn.now,
            expires_on=turn.now.date() + timedelta(days=10),
        )
        turn.session.add(story)
        turn.session.flush()
        quote = {"type": "quote", "authorization_id": str(story.id)}
    told = email("A story")
    told["draft"]["blocks"].append(quote)
    assert not isinstance(published(runtime, drafted(runtime, [told])), Refusal)
    answer = published(runtime, drafted(runtime, [wait(20), told]))
    assert isinstance(answer, Refusal)
    assert "before the last send" in answer.text


def test_an_edit_of_a_published_step_never_reaches_people_halfway(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("Hello"), wait(15), email("Old words")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        shown = drafting.shown_version(turn.session, campaign_id)
        editing.change_step(
            turn.session,
            now=turn.now,
            campaign=campaign,
            rev=shown.rev,
            by_id=1,
            key="s3",
            draft=email("New words")["draft"],
        )
    assert not isinstance(published(runtime, campaign_id), Refusal)
    clock.advance(timedelta(days=17))
    tick(runtime)
    assert got(runtime) == ["Hello", "Old words"]


def test_whoever_moves_over_goes_on_where_they_are_and_gets_nothing_twice(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("Hello"), wait(15), email("Gone"), wait(15), email("Last")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert way_of(runtime, campaign_id, cast.raman).step_key == "s3"
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        rev = drafting.shown_version(turn.session, campaign_id).rev
        editing.remove_step(turn.session, now=turn.now, campaign=campaign, rev=rev, by_id=1, key="s3")
    assert not isinstance(published(runtime, campaign_id, halfway="move"), Refusal)
    way = way_of(runtime, campaign_id, cast.raman)
    assert way.step_key == "s4"
    for _ in range(4):
        clock.advance(timedelta(days=16))
        tick(runtime)
    assert got(runtime) == ["Hello", "Last"]
    assert keys(runtime, campaign_id) == ["s1", "s2", "s4", "s5"]


@pytest.mark.parametrize(("overdue", "expected"), [("skip", ["One", "Three"]), ("send", ["One", "Two", "Three"])])
def test_after_a_hold_overdue_steps_are_skipped_unless_the_holder_makes_up_for_them(
    runtime: Runtime, clock: FrozenClock, overdue: str, expected: list[str]
) -> None:
    campaign_id = live(runtime, [email("One"), wait(15), email("Two"), wait(15), email("Three")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        assert holding.hold(turn.session, now=turn.now, campaign=campaign, by_id=1) == holding.Left(2, 0)
    clock.advance(timedelta(days=30))
    tick(runtime)
    assert got(runtime) == ["One"]
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        holding.resume(turn.session, now=turn.now, campaign=campaign, by_id=1, overdue=overdue)
    for _ in range(4):
        clock.advance(timedelta(days=9))
        tick(runtime)
    assert got(runtime) == expected


def test_nobody_gets_two_emails_within_two_weeks_whatever_the_steps_say(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    campaign_id = live(runtime, [email("One"), wait(3), email("Two")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    clock.advance(timedelta(days=8))
    tick(runtime)
    assert got(runtime) == ["One"]
    assert way_of(runtime, campaign_id, cast.raman).waits_for == "cap"
    clock.advance(timedelta(days=8))
    tick(runtime)
    assert got(runtime) == ["One", "Two"]


def test_lunches_and_gifts_are_refused_where_the_group_rests_on_referrals(runtime: Runtime) -> None:
    with runtime.turn() as turn:
        group_of(turn.session, "physician", now=turn.now, from_yield=True, name="All of kind physician")
    for step in (call("Bring a basket", has_value=True), call("Offer a lunch")):
        answer = published(runtime, drafted(runtime, [step]))
        assert isinstance(answer, Refusal)
        assert "411.357" in answer.text
    with runtime.turn() as turn:
        turn.session.scalars(select(Group)).one().from_yield = False
    assert not isinstance(published(runtime, drafted(runtime, [call("Offer a lunch", has_value=True)])), Refusal)
    fenced = [asks("referred", [call("Bring a basket", has_value=True)], [])]
    assert isinstance(published(runtime, drafted(runtime, fenced)), Refusal)


def test_a_list_filled_by_a_campaign_that_rests_on_referrals_carries_the_mark(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    with runtime.turn() as turn:
        group_of(turn.session, "physician", now=turn.now, from_yield=True)
        chosen = Group(name="Chosen", fixed=True, created_at=turn.now, updated_at=turn.now)
        turn.session.add(chosen)
        turn.session.flush()
        list_id = chosen.id
    live(runtime, [email("Hello"), {"kind": "group", "change": "add", "group_id": list_id}, call("Say hello")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Group, list_id).from_yield
        assert set(turn.session.scalars(select(GroupMember.contact_id))) == {cast.raman, cast.okafor}
        assert all(turn.session.scalars(select(Task.from_yield)))


def test_a_condition_reads_the_coded_outcome_of_a_call(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    live(runtime, [call("Call them"), wait(5), asks("reached", [], [email("We missed you")])])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        for duty in turn.session.scalars(select(Task)):
            duty.closed_at = turn.now
            duty.outcome = "reached" if duty.contact_id == cast.raman else "no-answer"
    clock.advance(timedelta(days=7))
    tick(runtime)
    assert got(runtime) == []
    assert got(runtime, "s.okafor@northgate.example") == ["We missed you"]


def test_whoever_refers_goes_on_in_the_next_campaign(runtime: Runtime, clock: FrozenClock, cast: Cast) -> None:
    thanks = live(runtime, [call("Thank them")], entry="hand")
    live(runtime, [email("Hello"), wait(30), email("Again"), stop_on("referred", then_id=thanks)])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        turn.session.add(Touch(contact_id=cast.raman, kind="referred", at=turn.now, from_yield=True))
    clock.advance(timedelta(hours=1))
    tick(runtime)
    clock.advance(timedelta(hours=1))
    tick(runtime)
    assert way_of(runtime, thanks, cast.raman).state == "finished"
    assert way_of(runtime, thanks, cast.okafor) is None


@pytest.mark.sqlite
def test_the_tick_finds_who_is_due_by_its_partial_index_and_asks_no_more_for_more_people(
    runtime: Runtime, clock: FrozenClock
) -> None:
    many(runtime, 80)
    live(runtime, [email("Hello"), wait(15), asks("clicked-or-replied", [call()], [email("Guide")])])
    runner.work(runtime, job_named("enroll"))
    clock.advance(timedelta(minutes=2))

    def statements(limit: int) -> int:
        counted: list[str] = []
        listen = lambda *args: counted.append(args[2])  # noqa: E731
        event.listen(runtime.engine, "before_cursor_execute", listen)
        with runtime.turn() as turn:
            assert stepping.advance(turn.session, now=turn.now, world=runtime, limit=limit) == limit
        event.remove(runtime.engine, "before_cursor_execute", listen)
        return len(counted)

    assert statements(5) == statements(70)
    with runtime.turn(write=False) as turn:
        plan = turn.session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT e.id FROM campaign_enrollment e JOIN contact c ON c.id = e.contact_id "
                "WHERE e.state = 'active' AND e.due_at <= '2026-03-02' ORDER BY e.due_at, e.id LIMIT 500"
            )
        ).all()
    assert "ix_campaign_enrollment_due" in str(plan)


def test_a_campaign_whose_mail_comes_back_stops_itself_and_says_why(
    runtime: Runtime, clock: FrozenClock, maya: FlaskClient
) -> None:
    many(runtime, 110)
    campaign_id = live(runtime, [email("Hello"), wait(15), email("Again")])
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    with runtime.turn() as turn:
        for sent in turn.session.scalars(select(Delivery).order_by(Delivery.id).limit(7)):
            sent.state = "bounced"
    runner.work(runtime, job_named("guard-campaigns"))
    page = maya.get(f"/campaigns/{campaign_id}").get_data(as_text=True)
    assert "7 of 112 emails came back" in page
    with runtime.turn() as turn:
        campaign = turn.session.get_one(Campaign, campaign_id)
        assert campaign.status == "held"
        holding.resume(turn.session, now=turn.now, campaign=campaign, by_id=1)
    assert runner.work(runtime, job_named("guard-campaigns")) == 0


def test_a_former_client_gets_the_note_one_year_on_with_nothing_but_the_name(
    runtime: Runtime, clock: FrozenClock, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.marisol).discharged_on = turn.now.date() - timedelta(days=370)
        made = recipes.start(
            turn.session,
            now=turn.now,
            world=runtime,
            zone=ZoneInfo("America/New_York"),
            recipe=recipes.RECIPES["one-year-on"],
            by_id=1,
        )
        campaign_id = made.id
    page = maya.get(f"/campaigns/{campaign_id}/edit").get_data(as_text=True)
    assert "Jordan Sample (an invented client)" in page
    assert "Marisol" not in page
    assert isinstance(published(runtime, campaign_id), Refusal), "whether anybody pays for it was not said"
    with runtime.turn() as turn:
        campaign, draft = turn.session.get_one(Campaign, campaign_id), drafting.shown_version(turn.session, campaign_id)
        said = {**draft.steps[0]["draft"], "sponsored": "no"}
        editing.change_step(
            turn.session, now=turn.now, campaign=campaign, rev=draft.rev, by_id=1, key=draft.steps[0]["key"], draft=said
        )
    assert not isinstance(published(runtime, campaign_id), Refusal)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    (note,) = runtime.transports["memory"].to("marisol.vega@mail.example")
    assert "Hello Marisol," in note.text
    assert "/l/" not in note.html
