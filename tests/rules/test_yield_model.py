"""The yield: published values, identities, the order of things, and the rules at the border."""

from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import pairwise
from math import exp, log1p

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import nbinom

from outreach.contacts import kinds as contact_kinds
from outreach.referrals.yield_facts import contact_columns, referral_columns
from outreach.referrals.yield_model import (
    ContactColumns,
    ContactFacts,
    PracticeMeans,
    ReferralColumns,
    ReferralFacts,
    YieldParams,
    YieldRow,
    YieldTable,
    kind_codes,
    score_contacts,
)
from outreach.referrals.yield_params import DAYS_PER_YEAR, KIND_NAMES
from outreach.referrals.yield_rates import blend_rates, chance_active, learn_rates
from outreach.referrals.yield_record import order_events, read_records
from tests.rules.yield_cast import contact, day, referrals_on, same_means, small_practice, unhurried

ages = st.integers(30, 2500)
histories = st.lists(st.integers(0, 2500), max_size=25)


def one(
    days: list[int],
    at: int,
    *,
    means: PracticeMeans | None = None,
    params: YieldParams | None = None,
    horizon: int = 90,
) -> YieldRow:
    """The row of one physician, referrals on these days after the entry date, scored `at` days after it."""
    table = score_contacts(
        [contact()],
        referrals_on(*days),
        as_of=day(at),
        horizon_days=horizon,
        params=params or YieldParams(),
        means=means or same_means(),
    )
    return table.row(0)


@pytest.mark.parametrize(
    ("count", "last", "age", "chance"),
    [(0, 0, 400, 0.539023078), (3, 200, 400, 0.566758232), (10, 300, 400, 0.643507540)],
)
def test_the_chance_of_being_active_agrees_with_the_reference_without_forgetting(count, last, age, chance):
    shape, days = np.array([0.5 + count]), np.array([0.5 / 0.01 + last])
    found = chance_active(shape, days, np.array([age - last]), 0.4 / DAYS_PER_YEAR)
    assert found[0] == pytest.approx(chance, abs=1e-7)


def test_the_shipped_settings_give_the_reference_forecast():
    row = one([20, 100, 200], at=400)  # received 380, 300 and 200 days ago
    assert row.expected_referrals == pytest.approx(0.393198107, abs=1e-7)
    assert row.p_active == pytest.approx(0.732486224, abs=1e-7)
    people = contact_columns([contact()])
    params = YieldParams()
    events, _ = order_events(people, referral_columns(referrals_on(20, 100, 200)), as_of=day(400), params=params)
    records = read_records(people, events, as_of=day(400), params=params)
    assert blend_rates(records, np.array([0.004]), params).shape[0] == pytest.approx(2.41797281, abs=1e-7)


@unhurried
@given(st.floats(0.1, 2000), st.floats(5, 800), st.integers(1, 7000), st.floats(0.02, 2))
def test_sixteen_points_are_as_good_as_adaptive_quadrature(shape, days, gap, lapse_per_year):
    mu = lapse_per_year / DAYS_PER_YEAR
    # Integrated where it falls: the substitution of the model is not used, only the scale of the decay.
    scale = days / (shape + mu * days)
    cuts = sorted({min(gap, scale * step) for step in (1, 4, 16, 64, 256)} | {0.0, float(gap)})
    lapsed = sum(
        quad(lambda u: mu * exp(-mu * u - shape * log1p(u / days)), *cut, epsabs=1e-18, epsrel=1e-9)[0]
        for cut in pairwise(cuts)
    )
    alive = exp(-mu * gap - shape * log1p(gap / days))
    found = chance_active(np.array([shape]), np.array([days]), np.array([gap]), mu)
    assert found[0] == pytest.approx(alive / (alive + lapsed), abs=1e-8)


