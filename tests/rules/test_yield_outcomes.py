"""The share that starts care and the value of one: small records lean on the kind, large ones stand alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from outreach.referrals.yield_model import ReferralFacts, YieldRow, YieldTable, score_contacts
from tests.rules.yield_cast import contact, day, referrals_on, same_means, unhurried


def log(outcomes: str, *, contact_id: int = 1, first_id: int = 1, value: float | None = None) -> list[ReferralFacts]:
    """One referral a week from day 10 on; s started, l lost, o open."""
    names = {"s": "started", "l": "lost", "o": "open"}
    return [
        ReferralFacts(first_id + n, contact_id, day(10 + 7 * n), names[letter], value=value)
        for n, letter in enumerate(outcomes)
    ]


def one(outcomes: str, at: int = 60, value: float | None = None) -> YieldRow:
    return score_contacts([contact()], log(outcomes, value=value), as_of=day(at), means=same_means(convert=0.6)).row(0)


@unhurried
@given(st.integers(0, 30), st.integers(0, 30))
def test_the_share_leans_on_similar_contacts_by_eight_referrals(started, lost):
    row = one("s" * started + "l" * lost, at=500)
    assert row.convert_rate == pytest.approx((started + 8 * 0.6) / (started + lost + 8))
    exact = beta(started + 8 * 0.6, lost + 8 * 0.4)
    assert (row.convert_lo, row.convert_hi) == pytest.approx((exact.ppf(0.1), exact.ppf(0.9)), rel=1e-9)
    assert (row.started_count, row.finished_count) == (started, started + lost)


def test_an_open_referral_counts_as_lost_after_90_days_and_not_before():
    assert one("o", at=100).finished_count == 0  # received on day 10
    assert one("o", at=101).finished_count == 1
    assert one("o", at=101).convert_rate == one("l", at=101).convert_rate


def test_a_kind_leans_on_the_practice_and_the_practice_on_one_half():
    contacts = [contact(1), contact(2, "peer-therapist")]
    table = score_contacts(contacts, log("sssl") + log("ll", contact_id=2, first_id=50), as_of=day(200))
    practice = (3 + 2) / (6 + 4)
    assert table.means.convert_rates["physician"] == pytest.approx((3 + 10 * practice) / 14)
    assert table.means.convert_rates["peer-therapist"] == pytest.approx((0 + 10 * practice) / 12)
    assert table.means.convert_rates["family"] == pytest.approx(practice)


def test_without_values_there_is_no_expected_value():
    assert one("ssl").expected_value is None


def test_the_value_is_a_fourth_factor_of_the_expected_value_only():
    table = two_valued()
    plain = score_contacts([contact(1), contact(2)], [without_value(r) for r in valued_log()], as_of=day(200))
    assert table.expected_started == pytest.approx(plain.expected_started, rel=1e-15)
    value = table.expected_value / table.expected_started
    largest = np.quantile([10, 10, 10, 20], 0.99)
    typical = (3 * 10 + largest) / 4
    assert value == pytest.approx([(typical + 30) / 4, (typical + largest) / 2])


def test_one_enormous_value_is_capped_at_the_99th_percentile_of_its_kind():
    many = log("s" * 200, value=10.0)
    table = score_contacts([contact()], [*many, ReferralFacts(999, 1, day(20), "started", value=1e9)], as_of=day(2000))
    assert table.means.value_caps["physician"] == pytest.approx(10)
    assert table.row(0).expected_value == pytest.approx(10 * table.row(0).expected_started)


def test_only_started_referrals_tell_the_value():
    table = score_contacts([contact()], log("sl", value=10.0) + referrals_on(40, first_id=50), as_of=day(200))
    assert table.expected_value[0] == pytest.approx(10 * table.expected_started[0])
    lost_only = score_contacts([contact()], log("l", value=10.0), as_of=day(200))
    assert np.isnan(lost_only.expected_value[0])


def valued_log() -> list[ReferralFacts]:
    return log("sss", value=10.0) + log("s", contact_id=2, first_id=50, value=20.0)


def without_value(referral: ReferralFacts) -> ReferralFacts:
    return ReferralFacts(referral.id, referral.contact_id, referral.received_on, referral.outcome)


def two_valued() -> YieldTable:
    return score_contacts([contact(1), contact(2)], valued_log(), as_of=day(200))
