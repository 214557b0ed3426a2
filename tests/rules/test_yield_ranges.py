"""The 80 % range and the chance of at least one, against scipy's negative binomial."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from outreach.referrals.yield_ranges import started_range
from tests.rules.yield_cast import unhurried


def columns(*rows: tuple[float, float, float]) -> list[np.ndarray]:
    return [np.array(column, dtype=float) for column in zip(*rows, strict=True)]


@unhurried
@given(st.floats(0.06, 1), st.floats(0.35, 400), st.floats(0.001, 60))
def test_the_range_is_that_of_zero_or_negative_binomial(active, shape, mean):
    low, high, one = (column[0] for column in started_range(*columns((active, shape, mean))))
    exact = nbinom(shape, shape / (shape + mean))

    def reached(count: int) -> float:
        return float((1 - active) + active * exact.cdf(count)) if count >= 0 else 0.0

    slack = 1e-9  # a percentile that falls on a step may be read off on either side of it
    for end, level in ((low, 0.1), (high, 0.9)):
        assert reached(end) >= level - slack
        assert reached(end - 1) < level + slack
    assert one == pytest.approx(active * (1 - exact.pmf(0)), abs=1e-12)


def test_small_cases_are_those_of_scipy():
    rows = [(1.0, 0.35, 0.5), (1.0, 2.0, 1.5), (1.0, 14.0, 6.0), (1.0, 50.0, 30.0)]
    low, high, _ = started_range(*columns(*rows))
    for place, (_, shape, mean) in enumerate(rows):
        exact = nbinom(shape, shape / (shape + mean))
        assert (low[place], high[place]) == (exact.ppf(0.1), exact.ppf(0.9))


def test_a_contact_that_has_probably_stopped_has_the_range_zero_to_zero():
    low, high, one = started_range(*columns((0.08, 20.0, 9.0)))
    assert (low[0], high[0]) == (0, 0)
    assert one[0] < 0.08


def test_a_mean_too_large_to_count_from_zero_still_arrives():
    low, high, one = started_range(*columns((1.0, 5000.0, 3000.0), (0.95, 0.35, 30_000.0)))
    exact = nbinom(5000, 5000 / 8000)
    assert (low[0], high[0]) == (exact.ppf(0.1), exact.ppf(0.9))
    assert one[0] == 1.0
    wide = nbinom(0.35, 0.35 / 30_000.35)
    assert (low[1], high[1]) == (wide.ppf(0.05 / 0.95), wide.ppf(0.85 / 0.95))


def test_no_contacts_have_no_ranges():
    assert [len(column) for column in started_range(*[np.zeros(0)] * 3)] == [0, 0, 0]