@unhurried
@given(histories, ages, st.integers(1, 1096))
def test_without_lapse_floor_and_forgetting_the_forecast_is_the_plain_negative_binomial(days, at, horizon):
    plain = YieldParams(half_life_days=1e12, lapse_per_year=0, floor=0, batch_cap=1000)
    days = [number for number in days if number <= at]
    row = one(days, at, params=plain, horizon=horizon)
    shape, exposure = 0.35 + len(days), 0.35 / 0.004 + at
    assert row.expected_referrals == pytest.approx(shape / exposure * horizon, rel=1e-6)
    mean = shape / exposure * horizon * row.convert_rate
    exact = nbinom(shape, shape / (shape + mean))
    assert row.p_at_least_one == pytest.approx(1 - exact.pmf(0), abs=1e-6)


@unhurried
@given(histories, ages)
def test_the_parts_multiply_to_the_yield_exactly(days, at):
    row = one([number for number in days if number <= at], at)
    assert abs(row.parts[0] * row.parts[1] * row.parts[2] - row.expected_started) < 1e-12
    assert row.parts[0] * row.parts[1] == pytest.approx(row.expected_referrals, abs=1e-12)
    assert row.parts[2] == row.convert_rate
    assert row.rate_90 == pytest.approx(
        row.own_weight * own_rate_90(days, at) + (1 - row.own_weight) * row.typical_rate_90, rel=1e-9
    )


def own_rate_90(days: list[int], at: int) -> float:
    """N / E of the paper, per 90 days, written out with the batch cap."""
    days = [number for number in days if number <= at]
    counted = [number for number in set(days) for _ in range(min(3, days.count(number)))]
    tau = 540 / np.log(2)
    return float(sum(2 ** (-(at - d) / 540) for d in counted) / (tau * (1 - 2 ** (-at / 540))) * 90)


@unhurried
@given(histories, ages)
def test_one_more_referral_today_never_lowers_the_yield(days, at):
    days = [number for number in days if number <= at]
    assert one([*days, at], at).expected_started >= one(days, at).expected_started - 1e-12


@unhurried
@given(histories, ages, st.integers(1, 1500))
def test_a_longer_silence_never_raises_the_chance_of_being_active(days, at, longer):
    days = [number for number in days if number <= at] + [0, 0]
    now, later = one(days, at), one(days, at + longer)
    assert now.p_active is not None
    assert later.p_active is not None
    assert later.p_active <= now.p_active + 1e-12
    assert later.surprise <= now.surprise + 1e-12


@unhurried
@given(histories, ages, st.integers(2, 4))
def test_slower_time_with_slower_rates_is_the_same_practice(days, at, slower):
    days = [number for number in days if number <= at]
    params = YieldParams(batch_cap=1000)
    slow = replace(params, half_life_days=540 * slower, lapse_per_year=0.25 / slower)
    now = one(days, at, params=params, horizon=90)
    then = one(
        [d * slower for d in days], at * slower, params=slow, means=same_means(0.004 / slower), horizon=90 * slower
    )
    assert then.expected_referrals == pytest.approx(now.expected_referrals, rel=1e-9)
    assert then.surprise == pytest.approx(now.surprise, rel=1e-9)
    assert then.parts[1] == pytest.approx(now.parts[1], rel=1e-9)


def test_the_same_facts_give_the_same_number_to_the_last_digit():
    contacts, referrals = small_practice()
    assert_same(*(score_contacts(contacts, referrals, as_of=day(730)) for _ in range(2)))


@unhurried
@given(st.randoms())
def test_the_order_of_the_facts_does_not_matter(shuffler):
    contacts, referrals = small_practice()
    plain = {row.id: row for row in score_contacts(contacts, referrals, as_of=day(730))}
    shuffler.shuffle(contacts)
    shuffler.shuffle(referrals)
    for row in score_contacts(contacts, referrals, as_of=day(730)):
        assert row.expected_started == pytest.approx(plain[row.id].expected_started, rel=1e-12)
        assert (row.rank_pct, row.tier) == (plain[row.id].rank_pct, plain[row.id].tier)


