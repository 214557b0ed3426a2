"""Dates, numbers and names as people say them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from outreach import ui

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=ZoneInfo("America/New_York"))  # a Monday
TODAY = NOW.date()


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (None, "never"),
        (TODAY, "today"),
        (TODAY - timedelta(days=1), "yesterday"),
        (TODAY - timedelta(days=6), "6 days ago"),
        (TODAY + timedelta(days=3), "in 3 days"),
        (TODAY - timedelta(days=30), "4 weeks ago"),
        (TODAY - timedelta(days=120), "4 months ago"),
        (date(2022, 11, 1), "4 years ago"),
        (NOW - timedelta(seconds=20), "just now"),
        (NOW - timedelta(minutes=5), "5 minutes ago"),
        (NOW + timedelta(hours=2), "in 2 hours"),
        (NOW - timedelta(hours=20), "yesterday"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_fitting_unit(when: date | None, said: str) -> None:
    assert ui.ago(when, NOW) == said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (NOW.replace(hour=14, minute=0), "today at 2:00 pm"),
        (datetime(2026, 11, 24, 9, 0, tzinfo=NOW.tzinfo), "tomorrow at 9:00 am"),
        (datetime(2026, 11, 26, 9, 0, tzinfo=NOW.tzinfo), "Thursday at 9:00 am"),
        (datetime(2026, 12, 3, 20, 15, tzinfo=NOW.tzinfo), "Dec 3 at 8:15 pm"),
        (datetime(2027, 1, 5, 6, 5, tzinfo=NOW.tzinfo), "Jan 5, 2027 at 6:05 am"),
        (TODAY - timedelta(days=1), "yesterday"),
    ],
)
def test_a_moment_is_said_with_its_day_and_time(when: date, said: str) -> None:
    assert ui.at(when, NOW) == said


def test_instants_are_shown_in_the_zone_of_now() -> None:
    instant = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # 21:30 the evening before in New York
    assert ui.at(instant, NOW) == "today at 9:30 pm"
    assert ui.full(instant, NOW) == "Monday, November 23, 2026, 9:30 pm"
    assert ui.iso(instant.astimezone(NOW.tzinfo)) == "2026-11-24T02:30:00+00:00"


def test_the_year_is_said_only_when_it_is_another() -> None:
    assert ui.day(date(2026, 3, 4), NOW) == "Mar 4"
    assert ui.day(date(2025, 3, 4), NOW) == "Mar 4, 2025"
    assert ui.long_day(TODAY, NOW) == "Monday, November 23"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Dr. Priya Raman", "PR"),
        ("Tom Brandt, OTR/L", "TB"),
        ("Mary Ann van der Berg", "MB"),
        ("Ana", "A"),
        ("The Dr.", "TD"),
        ("", "?"),
        (None, "?"),
        ("Ólafur Þór", "ÓÞ"),
    ],
)
def test_initials_leave_out_titles_and_what_follows_a_comma(name: str | None, letters: str) -> None:
    assert ui.initials(name) == letters


def test_numbers_carry_their_words() -> None:
    assert [ui.count(n, "referral") for n in (0, 1, 1204)] == ["0 referrals", "1 referral", "1,204 referrals"]
    assert ui.count(2, "reply") == "2 replies"
    assert ui.count(3, "touch") == "3 touches"
    assert ui.count(2, "day") == "2 days"
    assert ui.count(5, "person") == "5 people"
    assert ui.count(2, "lunch-and-learn") == "2 lunch-and-learns"
    assert ui.count(2, "new referrer") == "2 new referrers"
    assert ui.spell(6, "person") == "six people"
    assert ui.spell(13) == "13"
    assert ui.money(125_050) == "$1,250.50"
    assert ui.money(-1200) == "-$12"


def test_small_samples_are_said_as_fractions() -> None:
    assert ui.rate(3, 4) == "3 of 4"
    assert ui.rate(13, 18) == "72%"
    assert ui.rate(0, 0) == "none yet"


@pytest.mark.parametrize("kind", ["office staff", "office_staff", "Office-Staff"])
def test_kinds_have_one_word_however_they_are_written(kind: str) -> None:
    assert ui.kind_word(kind) == "Office staff"
    assert ui.kind_tone(kind) == "pine"


def test_a_kind_nobody_told_us_about_is_still_readable() -> None:
    assert ui.kind_word("school_nurse") == "School nurse"
    assert ui.kind_tone("school_nurse") == "plain"


def test_attributes_that_the_policy_blocks_are_refused() -> None:
    assert ui.html_attrs({"hx_get": "/a?b=1&c=2", "hidden": True, "id": None}) == ' hx-get="/a?b=1&amp;c=2" hidden'
    for name in ("style", "onclick", "hx_on"):
        with pytest.raises(ValueError, match="blocked"):
            ui.html_attrs({name: "x"})


def test_an_icon_that_does_not_exist_is_named() -> None:
    assert "<path" in ui.svg_icon("phone")
    assert 'role="img" aria-label="Call &lt;now&gt;"' in ui.svg_icon("phone", label="Call <now>")
    with pytest.raises(LookupError, match="no-such-icon"):
        ui.svg_icon("no-such-icon")
    with pytest.raises(LookupError):
        ui.svg_icon("../../app")
