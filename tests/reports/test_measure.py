"""The lift of a campaign against other ways of reckoning it, and its one verdict."""

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.reports.rules import (
    Case,
    Span,
    compared,
    measure,
    middle_of,
    month_before,
    month_span,
    overdispersion,
    points,
    referrals_needed,
    smallest_ratio,
    span_of,
)

TODAY = date(2026, 3, 2)


def arm(people: int, referrals: int, expected: float = 0.2) -> list[Case]:
    """So many people, the first of whom sent one each."""
    return [Case(int(number < referrals), expected) for number in range(people)]


def test_a_clear_rise_by_hand() -> None:
    # 75 referrals on 60 of forecast: c = 1.25, so 50 and 25 were to be expected; 60 and 15 came.
    found = measure(arm(200, 60), arm(100, 15))
    assert (found.got, found.got_held_out) == (60, 15)
    assert found.expected == pytest.approx(50)
    assert found.expected_held_out == pytest.approx(25)
    # Scatter by hand: (60 x 0.75^2 + 140 x 0.25^2 + 15 x 0.75^2 + 85 x 0.25^2) / 75 = 0.75, so phi is 1.
    assert found.phi == 1
    assert found.mdr == pytest.approx(math.exp(2.8 * math.sqrt(1 / 50 + 1 / 25)))
    # theta_T / theta_C with Gamma(62, 52) and Gamma(17, 27), by drawing instead of by F.
    dice = np.random.default_rng(3)
    ratios = dice.gamma(62, 1 / 52, 400_000) / dice.gamma(17, 1 / 27, 400_000)
    low, middle, high = np.percentile(ratios, [2.5, 50, 97.5])
    assert found.ratio == pytest.approx(middle, rel=0.01)
    assert found.low == pytest.approx(low, rel=0.01)
    assert found.high == pytest.approx(high, rel=0.01)
    assert found.p_up == pytest.approx((ratios > 1).mean(), abs=0.002)
    assert found.verdict == "rose"
    assert found.ratio is not None
    assert found.extra is not None
    assert found.extra[0] == pytest.approx((1 - 1 / found.ratio) * 60)
    assert found.text.startswith("Referrals rose: best guess +9")


def test_too_few_says_how_many_it_would_take() -> None:
    found = measure(arm(40, 7), arm(40, 7))
    assert found.verdict == "not-enough"
    assert found.text == (
        "Not enough data yet: 14 referrals so far; about 65 in total would show a doubling, about 190 a 50% rise."
    )
    assert found.p_up is None


@pytest.mark.parametrize(
    ("treated", "held_out", "verdict"),
    [
        (arm(400, 40), arm(400, 90), "fell"),
        (arm(20_000, 4000), arm(20_000, 4010), "no-effect"),
        (arm(300, 60), arm(300, 55), "unclear"),
        (arm(50, 20), [], "no-hold-out"),
        (arm(50, 0), arm(50, 0), "not-enough"),
        (arm(50, 30, 0.0), arm(50, 30, 0.0), "not-enough"),
    ],
)
def test_exactly_one_verdict(treated: list[Case], held_out: list[Case], verdict: str) -> None:
    found = measure(treated, held_out)
    assert found.verdict == verdict
    assert (found.ratio is not None) == (verdict in ("rose", "fell", "no-effect", "unclear"))


def test_without_hold_out_there_is_no_number() -> None:
    assert measure(arm(50, 20), []).text == ("Before/after only: cannot separate the campaign from season and luck.")


def test_uneven_senders_widen_the_range() -> None:
    lumpy = [Case(4 if number < 30 else 0, 0.2) for number in range(400)]
    found, even = measure(lumpy, arm(400, 80)), measure(arm(400, 120), arm(400, 80))
    assert found.phi > 1.5
    assert found.low is not None
    assert even.low is not None
    assert found.low < even.low
    assert found.exact is None


def test_the_exact_interval_is_near_the_other_where_luck_alone_rules() -> None:
    found = measure(arm(2000, 400), arm(2000, 300))
    assert found.exact is not None
    assert found.low is not None
    assert found.exact[0] == pytest.approx(found.low, rel=0.05)


@pytest.mark.parametrize(
    ("per_arm", "phi", "seen"),
    [(5, 1.0, 5.9), (20, 1.0, 2.4), (60, 1.0, 1.7), (400, 1.0, 1.2), (10, 1.5, 4.6), (100, 1.5, 1.6)],
)
def test_the_smallest_ratio_that_can_be_seen_is_that_of_the_paper(per_arm: float, phi: float, seen: float) -> None:
    assert round(smallest_ratio(per_arm, per_arm, phi), 1) == seen


def test_how_many_referrals_show_a_ratio() -> None:
    assert referrals_needed(2.0, 0.5) == pytest.approx(65, abs=1)
    assert referrals_needed(1.5, 0.5) == pytest.approx(191, abs=1)
    assert smallest_ratio(32.65, 32.65, 1.0) == pytest.approx(2.0, abs=0.01)


def test_scatter_is_never_below_luck() -> None:
    assert overdispersion([Case(1, 1.0)] * 10, 1.0) == 1


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats(0.01, 3)), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 4), st.floats(0.01, 3)), min_size=1, max_size=60),
)
def test_the_interval_holds_its_middle_and_turns_round_with_the_arms(
    one: list[tuple[int, float]], other: list[tuple[int, float]]
) -> None:
    treated, held_out = [Case(*pair) for pair in one], [Case(*pair) for pair in other]
    found, turned = measure(treated, held_out), measure(held_out, treated)
    if found.ratio is not None and found.low is not None and found.high is not None and turned.ratio is not None:
        assert found.low < found.ratio < found.high
        assert found.ratio * turned.ratio == pytest.approx(1, rel=1e-6)


def test_periods_are_whole_and_compare_with_what_came_before() -> None:
    month = span_of("30", today=TODAY)
    assert (month.days, month.before.last) == (30, date(2026, 1, 31))
    year = span_of("365", today=TODAY)
    assert (year.first, year.last) == (date(2025, 4, 1), TODAY)
    assert year.before == Span(date(2024, 4, 1), date(2025, 3, 2))
    backwards = span_of("custom", today=TODAY, first=date(2026, 2, 10), last=date(2026, 1, 10))
    assert backwards == Span(date(2026, 1, 10), date(2026, 2, 10))
    assert span_of("custom", today=TODAY, first=date(2026, 2, 1), last=date(2027, 1, 1)).last == TODAY


def test_a_month_is_a_calendar_month() -> None:
    assert month_span("2024-02", today=TODAY) == Span(date(2024, 2, 1), date(2024, 2, 29))
    assert month_span("nonsense", today=TODAY) == Span(date(2026, 2, 1), date(2026, 2, 28))
    assert month_before(month_span("2026-01", today=TODAY)) == Span(date(2025, 12, 1), date(2025, 12, 31))


def test_changes_are_percents_only_over_enough() -> None:
    assert compared(12, 10) == ("20% more", "good")
    assert compared(2, 4) == ("2 fewer", "bad")
    assert compared(4, 4) == ("as before", "")
    assert points(6, 10, 5, 10) == ("10 points up", "good")
    assert points(3, 4, 1, 4) == ("", "")


def test_the_middle_of_nothing_is_nothing() -> None:
    assert middle_of([]) is None
    assert middle_of([(2, 3), (9, 1)]) == 2
