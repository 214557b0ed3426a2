"""What is over the limit says how much, since when, and until when paying it back mends it."""

from dataclasses import replace
from datetime import date

import pytest
from flask.testing import FlaskClient

from outreach.gifts import curing, recording, rules
from outreach.gifts.recording import Given
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast

TODAY = date(2026, 3, 2)
OVER = rules.Excess(
    contact_id=1, name="Dr. Raman", cents=1_500, limit_cents=53_500, since=TODAY, on_purpose=False, earlier_year=None
)


def ate(turn: Turn, contact_id: int, cents: int, on: date = TODAY) -> None:
    given = Given(contact_id=contact_id, given_on=on, kind="meal", what="Lunch", amount_cents=cents)
    made = recording.record_eaten(turn.session, given, now=turn.now, today=TODAY, by_id=None)
    assert isinstance(made, recording.Recorded), made


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2026, 3, 2), date(2026, 8, 29)),
        (date(2026, 7, 4), date(2026, 12, 31)),
        (date(2026, 7, 5), date(2026, 12, 31)),
        (date(2026, 12, 31), date(2026, 12, 31)),
    ],
)
def test_it_is_paid_back_within_180_days_and_the_same_year(since: date, until: date) -> None:
    assert replace(OVER, since=since).until == until


@pytest.mark.parametrize(
    ("changed", "today", "words"),
    [
        ({}, TODAY, "mended when $15 are paid back by Aug 29, 2026, once in three years"),
        ({}, date(2026, 8, 29), "paid back by Aug 29, 2026"),
        ({}, date(2026, 8, 30), "ended on Aug 29, 2026. Ask a lawyer"),
        ({"cents": 26_750}, TODAY, "mended when $267.50 are paid back"),
        ({"cents": 26_751}, TODAY, "more than half of the limit"),
        ({"on_purpose": True}, TODAY, "let pass with a reason"),
        ({"earlier_year": 2024}, TODAY, "There was one in 2024 too"),
    ],
)
def test_the_words_say_what_can_still_be_done(changed: dict[str, object], today: date, words: str) -> None:
    assert words in rules.cure(replace(OVER, **changed), today=today)  # type: ignore[arg-type]


def test_the_days_count_from_the_plate_that_passed_the_limit(turn: Turn, cast: Cast) -> None:
    ate(turn, cast.raman, 2_000, date(2026, 2, 20))
    ate(turn, cast.raman, 53_000, date(2026, 1, 10))
    ate(turn, cast.raman, 1_000, date(2026, 2, 25))
    ate(turn, cast.okafor, 53_500)
    ate(turn, cast.denise, 90_000)
    [one] = curing.excesses(turn.session, 2026)
    assert (one.contact_id, one.cents, one.since) == (cast.raman, 2_500, date(2026, 2, 20))
    assert curing.said_of(turn.session, cast.okafor, 2026, today=TODAY) == ""


def test_an_excess_of_the_three_years_before_is_named(turn: Turn, cast: Cast) -> None:
    for year, name in ((2022, cast.okafor), (2023, cast.raman)):
        ate(turn, name, 60_000, date(year, 5, 1))
        ate(turn, name, 60_000)
    found = {one.contact_id: one.earlier_year for one in curing.excesses(turn.session, 2026)}
    assert found == {cast.raman: 2023, cast.okafor: None}


def test_the_ledger_says_the_deadline_beside_the_name(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    assert "paid back" not in maya.get("/gifts/").get_data(as_text=True)
    with runtime.turn() as turn:
        ate(turn, cast.raman, 55_000)
    page = maya.get("/gifts/").get_data(as_text=True)
    assert "Dr. Priya Raman:" in page
    assert "$15 are paid back by Aug 29, 2026" in page
