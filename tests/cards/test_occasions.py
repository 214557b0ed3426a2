"""Occasions are rules: the table of domain.md 7 for three years, and days that not every year has."""

from datetime import date, timedelta

import pytest

from outreach.cards import occasions
from outreach.cards.calendar_of_occasions import ALL, OCCASIONS

TABLE = {
    "thanksgiving": [(2026, 11, 26, 26), (2027, 11, 25, 25), (2028, 11, 23, 23)],
    "doctors-day": [(2026, 3, 30, 30), (2027, 3, 30, 30), (2028, 3, 30, 30)],
    "pa-week": [(2026, 10, 6, 12), (2027, 10, 6, 12), (2028, 10, 6, 12)],
    "np-week": [(2026, 11, 8, 14), (2027, 11, 7, 13), (2028, 11, 12, 18)],
    "nurses-week": [(2026, 5, 6, 12), (2027, 5, 6, 12), (2028, 5, 6, 12)],
    "administrative-professionals": [(2026, 4, 22, 22), (2027, 4, 21, 21), (2028, 4, 26, 26)],
    "medical-assistants-day": [(2026, 10, 21, 21), (2027, 10, 20, 20), (2028, 10, 18, 18)],
    "hand-therapy-week": [(2026, 6, 7, 13), (2027, 6, 6, 12), (2028, 6, 4, 10)],
    "world-ot-day": [(2026, 10, 27, 27), (2027, 10, 27, 27), (2028, 10, 27, 27)],
    "world-pt-day": [(2026, 9, 8, 8), (2027, 9, 8, 8), (2028, 9, 8, 8)],
    "pt-month": [(2026, 10, 1, 31), (2027, 10, 1, 31), (2028, 10, 1, 31)],
    "ot-month": [(2026, 4, 1, 30), (2027, 4, 1, 30), (2028, 4, 1, 30)],
    "slp-month": [(2026, 5, 1, 31), (2027, 5, 1, 31), (2028, 5, 1, 31)],
    "social-work-month": [(2026, 3, 1, 31), (2027, 3, 1, 31), (2028, 3, 1, 31)],
}


@pytest.mark.parametrize("key", TABLE)
def test_the_days_of_three_years_are_those_of_the_table(key):
    for year, month, first, last in TABLE[key]:
        assert OCCASIONS[key].span(year) == occasions.Span(date(year, month, first), date(year, month, last)), key


def test_np_week_fits_the_years_that_are_known():
    assert OCCASIONS["np-week"].span(2021).first_on == date(2021, 11, 7)
    assert OCCASIONS["np-week"].span(2024).first_on == date(2024, 11, 10)


def test_the_season_reaches_into_the_new_year_and_its_wishes_do_not_come_late():
    assert OCCASIONS["holiday-season"].span(2026) == occasions.Span(date(2026, 12, 1), date(2027, 1, 2))
    assert OCCASIONS["new-year"].span(2027).last_on < date(2027, 1, 4)
    assert occasions.next_span(OCCASIONS["holiday-season"], date(2027, 1, 2)).first_on == date(2026, 12, 1)
    assert occasions.next_span(OCCASIONS["holiday-season"], date(2027, 1, 3)).first_on == date(2027, 12, 1)


@pytest.mark.parametrize("year", range(2024, 2060))
def test_every_occasion_is_in_its_year_and_lasts_a_month_at_most(year):
    for occasion in ALL:
        span = occasion.span(year)
        assert span.first_on.year == year
        assert span.first_on <= span.last_on
        assert occasion.personal or span.last_on - span.first_on <= timedelta(days=32)


def test_somebody_born_on_29_february_has_a_birthday_every_year():
    born = date(1984, 2, 29)
    assert occasions.anniversary(born, 2028) == date(2028, 2, 29)
    assert occasions.anniversary(born, 2027) == date(2027, 2, 28)
    assert occasions.anniversary(born, 2027, leap_day_after=True) == date(2027, 3, 1)
    assert occasions.anniversary(date(1984, 7, 14), 2027) == date(2027, 7, 14)


def test_what_comes_next_is_listed_first():
    listed = occasions.coming(date(2026, 11, 23), ALL)
    assert [occasion.key for occasion, _ in listed[:3]] == ["thanksgiving", "holiday-season", "new-year"]
    assert all(span.last_on >= date(2026, 11, 23) for _, span in listed)


def test_the_email_leaves_a_little_before_by_default():
    thanksgiving = OCCASIONS["thanksgiving"]
    assert occasions.send_day(thanksgiving, thanksgiving.span(2026)) == date(2026, 11, 24)
    season = OCCASIONS["holiday-season"]
    assert occasions.send_day(season, season.span(2026)) == date(2026, 12, 10)


def test_the_words_promise_nothing_and_name_no_health():
    from outreach.content import linting

    for occasion in ALL:
        text = f"{occasion.front} {occasion.subject} {occasion.inside}"
        assert not linting.REWARD.search(text), occasion.key
        if occasion.kinds == ("client", "former-client", "family"):
            assert not linting.HEALTH_WORDS.search(text), occasion.key
