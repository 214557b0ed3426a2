"""What one touch adds: assumed, then moved by finished hold-outs, and used in tomorrow's order."""

import math
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment, StepDone
from outreach.clock import FrozenClock
from outreach.contacts.models import Contact
from outreach.referrals.lift_models import TouchLift, touch_lifts
from outreach.referrals.models import Referral
from outreach.reports.pooling.rules import HoldOut, Lift, pooled
from outreach.runtime import Runtime
from outreach.today import wording
from outreach.today.rules import Cause, Person, gain, plan_touches
from tests.today.believable import TODAY

AS_ASSUMED = Lift(0.05, 0.0, 0, 0, 0)


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


def hold_out(got: int, got_out: int, *, people: int = 400, expected: float = 0.25, **touches: float) -> HoldOut:
    """Two arms of as many people; the first of each sent one."""
    made = HoldOut(touches=touches or {"Call": 1.0})
    for number in range(people):
        made.treated.add(int(number < got), expected)
        made.held_out.add(int(number < got_out), expected)
    return made


def test_without_a_test_every_touch_is_assumed() -> None:
    assert set(pooled([]).values()) == {AS_ASSUMED}
    nobody, silent, untouched = hold_out(0, 0, people=0), hold_out(0, 0), hold_out(60, 40, Call=0.0)
    assert set(pooled([nobody, silent, untouched]).values()) == {AS_ASSUMED}
    alone = hold_out(60, 40)
    alone.held_out = HoldOut().held_out
    assert set(pooled([alone]).values()) == {AS_ASSUMED}, "nobody was held out"


def test_assumption_and_test_are_weighted_by_precision_on_the_log_ratio() -> None:
    found = pooled([hold_out(1200, 800, people=4000)])
    # By hand: c = 1, so 1000 were to be expected of each arm, and phi is 1 (counts of 0 and 1 scatter less).
    seen, variance = math.log(1200.5 / 1000.5) - math.log(800.5 / 1000.5), 2 / 1000
    before, own = 1 / (0.05 / 1.05) ** 2, 1 / variance
    assert found["Call"].lift == pytest.approx(math.exp((math.log(1.05) * before + seen * own) / (before + own)) - 1)
    assert found["Call"].told == pytest.approx(own / (before + own))
    assert (found["Call"].people, found["Call"].campaigns, found["Call"].referrals) == (8000, 1, 2000)
    assert found["Visit"] == AS_ASSUMED


def test_a_huge_interval_hardly_moves_it_and_an_empty_side_breaks_nothing() -> None:
    small = pooled([hold_out(3, 0, people=8)])["Call"]
    assert 0.05 < small.lift < 0.07
    assert small.told < 0.01
    assert 0.03 < pooled([hold_out(0, 3, people=8)])["Call"].lift < 0.05
    assert pooled([hold_out(300, 700, people=4000)])["Call"].lift < 0, "what harms is not smoothed over"


def test_tests_of_the_same_sort_are_summed_and_a_long_way_is_shared_out() -> None:
    four, one = hold_out(150, 100), hold_out(600, 400, people=1600)
    together = pooled([four, four, four, four])["Call"]
    assert together.lift == pytest.approx(pooled([one])["Call"].lift)
    assert together.campaigns == 4
    # Five emails that together made half as much again are about 8 % each, not 50 %.
    each = pooled([hold_out(60_000, 40_000, people=160_000, Write=5.0)])["Write"].lift
    assert each == pytest.approx(1.5 ** (1 / 5) - 1, abs=0.002)


def test_a_mixed_way_credits_its_call_only_with_what_its_emails_do_not_explain() -> None:
    emails = hold_out(52_500, 50_000, people=200_000, Write=2.0)
    both = hold_out(60_000, 50_000, people=200_000, Write=2.0, Call=1.0)
    found, turned = pooled([emails, both]), pooled([both, emails])
    assert found["Write"].lift == pytest.approx(math.sqrt(1.05) - 1, abs=0.005)
    assert found["Call"].lift == pytest.approx(1.2 / 1.05 - 1, abs=0.01)
    assert found["Call"].lift == pytest.approx(turned["Call"].lift)


