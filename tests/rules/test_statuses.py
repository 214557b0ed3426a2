"""One status per source and the verdict about effort, each about a case that a coordinator knows."""

from dataclasses import fields, replace

import numpy as np
import pytest

from outreach.referrals.judging.effort import judge, middle
from outreach.referrals.judging.gathering import SourceFacts
from outreach.referrals.judging.potential import Prospect, factors_of
from outreach.referrals.judging.status_words import NEVER, STATUSES, WORDS
from outreach.referrals.judging.statuses import SourceColumns, statuses

STEADY = {
    "received": 20, "first_ago": 700, "last_ago": 20, "recent": 3, "before": 17, "before_days": 610, "finished": 15,
    "convert_hi": 0.8, "typical": 0.6, "alert": False, "p_active": 0.99,
}  # fmt: skip


def status(**changes: object) -> str:
    cells = STEADY | changes
    columns = {field.name: np.array([cells[field.name]]) for field in fields(SourceColumns)}
    return str(statuses(SourceColumns(**columns))[0])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "steady"),
        ({"alert": True}, "lapsing"),
        ({"alert": True, "p_active": 0.1}, "stopped"),
        ({"received": 1, "first_ago": 10, "last_ago": 10, "recent": 1, "before": 0, "before_days": 0}, "new"),
        ({"convert_hi": 0.4}, "few-start"),
        ({"convert_hi": 0.4, "finished": 4}, "steady"),
        ({"recent": 0}, "falling"),
        ({"recent": 7}, "rising"),
        ({"recent": 4}, "steady"),
        ({"last_ago": 400, "recent": 0}, "dormant"),
        ({"received": 2, "recent": 0, "before": 2}, "occasional"),
    ],
)
def test_a_source_has_the_status_that_a_coordinator_would_give_it(changes: dict[str, object], expected: str):
    assert status(**changes) == expected


def test_a_handful_of_referrals_is_never_called_a_trend():
    assert status(received=3, recent=0, before=3, before_days=600) == "steady"
    assert status(received=4, recent=2, before=2, before_days=600) in ("steady", "rising")
    assert status(received=3, recent=1, before=2, before_days=600) == "steady"


def test_every_status_says_its_meaning_and_one_next_step():
    assert set(WORDS) == {*STATUSES, NEVER}
    assert all(one.meaning.endswith(".") and one.next_step.endswith(".") for one in WORDS.values())


@pytest.mark.parametrize(
    ("facts", "verdict", "reason"),
    [
        ({"touches": 5, "timed": 5, "minutes": 90, "year": 6, "started_year": 4, "finished": 6, "started": 4}, "keep",
         "4 clients started from 5 touches (1 h 30 min) in 12 months."),
        ({"touches": 7, "timed": 4, "minutes": 130}, "pause",
         "7 touches (2 h 10 min at least) in 12 months and no referral: leave it to the newsletter for now."),
        ({"touches": 1, "year": 5, "started_year": 4}, "adjust",
         "5 referrals and only 1 touch in 12 months: thank them more often."),
        ({"touches": 4, "year": 8, "started_year": 1, "finished": 8, "started": 1}, "adjust",
         "1 of 8 finished referrals started care: talk about when to refer."),
        ({"touches": 2, "year": 1}, "too-few", "2 touches and 1 referral in 12 months."),
        ({"touches": 4}, "too-few", "4 touches and no referral in 12 months; from 6 touches on it says something."),
        ({"touches": 4, "year": 2}, "too-few", "4 touches and 2 referrals in 12 months; none has started care yet."),
        ({"touches": 6, "timed": 6, "minutes": 600, "year": 3, "started_year": 2, "finished": 3, "started": 2},
         "adjust",
         "5 h for each client that started; the middle of all sources is 20 min. Try shorter touches."),
    ],
)  # fmt: skip
def test_effort_is_kept_adjusted_or_paused_with_its_reason(facts: dict[str, int], verdict: str, reason: str):
    found = judge(SourceFacts(1, **facts), typical_minutes=20.0)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_effort_for_somebody_who_went_quiet_is_no_reason_to_go_on():
    before = SourceFacts(1, touches=4, year=6, started_year=4, finished=6, started=4)
    assert judge(before, typical_minutes=None).verdict == "keep"
    found = judge(before, typical_minutes=None, quiet=True)
    assert (found.verdict, found.reason) == (
        "adjust",
        "4 clients started from 4 touches, then silence: ask before going on.",
    )


def test_effort_knows_of_no_gift():
    assert not [field.name for field in fields(SourceFacts) if any(w in field.name for w in ("cents", "gift", "meal"))]


def test_the_middle_is_told_from_five_sources_on():
    one = SourceFacts(1, touches=2, timed=2, minutes=40, started_year=2)
    assert middle([one] * 4) is None
    assert middle([*[one] * 4, replace(one, minutes=4000)]) == 20.0


def test_potential_is_the_product_of_its_parts_and_unknowns_stand_in_the_middle():
    near = Prospect(1, "Orthopedic surgery", 0.5, 1.2, 3, 4, 2.0)
    assert near.potential == pytest.approx(0.5 * 1.2 * (0.5 + 0.5 * 3 / 4) * 1 / 1.2)
    assert replace(near, miles=30.0).potential < near.potential
    assert replace(near, shared=4).potential > near.potential
    unknown = Prospect(2, "", 0.5, 1.0, 0, 0, None)
    assert unknown.reason == "Payers not known, distance not known"
    assert 0 < unknown.potential < near.potential


def test_a_specialty_that_refers_more_counts_more_but_a_few_people_prove_little():
    factors = factors_of([("A", 50, 30), ("B", 50, 5), ("C", 1, 1)])
    assert factors["A"] > factors["C"] > 1 > factors["B"]
    assert factors_of([("A", 10, 0)]) == {}
