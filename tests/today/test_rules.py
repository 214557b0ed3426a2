"""Whom to reach and in which order: the gain, the caps, the places, the draw."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.deliveries.caps.cap_rules import Limits
from outreach.today.rules import (
    PLACES,
    REASONS,
    SUGGESTIONS,
    Cause,
    Person,
    asleep,
    draw_ids,
    freshness,
    gain,
    greeting,
    plan_touches,
    within_caps,
)

TODAY = date(2026, 3, 2)
DUTIES = tuple(reason for reason in REASONS if reason not in SUGGESTIONS)


def cause(contact_id: int, reason: str = "thanks") -> Cause:
    return Cause(contact_id, reason, "Call", f"{reason} {contact_id}")


def people(*ids: int, **facts: object) -> dict[int, Person]:
    return {one: Person(id=one, **facts) for one in ids}  # type: ignore[arg-type]


def planned(causes: list[Cause], known: dict[int, Person], **more: object) -> list[int]:
    return [one.contact_id for one in plan_touches(causes, known, today=TODAY, seed=1, **more)]  # type: ignore[arg-type]


def test_the_gain_is_lift_plus_win_back_times_the_share_that_starts() -> None:
    active = Person(1, expected_referrals=2.0, p_active=0.9, active_rate_90=2.0, referral_count=5, convert_rate=0.5)
    # 5 % of 2.0 expected, 5 % of the tenth that may be lost at 2.0 a quarter, half of which starts care.
    assert gain(active, today=TODAY) == pytest.approx((0.05 * 2.0 + 0.05 * 0.1 * 2.0) * 0.5)


def test_one_referral_is_too_few_to_win_back() -> None:
    once = Person(1, expected_referrals=1.0, p_active=0.5, active_rate_90=4.0, referral_count=1)
    assert gain(once, today=TODAY) == pytest.approx(0.05)


def test_a_month_after_a_touch_half_of_the_gain_is_back() -> None:
    assert freshness(TODAY, today=TODAY) == 0
    assert freshness(TODAY - timedelta(days=30), today=TODAY) == pytest.approx(0.5)
    assert freshness(None, today=TODAY) == 1


def test_two_weeks_lie_between_suggestions_and_six_make_a_quarter() -> None:
    assert not within_caps([TODAY - timedelta(days=13)], today=TODAY)
    assert within_caps([TODAY - timedelta(days=14)], today=TODAY)
    assert not within_caps([TODAY - timedelta(days=14 + 10 * n) for n in range(6)], today=TODAY)
    assert within_caps([TODAY - timedelta(days=91 + n) for n in range(20)], today=TODAY)


def test_caps_bind_our_ideas_but_not_a_thank_you_or_a_promise() -> None:
    known = people(*range(len(REASONS)), counted_on=(TODAY - timedelta(days=2),))
    shown = planned([cause(number, reason) for number, reason in enumerate(REASONS)], known)
    assert {REASONS[number] for number in shown} == set(DUTIES)


def test_who_asked_for_no_contact_is_never_listed_and_who_stopped_mail_gets_no_ideas() -> None:
    known = people(1, gone=True) | people(2, 3, quiet=True)
    assert planned([cause(1), cause(2, "rhythm"), cause(3, "promise")], known) == [3]


def test_the_list_is_ordered_by_gain_per_minute_whatever_the_cause() -> None:
    known = people(1, 2, 3)
    known[2] = Person(2, expected_referrals=3.0)
    known[3] = Person(3, expected_referrals=2.0, touched_on=TODAY - timedelta(days=60))
    assert planned([cause(1), cause(2), cause(3, "rhythm")], known) == [2, 3, 1]


def test_a_visit_has_to_be_worth_more_than_the_calls_that_fit_into_its_time() -> None:
    known = people(1, expected_referrals=4.0) | people(2, expected_referrals=1.0)
    causes = [Cause(1, "task", "Visit", "Visit 1"), Cause(2, "task", "Call", "Call 2")]
    assert planned(causes, known) == [2, 1]
    known[1] = Person(1, expected_referrals=5.0)
    assert planned(causes, known) == [1, 2]


def test_nobody_tires_of_an_answer_and_everybody_of_our_ideas() -> None:
    known = people(1, 2, expected_referrals=1.0, touched_on=TODAY - timedelta(days=15))
    answer, idea = plan_touches([cause(1, "promise"), cause(2, "rhythm")], known, today=TODAY, seed=0)
    assert (answer.contact_id, idea.contact_id) == (1, 2)
    assert answer.gain == pytest.approx(0.05)
    assert idea.gain == pytest.approx(0.05 * (1 - 2**-0.5))


def test_what_has_a_date_keeps_its_place_however_little_it_gains() -> None:
    rich = people(*range(1, 30), expected_referrals=9.0)
    known = rich | people(40, 41, 42)
    causes = [*(cause(n, "lapse") for n in range(1, 30)), *(cause(n, "promise") for n in (40, 41, 42))]
    shown = planned(causes, known)
    assert shown[-3:] == [40, 41, 42]


def test_each_owners_week_is_a_budget_of_its_own() -> None:
    known = people(1, 2, 3, owner_id=7) | people(4, 5, 6, owner_id=8) | people(9, 10, owner_id=None)
    causes = [cause(n, "rhythm") for n in (1, 2, 3, 4, 5, 6, 9, 10)]
    shown = planned(causes, known, budgets={7: 1, 8: 0}, week_left=1)
    assert shown == [1, 9]
    assert planned([*causes, cause(5, "promise")], known, budgets={7: 1, 8: 0}, week_left=1) == [5, 1, 9]


def test_a_full_week_still_leaves_its_tenth_to_chance() -> None:
    causes, known = [cause(n, "rhythm") for n in range(1, 11)], people(*range(1, 30))
    shown = plan_touches(causes, known, today=TODAY, seed=5, draws=[cause(20, "chance")], week_left=10)
    assert [one.contact_id for one in shown if one.reason == "chance"] == [20]
    assert len(shown) == PLACES


def test_chance_takes_the_place_that_was_claimed_last_and_no_lone_cause() -> None:
    causes = [*(cause(n) for n in range(1, 15)), cause(20, "lapse")]
    shown = plan_touches(causes, people(*range(1, 30)), today=TODAY, seed=5, draws=[cause(25, "chance")])
    assert {20, 25} < {one.contact_id for one in shown}


def test_a_contact_stands_once_with_its_first_cause_and_keeps_the_others_as_words() -> None:
    [row] = plan_touches([cause(1, "rhythm"), cause(1, "task")], people(1), today=TODAY, seed=0)
    assert row.reason == "task"
    assert row.also == ("rhythm 1",)


def test_the_weekly_goal_limits_ideas_and_never_duties() -> None:
    causes = [*(cause(n) for n in range(1, 4)), *(cause(n, "rhythm") for n in range(4, 9))]
    assert planned(causes, people(*range(1, 9)), week_left=5) == [1, 2, 3, 4, 5]
    assert planned(causes, people(*range(1, 9)), week_left=0) == [1, 2, 3]


def test_ten_needs_leave_one_place_to_chance() -> None:
    causes = [cause(n) for n in range(1, 15)]
    shown = plan_touches(causes, people(*range(1, 30)), today=TODAY, seed=5, draws=[cause(20, "chance")])
    assert len(shown) == PLACES
    assert [one.contact_id for one in shown if one.reason == "chance"] == [20]


def test_in_the_long_run_a_tenth_of_the_places_is_drawn() -> None:
    causes, known = [cause(n) for n in range(1, 7)], people(*range(1, 30))
    lists = [plan_touches(causes, known, today=TODAY, seed=seed, draws=[cause(20, "chance")]) for seed in range(2000)]
    drawn = sum(one.reason == "chance" for rows in lists for one in rows)
    assert drawn / (6 * len(lists)) == pytest.approx(0.1, abs=0.01)


def test_ten_thank_yous_do_not_hide_a_silence_or_a_promise() -> None:
    causes = [*(cause(n) for n in range(1, 15)), cause(20, "lapse"), cause(21, "promise"), cause(22, "rhythm")]
    shown = planned(causes, people(*range(1, 30)))
    assert {20, 21, 22} < set(shown)
    assert shown == sorted(shown)
    assert len(shown) == PLACES


def test_a_long_queue_of_duties_leaves_the_weeks_ideas_alone() -> None:
    causes = [*(cause(n) for n in range(1, 60)), cause(70, "lapse")]
    assert 70 in planned(causes, people(*range(1, 80)), week_left=9)


def test_nothing_due_stays_nothing_due() -> None:
    assert planned([], people(1), draws=[cause(1, "chance")]) == []


def test_everyone_is_drawn_about_equally_often() -> None:
    firsts = [draw_ids(20, seed)[0] for seed in range(4000)]
    assert all(firsts.count(one) == pytest.approx(200, abs=60) for one in range(1, 21))


def test_a_snooze_lasts_to_its_day_or_to_the_next_referral() -> None:
    assert asleep(TODAY + timedelta(days=1), referred_since=True, today=TODAY)
    assert not asleep(TODAY, referred_since=False, today=TODAY)
    assert asleep(None, referred_since=False, today=TODAY)
    assert not asleep(None, referred_since=True, today=TODAY)


@pytest.mark.parametrize(("hour", "said"), [(8, "Good morning"), (12, "Good afternoon"), (17, "Good evening")])
def test_the_greeting_follows_the_clock_on_the_wall(hour: int, said: str) -> None:
    assert greeting(datetime(2026, 3, 2, hour)) == said  # noqa: DTZ001 - only the hour is read


somebody = st.builds(
    Person,
    id=st.integers(1, 40),
    expected_referrals=st.floats(0, 20),
    p_active=st.none() | st.floats(0, 1),
    active_rate_90=st.floats(0, 20),
    referral_count=st.integers(0, 50),
    convert_rate=st.floats(0, 1),
    counted_on=st.lists(st.integers(0, 120).map(lambda n: TODAY - timedelta(days=n)), max_size=8).map(tuple),
    touched_on=st.none() | st.integers(0, 400).map(lambda n: TODAY - timedelta(days=n)),
    gone=st.booleans(),
    quiet=st.booleans(),
)
some_cause = st.builds(cause, st.integers(1, 40), st.sampled_from(REASONS[:-1]))


@given(
    st.lists(some_cause, max_size=80),
    st.lists(somebody, max_size=40),
    st.integers(0, 10**6),
    st.integers(0, 20),
)
def test_no_list_is_ever_too_long_doubled_or_beyond_its_limits(
    causes: list[Cause], known: list[Person], seed: int, week_left: int
) -> None:
    book = {person.id: person for person in known}
    draws = [cause(one, "chance") for one in book]
    shown = plan_touches(causes, book, today=TODAY, seed=seed, draws=draws, week_left=week_left)
    ids = [one.contact_id for one in shown]
    assert len(ids) == len(set(ids)) <= PLACES
    assert sum(one.reason == "chance" for one in shown) <= 1
    for one in shown:
        assert not book[one.contact_id].gone
        assert one.gain >= 0
        if one.reason in SUGGESTIONS:
            assert not book[one.contact_id].quiet
            assert within_caps(book[one.contact_id].counted_on, today=TODAY)
    assert shown == plan_touches(causes, book, today=TODAY, seed=seed, draws=draws, week_left=week_left)


def test_the_limits_are_those_that_the_practice_chose() -> None:
    few = Limits(gap_days=30, per_quarter=1)
    assert within_caps([TODAY - timedelta(days=20)], today=TODAY)
    assert not within_caps([TODAY - timedelta(days=20)], today=TODAY, limits=few)
    assert not within_caps([TODAY - timedelta(days=40)], today=TODAY, limits=few)
    known = {1: Person(1, counted_on=(TODAY - timedelta(days=20),), limits=few)}
    assert plan_touches([cause(1, sorted(SUGGESTIONS)[0])], known, today=TODAY, seed=1) == []
