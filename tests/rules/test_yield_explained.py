"""The yield in sentences, each about a case that a coordinator knows."""

from dataclasses import replace

import pytest

from outreach.referrals.lapse_alerts import Alert
from outreach.referrals.yield_explained import amount, explain, explain_alert, explain_change
from outreach.referrals.yield_model import YieldRow, score_contacts
from tests.rules.yield_cast import contact, day, referrals_on, same_means, small_practice


def row_of(contact_id: int) -> YieldRow:
    contacts, referrals = small_practice()
    return score_contacts(contacts, referrals, as_of=day(730)).row_of(contact_id)


def test_a_steady_referrer_is_explained_by_her_record():
    assert explain(row_of(1), name="Dr Lee") == (
        "Dr Lee is expected to send about 1.0 referrals that start care in the next 90 days (80% range 0 to 2), "
        "of 1.6 expected: 14 so far over 2 years, recent ones counting more, give 1.6 a quarter – 89% their own "
        "record, 11% what other physicians send, and there is a 99% chance they are still referring. "
        "About 65% should start care (9 of 14 finished referrals did; similar contacts 66%)."
    )


def test_a_long_silence_is_weighed_against_the_record():
    assert explain(row_of(2), name="Dr Rao") == (
        "Dr Rao is expected to send about 0.7 referrals that start care in the next 90 days (80% range 0 to 2), "
        "of 1.1 expected: 13 so far over 2 years, recent ones counting more, give 1.4 a quarter – 89% their own "
        "record, 11% what other physicians send. "
        "Dr Rao has been silent 120 days; a gap this long happens by chance 11% of the time for someone with this "
        "record, so we put 77% on still active and expect 1.1 referrals instead of 1.4. "
        "About 68% should start care (9 of 13 finished referrals did; similar contacts 66%)."
    )


def test_a_single_referral_says_nothing_about_still_referring():
    text = explain(row_of(3), name="Dr Kim")
    assert "1 so far over 2 years gives 0.15 a quarter" in text
    assert "still" not in text


def test_nothing_yet_is_said_as_nothing_yet():
    assert explain(row_of(12), name="Ana") == (
        "No referrals in 2 years; together with what other peer therapists send that makes about 0.05 a quarter."
    )


def test_a_new_contact_is_mostly_what_its_kind_sends():
    row = score_contacts([contact(kind="community-organization")], [], as_of=day(14), means=same_means(0.002)).row(0)
    assert explain(row, name="Oak Center") == (
        "Added 2 weeks ago, so this is almost entirely (93%) what other community organizations send: "
        "about 0.17 a quarter."
    )
    today = score_contacts([contact()], [], as_of=day(0), means=same_means()).row(0)
    assert explain(today, name="Dr New").startswith("Added today, so this is almost entirely (over 99%)")


def test_before_any_data_it_says_so():
    row = score_contacts([contact(kind="peer-therapist")], [], as_of=day(300)).row(0)
    assert explain(row, name="Ana") == "Not based on your data yet: typical figure for a peer therapist."


def test_an_early_estimate_is_called_one():
    row = score_contacts([contact()], referrals_on(10, 40), as_of=day(80)).row(0)
    text = explain(row, name="Dr Lee")
    assert text.startswith("Early estimate: Dr Lee is expected")
    assert "(none finished yet; similar contacts 50%)" in text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "less than 0.01"),
        (0.06, "0.06"),
        (0.16, "0.16"),
        (0.494, "0.49"),
        (0.496, "0.5"),
        (1.52, "1.5"),
        (9.96, "10"),
    ],
)
def test_an_amount_has_the_digits_that_a_reader_can_use(number, words):
    assert amount(number) == words


def test_a_change_names_its_cause_and_no_change_is_silent():
    row = row_of(1)
    before, after = replace(row, expected_started=1.2), replace(row, expected_started=1.5)
    because = "1 new referral on 3 March"
    assert explain_change(before, after, since="last week", because=because) == (
        "Up from 1.2 to 1.5 since last week because of 1 new referral on 3 March."
    )
    assert explain_change(after, before, since="last week", because="a quiet week").startswith("Down from 1.5 to 1.2")
    assert explain_change(row, replace(row, expected_started=row.expected_started + 1e-6), since="", because="") == ""


def test_an_alert_says_how_unusual_and_promises_no_more():
    alert = Alert(2, day(0), 170, 48.2, 0.04, 0.6, 0.05, 100)
    assert explain_alert(alert, name="Dr Rao") == (
        "Dr Rao usually sends one about every 48 days and has now been quiet for 170. "
        "Under your setting, fewer than 1 in 20 ordinary silences get this far. Worth a check-in."
    )
    gone = explain_alert(replace(alert, p_active=0.12), name="Dr Rao", alpha=0.1)
    assert gone.endswith(
        "fewer than 1 in 10 ordinary silences get this far. Has probably stopped (12% chance of still referring)."
    )