def test_the_order_follows_the_lift_of_each_action() -> None:
    people = {one: Person(one, expected_referrals=1.0) for one in (1, 2)}
    causes = [Cause(1, "task", "Call", ""), Cause(2, "task", "Write", "")]

    def order(**lifts: float) -> list[int]:
        return [row.contact_id for row in plan_touches(causes, people, today=TODAY, seed=0, lifts=lifts)]

    assert order() == [1, 2]
    assert order(Write=0.09) == [2, 1]
    assert gain(people[1], today=TODAY, lift=-0.1) == 0


def test_the_screen_says_whether_it_is_measured_and_on_whom() -> None:
    assert wording.lift("Call", 0.05, 0, people=0, campaigns=0).startswith("We reckon that a call adds 5% (assumed")
    assert "mostly assumed, too little seen yet of 1 person" in wording.lift("Call", 0.05, 0.2, people=1, campaigns=1)
    assert "3.4% (measured on 1,200 people in 2 finished" in wording.lift("Write", 0.034, 0.8, people=1200, campaigns=2)
    assert "takes 2.1% away" in wording.lift("Visit", -0.021, 0.8, people=9, campaigns=1)


def furnish(runtime: Runtime, *, started_on: date, value: bool = False) -> None:
    """A campaign of one call; every other contact is held out, and who was called sent many afterwards."""
    with runtime.turn() as turn:
        session, at = turn.session, turn.now - (TODAY - started_on)
        made = Campaign(name="Calls", seed=1, created_at=at, holdout_pct=50)
        session.add(made)
        session.flush()
        step = {"key": "s1", "kind": "task", "task": "call", "title": "Call", "has_value": value}
        version = CampaignVersion(
            campaign_id=made.id, number=1, state="published", settings={}, steps=[step], made_at=at, edited_at=at,
            published_at=at,
        )  # fmt: skip
        session.add(version)
        session.flush()
        for place, contact_id in enumerate(session.scalars(select(Contact.id).order_by(Contact.id))):
            out = place % 2 == 0
            way = Enrollment(
                campaign_id=made.id, version_id=version.id, contact_id=contact_id,
                state="held-out" if out else "finished", entered_at=at, expected_90=2.0,
            )  # fmt: skip
            session.add(way)
            session.flush()
            if not out:
                session.add(StepDone(enrollment_id=way.id, version_id=version.id, step_key="s1", outcome="task", at=at))
                day = started_on + timedelta(days=10)
                session.add_all(
                    Referral(contact_id=contact_id, source_type="contact", stage="received", received_on=day,
                             created_at=at, discipline="PT") for _ in range(15)
                )  # fmt: skip


def page(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


def nightly(runtime: Runtime) -> int:
    with runtime.turn() as turn:
        call = job_named("measure-lift").call
        assert call is not None
        return call(turn, runtime, 1)


def called(runtime: Runtime) -> TouchLift:
    with runtime.turn(write=False) as turn:
        return touch_lifts(turn.session)["Call"]


def test_a_finished_hold_out_moves_tomorrows_order(runtime: Runtime, maya: FlaskClient, clock: FrozenClock) -> None:
    furnish(runtime, started_on=TODAY - timedelta(days=89))
    assert nightly(runtime) == 5
    assert called(runtime).people == 0, "the window is not over"
    assert "a call adds 5% (assumed" in page(maya, "/help")
    clock.advance(timedelta(days=1))
    assert nightly(runtime) == 5
    assert nightly(runtime) == 0, "once a day, so that the day keeps its order"
    known = called(runtime)
    assert known.lift > 0.06
    assert known.people > 10
    said = wording.lift("Call", known.lift, known.told, people=known.people, campaigns=1)
    assert said in page(maya, "/help")


def test_what_gifts_did_to_referrals_is_never_asked(runtime: Runtime) -> None:
    furnish(runtime, started_on=TODAY - timedelta(days=120), value=True)
    nightly(runtime)
    assert called(runtime).people == 0
