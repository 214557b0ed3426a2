"""What the yield model refuses, and what it puts right and notes."""

import numpy as np
import pytest

from outreach.referrals.yield_model import ContactColumns, ReferralFacts, YieldParams, kind_codes, score_contacts
from tests.rules.yield_cast import contact, day, referrals_on, same_means


def test_a_referral_before_the_added_date_moves_the_entry_back():
    table = score_contacts([contact(added=100)], referrals_on(40, 120), as_of=day(300), means=same_means())
    assert table.row(0).entry_on == day(40)
    assert table.notes.entries_moved_back == 1
    same = score_contacts([contact(added=40)], referrals_on(40, 120), as_of=day(300), means=same_means())
    assert same.notes.entries_moved_back == 0
    assert same.row(0) == table.row(0)


def test_a_referral_given_twice_counts_once():
    twice = [*referrals_on(10, 50), *referrals_on(10)]
    table = score_contacts([contact()], twice, as_of=day(300), means=same_means())
    assert (table.row(0).referral_count, table.notes.duplicate_referrals) == (2, 1)


def test_a_referral_without_its_contact_is_noted_and_left_out():
    table = score_contacts([contact(1)], referrals_on(10, contact_id=9), as_of=day(300), means=same_means())
    assert (table.row(0).referral_count, table.notes.referrals_without_contact) == (0, 1)


def test_an_unknown_kind_becomes_other_and_is_noted():
    table = score_contacts([contact(kind="astronaut")], [], as_of=day(300))
    assert (table.row(0).kind, table.notes.unknown_kinds) == ("other", 1)


def test_a_batch_on_one_day_counts_up_to_the_cap():
    five, three, four = (
        score_contacts([contact()], referrals_on(*days), as_of=day(300), means=same_means()).row(0)
        for days in ([50] * 5, [50] * 3, [50, 50, 50, 51])
    )
    assert five.rate_90 == three.rate_90 < four.rate_90
    assert five.referral_count == 5


def test_dates_after_today_are_refused():
    with pytest.raises(ValueError, match="contact 1 was added after 2024"):
        score_contacts([contact(added=11)], [], as_of=day(10))
    with pytest.raises(ValueError, match="referral 2 was received after"):
        score_contacts([contact()], referrals_on(5, 11), as_of=day(10))
    late = ReferralFacts(7, 1, day(3), "started", day(12))
    with pytest.raises(ValueError, match="referral 7 got its outcome after"):
        score_contacts([contact()], [late], as_of=day(10))


@pytest.mark.parametrize(
    ("referral", "message"),
    [
        (ReferralFacts(1, 1, day(1), "won"), "unknown outcome"),
        (ReferralFacts(1, 1, day(1), value=-1.0), "zero or more"),
        (ReferralFacts(1, 1, day(1), value=float("inf")), "zero or more"),
    ],
)
def test_nonsense_in_a_referral_is_refused(referral, message):
    with pytest.raises(ValueError, match=message):
        score_contacts([contact()], [referral], as_of=day(10))


def test_other_nonsense_is_refused():
    with pytest.raises(ValueError, match="occurs twice"):
        score_contacts([contact(), contact()], [], as_of=day(10))
    for horizon in (0, 1097):
        with pytest.raises(ValueError, match="horizon"):
            score_contacts([contact()], [], as_of=day(10), horizon_days=horizon)
    with pytest.raises(ValueError, match="differ in length"):
        ContactColumns(
            np.arange(2), kind_codes(["peer-therapist"]), np.array([day(0)], "datetime64[D]"), np.full(1, -1)
        )


@pytest.mark.parametrize(
    ("setting", "value"),
    [("shape", 0), ("half_life_days", float("inf")), ("lapse_per_year", -1), ("floor", 2), ("batch_cap", 0)],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(setting, value):
    with pytest.raises(ValueError, match=setting):
        YieldParams(**{setting: value})


def test_a_bulk_import_makes_the_entry_dates_unsure():
    bulk = [contact(n, added=5 if n < 5 else n + 1) for n in range(10)]
    assert score_contacts(bulk, [], as_of=day(300)).notes.entry_dates_unsure is False
    bulk.append(contact(10, added=5))
    assert score_contacts(bulk, [], as_of=day(300)).notes.entry_dates_unsure is True
