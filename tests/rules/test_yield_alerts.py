"""Unusually quiet: who may be told about, when, and how often the alarm is false."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.referrals.lapse_alerts import Alert, alert_threshold, lapse_alerts, past_silences
from outreach.referrals.yield_model import PracticeMeans, YieldTable, score_contacts
from outreach.referrals.yield_params import DAYS_PER_YEAR
from tests.rules.yield_cast import contact, day, referrals_on, same_means, small_practice, unhurried

NONE = np.zeros(0)
chances = st.lists(st.floats(0, 1), max_size=60).map(np.array)


def practice_of_rao(silent: int, means: PracticeMeans | None = None) -> YieldTable:
    """Rao sent one every 45 days, thirteen times, and then none for `silent` days."""
    rao = referrals_on(*range(0, 13 * 45, 45))
    return score_contacts([contact()], rao, as_of=day(12 * 45 + silent), means=means or same_means())


@unhurried
@given(chances, st.floats(0.005, 0.3))
def test_the_bar_is_the_largest_that_keeps_the_promise(past, alpha):
    def share(bar: float) -> float:
        return float(((past <= bar).sum() + 20 * bar) / (len(past) + 20))

    bar = alert_threshold(past, alpha)
    assert share(bar - 1e-9) <= alpha + 1e-9  # alerts fire strictly below the bar
    assert share(bar + 1e-9) > alpha


def test_without_a_past_the_bar_is_the_model_s_own():
    assert alert_threshold(NONE, 0.05) == pytest.approx(0.05)


def test_with_much_past_the_bar_is_its_plain_quantile():
    past = np.linspace(0.001, 0.5, 10_000)
    assert alert_threshold(past, 0.05) == pytest.approx(np.quantile(past, 0.05), abs=1e-3)


@pytest.mark.parametrize("alpha", [0, 1, -0.1])
def test_a_promise_outside_zero_to_one_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        alert_threshold(NONE, alpha)


def test_an_alert_fires_when_the_silence_is_longer_than_the_rhythm_explains():
    assert lapse_alerts(practice_of_rao(60), NONE) == []
    table = practice_of_rao(300)
    [alert] = lapse_alerts(table, NONE)
    row = table.row(0)
    assert (alert.id, alert.gap_days, alert.last_on) == (1, 300, row.last_on)
    assert alert.surprise == row.surprise < alert.threshold == pytest.approx(0.05)
    assert alert.p_active == row.p_active
    assert alert.usual_gap_days == pytest.approx(90 / (row.record_shape / row.record_days * 90))
    assert 35 < alert.usual_gap_days < 60


def test_a_silence_is_told_about_once():
    table = practice_of_rao(300)
    [alert] = lapse_alerts(table, NONE)
    assert lapse_alerts(table, NONE, told={1: alert.last_on}) == []
    assert lapse_alerts(table, NONE, told={1: day(0)}) == [alert]


def test_nobody_is_called_quiet_on_two_referrals_or_a_slow_rhythm_or_little_data():
    fast = same_means(rate=0.03)
    two = score_contacts([contact()], referrals_on(0, 10), as_of=day(700), means=fast)
    assert two.surprise[0] < 0.05
    assert lapse_alerts(two, NONE) == []
    slow = score_contacts([contact()], referrals_on(0, 400, 800), as_of=day(6000), means=same_means())
    assert slow.surprise[0] < 0.05
    assert lapse_alerts(slow, NONE) == []
    assert lapse_alerts(practice_of_rao(300, means=same_means(evidence="early")), NONE) == []


def test_only_below_one_in_five_may_it_say_probably_stopped():
    [alert] = lapse_alerts(practice_of_rao(300), NONE)
    [later] = lapse_alerts(practice_of_rao(600), NONE)
    assert (alert.probably_stopped, later.probably_stopped) == (alert.p_active < 0.2, True)
    assert not Alert(1, day(0), 200, 45.0, 0.03, 0.2, 0.05, 0).probably_stopped


def test_the_most_surprising_silence_comes_first():
    contacts = [contact(1), contact(2), contact(3)]
    log = referrals_on(*range(0, 500, 30), contact_id=1)
    log += referrals_on(*range(0, 500, 15), contact_id=2, first_id=100)
    log += referrals_on(*range(0, 500, 45), contact_id=3, first_id=200)
    table = score_contacts(contacts, log, as_of=day(900), means=same_means())
    assert [alert.id for alert in lapse_alerts(table, NONE)] == [2, 1, 3]


def test_past_silences_are_those_a_refresh_on_that_day_would_have_shown():
    contacts, log = small_practice()
    table = score_contacts(contacts, log, as_of=day(730))
    expected = []
    for who in contacts:
        dates = sorted({r.received_on for r in log if r.contact_id == who.id})
        for before, after in pairwise(dates):
            known = [r for r in log if r.contact_id == who.id and r.received_on <= before]
            then = score_contacts([who], known, as_of=after, means=table.means).row(0)
            if then.referral_count >= 3 and then.record_shape / then.record_days * 90 >= 0.5:
                expected.append(then.surprise)
    assert len(expected) == 11 + 10
    assert past_silences(contacts, log, table=table) == pytest.approx(expected, rel=1e-12)


def test_a_day_with_several_referrals_ends_one_silence():
    log = referrals_on(0, 10, 20, 50, 50, 50)
    table = score_contacts([contact()], log, as_of=day(60), means=same_means())
    assert len(past_silences([contact()], log, table=table)) == 1


def test_a_practice_without_referrals_has_no_past():
    table = score_contacts([contact()], [], as_of=day(60), means=same_means())
    assert len(past_silences([contact()], [], table=table)) == 0
    assert len(past_silences([], [], table=score_contacts([], [], as_of=day(1)))) == 0


def test_the_share_of_false_alarms_stays_near_the_promise():
    """Invented practice, bursty on purpose: every silence here ends, so each alert would be false."""
    draw = np.random.default_rng(7)
    contacts, log = [], []
    for n in range(300):
        usual = DAYS_PER_YEAR / draw.lognormal(1.2, 0.7)
        days = np.cumsum(usual * draw.gamma(0.7, 1 / 0.7, size=300)).astype(int)
        contacts.append(contact(n))
        log += referrals_on(*days[days < 1460].tolist(), contact_id=n, first_id=1000 * n)
    table = score_contacts(contacts, [r for r in log if r.received_on <= day(730)], as_of=day(730))
    first_half = past_silences(contacts, [r for r in log if r.received_on <= day(730)], table=table)
    bar = alert_threshold(first_half, 0.05)
    whole = score_contacts(contacts, log, as_of=day(1460), means=table.means)
    later = past_silences(contacts, log, table=whole)
    assert len(first_half) > 500
    assert 0.03 <= (later < bar).mean() <= 0.08
