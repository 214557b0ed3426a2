"""The look back: only what was known that day, fair ties, ranges that mean what they say, and an honest "too few"."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from outreach.referrals.looking_back.back_test import backtest, known_on
from outreach.referrals.yield_facts import OPEN, STARTED, contact_columns, referral_columns
from outreach.referrals.yield_model import ContactFacts, ReferralFacts
from outreach.referrals.yield_params import DAYS_PER_YEAR
from tests.rules.yield_cast import contact, day, referrals_on

AS_OF = 800


def drawn(people: int, seed: int = 20260302) -> tuple[list[ContactFacts], list[ReferralFacts]]:
    """A practice drawn from the model itself, known for 800 days."""
    draw = np.random.default_rng(seed)
    contacts, referrals = [], []
    for n in range(people):
        rate, life = draw.gamma(0.35, 0.004 / 0.35), draw.exponential(DAYS_PER_YEAR / 0.25)
        arrivals = np.cumsum(draw.exponential(1 / rate, size=400))
        contacts.append(contact(n))
        referrals += referrals_on(
            *arrivals[arrivals < min(life, AS_OF)].astype(int).tolist(), contact_id=n, first_id=1000 * n
        )
    return contacts, referrals


def look(contacts: list[ContactFacts], referrals: list[ReferralFacts]):
    return backtest(contact_columns(contacts), referral_columns(referrals), as_of=day(AS_OF))


def test_a_practice_drawn_from_the_model_is_forecast_within_luck_and_beats_the_counts():
    report = look(*drawn(1500))
    assert [one.days_ago for one in report.origins] == [90, 180, 270, 360]
    for one in report.origins:
        assert one.judged
        assert one.ratio_lo <= 1.1
        assert one.ratio_hi >= 0.9
        assert one.coverage == pytest.approx(0.8, abs=0.05)
        assert one.caught_yield > one.caught_quarter
    assert report.sentence.startswith("A year ago's list of the top 300 contacts went on to send ")


def test_nothing_learned_later_changes_a_look_back():
    contacts, referrals = drawn(300)
    origin = day(AS_OF - 90)
    before = look(contacts, referrals).origins[0]
    # A referral of the window, an outcome of the window, and a contact of the window: all came after the list.
    target = next(r for r in referrals if r.received_on < origin)
    changed = [replace(target, outcome="started", outcome_on=origin + timedelta(days=5))]
    changed += [r for r in referrals if r.id != target.id]
    late = ContactFacts(9999, "physician", origin + timedelta(days=10))
    after = look([*contacts, late], [*changed, *referrals_on(AS_OF - 60, contact_id=9999, first_id=9_999_000)])
    assert after.origins[0] == before


def test_an_outcome_is_known_from_its_own_day_on_and_never_without_one():
    people = contact_columns([contact(1)])
    facts = [
        ReferralFacts(1, 1, day(10), "started", day(50)),
        ReferralFacts(2, 1, day(11), "started", None),
        ReferralFacts(3, 1, day(12), "started", day(20)),
    ]
    _, then = known_on(people, referral_columns(facts), day(30))
    assert then.outcome.tolist() == [OPEN, OPEN, STARTED]


def test_an_import_of_today_still_knows_who_had_referred_by_then():
    imported = [contact(1, added=AS_OF), contact(2, added=AS_OF)]
    people, _ = known_on(contact_columns(imported), referral_columns(referrals_on(10, contact_id=1)), day(30))
    assert people.id.tolist() == [1]


def test_fewer_than_thirty_referrals_are_too_few_to_judge():
    report = look([contact(1)], referrals_on(*range(0, AS_OF, 4)))
    assert not any(one.judged for one in report.origins)
    assert report.sentence.startswith("Too few to judge")


def test_equals_at_the_edge_of_the_list_share_its_last_places():
    # Ten alike: whoever stands in the two places of the top fifth, it is a fifth of what came.
    contacts = [contact(n) for n in range(10)]
    referrals = [one for n in range(10) for one in referrals_on(*range(0, AS_OF, 20), contact_id=n, first_id=1000 * n)]
    last = look(contacts, referrals).origins[0]
    assert last.top == 2
    assert last.caught_yield == pytest.approx(0.2)
    assert last.caught_lifetime == pytest.approx(0.2)