def test_columns_and_single_facts_say_the_same():
    contacts, referrals = small_practice()
    people = ContactColumns(
        id=np.array([c.id for c in contacts]),
        kind=kind_codes([c.kind for c in contacts]),
        added_on=np.array([c.added_on for c in contacts], dtype="datetime64[D]"),
        specialty=np.full(len(contacts), -1),
    )
    log = ReferralColumns(
        id=np.array([r.id for r in referrals]),
        contact_id=np.array([r.contact_id for r in referrals]),
        received_on=np.array([r.received_on for r in referrals], dtype="datetime64[D]"),
        outcome=np.array([("open", "started", "lost").index(r.outcome) for r in referrals]),
        outcome_on=np.full(len(referrals), np.datetime64("NaT", "D")),
        value=np.full(len(referrals), np.nan),
    )
    assert_same(score_contacts(contacts, referrals, as_of=day(730)), score_contacts(people, log, as_of=day(730)))


def test_the_means_follow_the_three_closed_passes():
    contacts, referrals = small_practice()
    people = contact_columns(contacts)
    params = YieldParams()
    events, _ = order_events(people, referral_columns(referrals), as_of=day(730), params=params)
    records = read_records(people, events, as_of=day(730), params=params)
    kinds = [c.kind for c in contacts]
    means = dict.fromkeys(kinds, (33 + 1) / (12 * 730 + 365.25))
    for _ in range(3):
        rates = blend_rates(records, np.array([means[kind] for kind in kinds]), params)
        p = chance_active(rates.last_shape, rates.last_days, records.gap, params.lapse_per_day)
        active = p * 730 + (1 - p) * records.at_last
        m = (33 + 1) / (active.sum() + 365.25)
        for kind in means:
            own = [n for n, k in enumerate(kinds) if k == kind]
            means[kind] = (records.count[own].sum() + 5) / (active[own].sum() + 5 / m)
    assert learn_rates(records, people, params).by_kind["physician"] == pytest.approx(means["physician"], rel=1e-12)
    assert learn_rates(records, people, params).by_kind["peer-therapist"] == pytest.approx(
        means["peer-therapist"], rel=1e-12
    )
    assert learn_rates(records, people, params).by_kind["family"] == pytest.approx(m, rel=1e-12)


def test_from_2000_contacts_on_a_specialty_has_its_own_mean():
    contacts = [contact(n, specialty="pediatrics" if n % 2 else "orthopedics") for n in range(2000)]
    referrals = [ReferralFacts(n, n, day(100)) for n in range(1, 2000, 2)]
    table = score_contacts(contacts, referrals, as_of=day(300))
    rates = table.means.specialty_rates["physician"]
    assert rates["pediatrics"] > table.means.rates["physician"] > rates["orthopedics"]
    assert table.row_of(1).typical_rate_90 == pytest.approx(90 * rates["pediatrics"])
    fewer = score_contacts(contacts[:1999], referrals[:-1], as_of=day(300))
    assert fewer.means.specialty_rates == {}


def test_before_any_history_the_yield_is_the_typical_figure_of_the_kind():
    for referrals, at in (([], 700), (referrals_on(3, 5, 9), 29)):
        table = score_contacts([contact(), contact(2, "former-client")], referrals, as_of=day(at))
        assert table.evidence == "prior only"
        assert table.typical_rate_90 == pytest.approx([90 * 2.0 / 365.25, 90 * 0.25 / 365.25])
        assert table.rate_90 == pytest.approx(table.typical_rate_90)
        assert table.own_weight == pytest.approx(0)
        assert [(row.tier, row.rank_pct, row.p_active) for row in table] == [(None, None, None)] * 2


