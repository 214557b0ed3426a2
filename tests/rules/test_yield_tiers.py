"""Ranks within the kind, tiers, and the patience before a tier changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.referrals.yield_model import settle_tiers
from outreach.referrals.yield_tiers import rank_within_kind, tiers_of
from tests.rules.yield_cast import unhurried

ranks = st.floats(0.01, 99.99)


def settled(shown: str, before: float, now: float) -> str:
    return str(settle_tiers(np.array([shown]), np.array([before]), np.array([now]))[0])


@pytest.mark.parametrize("size", [5, 10, 15, 40, 1000])
def test_a_fifth_is_a_and_the_next_three_tenths_are_b(size):
    yields = np.linspace(0.1, 3, size)
    tiers = tiers_of(rank_within_kind(yields, np.zeros(size, dtype=int)))
    assert (tiers == "A").sum() == size // 5
    assert (tiers == "B").sum() in {3 * size // 10, -(-3 * size // 10)}
    assert tiers[-1] == "A"
    assert tiers[0] == "C"


def test_the_rank_is_among_the_same_kind_only():
    kinds = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    yields = np.array([9.0, 8, 7, 6, 5, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert rank_within_kind(yields, kinds).tolist() == [90, 70, 50, 30, 10] * 2


def test_equals_share_the_middle_of_their_places():
    yields = np.array([1.0, 0.2, 0.2 + 1e-15, 0.2, 0.1])
    assert rank_within_kind(yields, np.zeros(5, dtype=int)).tolist() == [90, 50, 50, 50, 10]


def test_without_a_rank_there_is_no_tier():
    assert tiers_of(np.array([np.nan, 81.0])).tolist() == ["", "A"]
    assert len(rank_within_kind(np.zeros(0), np.zeros(0, dtype=int))) == 0


@pytest.mark.parametrize(
    ("shown", "before", "now", "then"),
    [
        ("B", 84.9, 90, "B"),  # the first of the two was not far enough
        ("B", 85, 84.9, "B"),
        ("B", 85, 86, "A"),
        ("A", 76, 40, "A"),
        ("A", 74, 40, "B"),  # twice below A, only once below B
        ("A", 44, 40, "C"),
        ("C", 54, 95, "C"),
        ("C", 56, 95, "B"),
        ("B", 50, 46, "B"),
        ("", float("nan"), 81, "A"),
        ("B", float("nan"), 99, "B"),
        ("B", 99, float("nan"), ""),
    ],
)
def test_a_tier_changes_only_after_two_refreshes_well_beyond_the_cut(shown, before, now, then):
    assert settled(shown, before, now) == then


@unhurried
@given(st.sampled_from("ABC"), ranks, ranks)
def test_a_tier_moves_only_towards_what_both_refreshes_say(shown, before, now):
    order = "CBA"
    ends = [order.index(str(tiers_of(np.array([rank]))[0])) for rank in (before, now)]
    was, then = order.index(shown), order.index(settled(shown, before, now))
    assert min(was, *ends) <= then <= max(was, *ends)
    if was in ends:
        assert then == was
