"""Rank within the kind, tiers A, B, C, and the patience before a tier changes."""

import numpy as np

from outreach.referrals.yield_params import Floats, Ints, Texts

# Architecture, settled question 2: A the top 20 %, B the next 30 %, C the rest.
CUT_A, CUT_B = 80.0, 50.0
# A week's noise moved 4 % of a top list in the study; two refreshes beyond the cut by this much is more than noise.
PATIENCE_POINTS = 5.0
TIERS = np.array(["C", "B", "A"])


def rank_within_kind(yields: Floats, kind: Ints) -> Floats:
    """The percentile of each contact among its kind, 0-100, 100 best; equals share the middle of their places."""
    if not len(yields):
        return np.zeros(0)
    # The last digits of a float are not a difference in yield.
    scores = np.round(yields, 12)
    order = np.lexsort((scores, kind))
    score, group = scores[order], kind[order]
    first_of_kind = np.searchsorted(group, group, side="left")
    size_of_kind = np.searchsorted(group, group, side="right") - first_of_kind
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (np.diff(score) != 0) | (np.diff(group) != 0)
    begins = np.flatnonzero(fresh)
    ends = np.append(begins[1:], len(order))
    middle = ((begins + ends) / 2.0)[np.cumsum(fresh) - 1]
    ranks = np.empty(len(order))
    ranks[order] = 100.0 * (middle - first_of_kind) / size_of_kind
    return ranks


def tiers_of(rank_pct: Floats) -> Texts:
    """The tier of each percentile on its own; "" where there is no rank."""
    return np.where(np.isnan(rank_pct), "", TIERS[_level(rank_pct)])


def settle_tiers(shown: Texts, rank_before: Floats, rank_now: Floats) -> Texts:
    """The tiers to show: unchanged until this and the previous refresh both lie 5 points beyond a cut.

    *Shapes*: one entry per contact. `shown` is "" where no tier was shown yet: the tier of `rank_now` then holds at
    once. Without a rank now there is no tier; without one before, the shown tier stays.
    """
    level = np.select([shown == "A", shown == "B"], [2, 1], 0)
    surely = _level(np.fmin(rank_before, rank_now) - PATIENCE_POINTS)
    at_most = _level(np.fmax(rank_before, rank_now) + PATIENCE_POINTS)
    settled = np.where(np.isnan(rank_before), level, np.clip(level, surely, at_most))
    return np.where((shown == "") | np.isnan(rank_now), tiers_of(rank_now), TIERS[settled])


def _level(rank_pct: Floats) -> Ints:
    return (rank_pct >= CUT_A).astype(np.int64) + (rank_pct >= CUT_B)
