"""One contact between refreshes: the same numbers as from the whole history, without reading it."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.referrals.yield_model import ContactFacts, PracticeMeans, ReferralFacts, score_contacts
from outreach.referrals.yield_params import KIND_NAMES
from outreach.referrals.yield_state import YieldState
from tests.rules.yield_cast import contact, day, same_means, unhurried

arrivals = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["open", "started", "lost"]), st.sampled_from([None, 5.0, 80.0])),
    max_size=15,
)


def valued_means() -> PracticeMeans:
    plain = same_means()
    return PracticeMeans(
        "full",
        plain.rates,
        {"physician": {"pediatrics": 0.01}},
        plain.convert_rates,
        dict.fromkeys(KIND_NAMES, 12.0),
        dict.fromkeys(KIND_NAMES, 50.0),
    )


def row_from_history(who: ContactFacts, log: list[ReferralFacts], at: int) -> dict[str, object]:
    return asdict(score_contacts([who], log, as_of=day(at), means=valued_means()).row(0))


@unhurried
@given(arrivals, st.integers(0, 80), st.sampled_from([None, "pediatrics"]))
def test_adding_one_by_one_gives_what_the_whole_history_gives(waits, later, specialty):
    who = contact(added=20, specialty=specialty)
    state = YieldState.from_events(who, [], as_of=day(20), means=valued_means())
    log, today = [], 20
    for number, (wait, outcome, value) in enumerate(waits):
        today += wait
        log.append(ReferralFacts(number, 1, day(today), outcome, value=value))
        state = state.roll(day(today)).add(log[-1])
    # An open referral that has turned 90 days old waits for the refresh: here all are closed or young.
    if any(r.outcome == "open" and (day(today + later) - r.received_on).days > 90 for r in log):
        return
    found = asdict(state.roll(day(today + later)).forecast())
    for name, expected in row_from_history(who, log, today + later).items():
        close = pytest.approx(expected, rel=1e-11) if isinstance(expected, float | tuple) else expected
        assert found[name] == close, name


@unhurried
@given(st.lists(st.integers(0, 200), unique=True, max_size=12))
def test_referrals_entered_late_and_out_of_order_count_the_same(days):
    log = [ReferralFacts(number, 1, day(when), "started") for number, when in enumerate(days)]
    state = YieldState.from_events(contact(added=50), [], as_of=day(200), means=valued_means())
    for referral in log:
        state = state.add(referral)
    expected = row_from_history(contact(added=50), log, 200)
    assert state.forecast().expected_started == pytest.approx(expected["expected_started"], rel=1e-11)
    assert state.forecast().entry_on == expected["entry_on"]


def test_the_state_of_a_history_forecasts_what_the_table_says():
    log = [ReferralFacts(n, 1, day(40 * n), "started", value=70.0) for n in range(6)]
    state = YieldState.from_events(contact(), log, as_of=day(300), means=valued_means())
    assert asdict(state.forecast()) == row_from_history(contact(), log, 300)


def test_a_new_referral_shows_at_once():
    log = [ReferralFacts(n, 1, day(40 * n)) for n in range(3)]
    state = YieldState.from_events(contact(), log, as_of=day(400), means=same_means())
    after = state.add(ReferralFacts(9, 1, day(400))).forecast()
    assert after.expected_started > state.forecast().expected_started
    assert (after.gap_days, after.referral_count, after.p_active) == (0, 4, 1.0)


def test_a_batch_beyond_the_cap_is_counted_but_does_not_count():
    state = YieldState.from_events(contact(), [], as_of=day(100), means=same_means())
    for number in range(3):
        state = state.add(ReferralFacts(number, 1, day(100)))
    fuller = state.add(ReferralFacts(9, 1, day(100)))
    assert fuller.forecast().rate_90 == state.forecast().rate_90
    assert fuller.forecast().referral_count == 4


def test_what_does_not_belong_is_refused():
    state = YieldState.from_events(contact(), [], as_of=day(100), means=same_means())
    with pytest.raises(ValueError, match="another contact"):
        state.add(ReferralFacts(1, 2, day(5)))
    with pytest.raises(ValueError, match="received after"):
        state.add(ReferralFacts(1, 1, day(101)))
    with pytest.raises(ValueError, match="unknown outcome"):
        state.add(ReferralFacts(1, 1, day(5), "won"))
    with pytest.raises(ValueError, match="already stands"):
        state.roll(day(99))