@pytest.mark.parametrize(
    ("referrals", "at", "evidence"),
    [
        (0, 400, "prior only"),
        (1, 29, "prior only"),
        (1, 30, "early"),
        (19, 400, "early"),
        (20, 89, "early"),
        (20, 90, "full"),
    ],
)
def test_the_ladder_says_how_far_the_data_carries(referrals, at, evidence):
    table = score_contacts([contact()], referrals_on(*range(referrals)), as_of=day(at))
    assert table.evidence == evidence
    assert (table.row(0).tier is None) == (evidence == "prior only")


def test_the_chance_of_being_active_is_not_shown_with_fewer_than_two_referrals():
    assert one([100], at=300).p_active is None
    assert one([100, 120], at=300).p_active is not None


def test_an_empty_practice_has_an_empty_table():
    table = score_contacts([], [], as_of=day(0))
    assert (len(table), list(table), table.evidence) == (0, [], "prior only")
    assert len(score_contacts([], referrals_on(1), as_of=day(5), means=same_means())) == 0


def test_a_contact_added_today_is_what_its_kind_sends():
    row = one([], at=0)
    assert (row.own_weight, row.gap_days, row.last_on, row.lo80) == (0.0, 0, None, 0)
    assert row.rate_90 == pytest.approx(row.typical_rate_90)


def test_stored_means_score_one_contact_as_the_refresh_did():
    contacts, referrals = small_practice()
    table = score_contacts(contacts, referrals, as_of=day(730))
    alone = score_contacts(
        contacts[1:2], [r for r in referrals if r.contact_id == 2], as_of=day(730), means=table.means
    )
    assert alone.row(0) == replace(table.row_of(2), rank_pct=None, tier=None)


def test_rows_are_plain_values():
    contacts, referrals = small_practice()
    row = score_contacts(contacts, referrals, as_of=day(730)).row_of(1)
    assert {type(getattr(row, field.name)) for field in fields(row)} <= {int, str, float, date, tuple, type(None)}
    assert (row.id, row.as_of, row.last_on, row.expected_value) == (1, day(730), day(715), None)
    with pytest.raises(KeyError):
        score_contacts(contacts, referrals, as_of=day(730)).row_of(99)


def test_a_practice_of_2000_recovers_its_total():
    """Invented practice drawn from the model: the forecast of all must match what then arrives within luck."""
    draw = np.random.default_rng(20240301)
    contacts, referrals, coming = [], [], 0
    for n in range(2000):
        rate = draw.gamma(0.35, 0.004 / 0.35)
        life = draw.exponential(DAYS_PER_YEAR / 0.25)
        arrivals = np.cumsum(draw.exponential(1 / rate, size=400))
        known = arrivals[arrivals < min(life, 730)].astype(int).tolist()
        coming += int(((arrivals >= 730) & (arrivals < min(life, 820))).sum())
        contacts.append(contact(n))
        referrals += referrals_on(*known, contact_id=n, first_id=1000 * n)
    table = score_contacts(contacts, referrals, as_of=day(730))
    assert table.evidence == "full"
    assert table.expected_referrals.sum() == pytest.approx(coming, rel=0.12)


def assert_same(one_table: YieldTable, other: YieldTable) -> None:
    assert one_table.events is not None
    assert other.events is not None
    for field in fields(one_table.events):
        np.testing.assert_array_equal(getattr(one_table.events, field.name), getattr(other.events, field.name))
    for field in fields(YieldTable):
        if field.name == "events":
            continue
        np.testing.assert_array_equal(getattr(one_table, field.name), getattr(other, field.name), field.name)


def test_every_kind_of_contact_is_compared_with_its_own():
    assert set(KIND_NAMES) == {*contact_kinds.KINDS, "other"}
    contacts = [ContactFacts(n, name, day(0)) for n, name in enumerate(KIND_NAMES)]
    table = score_contacts(contacts, [], as_of=day(0) + timedelta(days=1))
    assert tuple(row.kind for row in table) == KIND_NAMES
