"""Occasions as rules, not dates: when they fall in a year, and good words to begin with. Pure.

Sources: reference/domain.md 7 (Becker's, ASHT, APTA, National Day Calendar). Weeks begin on Sunday.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MONDAY, WEDNESDAY, THURSDAY, SUNDAY = 0, 2, 3, 6
LAST_MONTH, LAST_DAY = 12, 31
PERSONAL_GRACE = timedelta(days=5)
"""A birthday card may be this late; after that it is not sent any more."""


@dataclass(frozen=True)
class Span:
    """The local days of one occurrence, both included."""

    first_on: date
    last_on: date


Rule = Callable[[int], Span]


@dataclass(frozen=True)
class Occasion:
    """One reason to write. `personal` ones have a day per contact and no rule of their own."""

    key: str
    name: str
    rule: Rule | None
    front: str
    """What stands on the front of a printed card."""
    inside: str
    """What stands inside, after the greeting; paragraphs are separated by an empty line."""
    subject: str
    fallback: str = "friend"
    kinds: tuple[str, ...] = ()
    """For whom it is meant, as kinds of contacts; () for everybody."""
    lead_days: int = 0
    """So many days before the occasion the email leaves by default."""
    personal: str = ""
    """The contact's own day: "birthday", "discharge" or "first-referral"; "" for occasions of the calendar."""
    note: str = ""

    def span(self, year: int) -> Span:
        """When it is in that year; the whole year for personal ones."""
        return self.rule(year) if self.rule else Span(date(year, 1, 1), date(year, LAST_MONTH, LAST_DAY))


def month(number: int) -> Rule:
    """A whole month."""

    def rule(year: int) -> Span:
        following = date(year + 1, 1, 1) if number == LAST_MONTH else date(year, number + 1, 1)
        return Span(date(year, number, 1), following - timedelta(days=1))

    return rule


def fixed(number: int, day: int, *, days: int = 1) -> Rule:
    """The same date each year, for so many days."""
    return lambda year: _days(date(year, number, day), days)


def nth(number: int, weekday: int, nth_: int) -> Rule:
    """The n-th weekday of a month: Thanksgiving is the fourth Thursday of November."""
    return lambda year: _days(_on_or_after(date(year, number, 1), weekday) + timedelta(weeks=nth_ - 1), 1)


def week_from(number: int, day: int, weekday: int) -> Rule:
    """The seven days from the first such weekday on or after a date."""
    return lambda year: _days(_on_or_after(date(year, number, day), weekday), 7)


def administrative_professionals(year: int) -> Span:
    """Wednesday of the last full week (Sunday to Saturday) of April."""
    saturday = date(year, 4, 30)
    while saturday.weekday() != SUNDAY - 1:
        saturday -= timedelta(days=1)
    return _days(saturday - timedelta(days=3), 1)


def medical_assistants(year: int) -> Span:
    """Wednesday of the third full business week (Monday to Friday) of October."""
    first_monday = _on_or_after(date(year, 10, 1), MONDAY)
    return _days(first_monday + timedelta(weeks=2, days=2), 1)


def season(year: int) -> Span:
    """The holidays into the new year: 1 December to 2 January."""
    return Span(date(year, 12, 1), date(year + 1, 1, 2))


def new_year(year: int) -> Span:
    """The days on which one wishes a good new year; never as late as 4 January (reliability D5)."""
    return Span(date(year, 1, 1), date(year, 1, 3))


def anniversary(of: date, year: int, *, leap_day_after: bool = False) -> date:
    """The day in `year` that repeats `of`. Without 29 February: the 28th, or 1 March when `leap_day_after`."""
    try:
        return of.replace(year=year)
    except ValueError:
        return date(year, 3, 1) if leap_day_after else date(year, 2, 28)


def next_span(occasion: Occasion, today: date) -> Span:
    """The occurrence that is on or comes next."""
    spans = (occasion.span(year) for year in (today.year - 1, today.year, today.year + 1))
    return next(span for span in spans if span.last_on >= today)


def year_of(occasion: Occasion, span: Span) -> int:
    """The year by which an occurrence is called: the one in which it begins."""
    return span.first_on.year


def coming(today: date, occasions: Sequence[Occasion]) -> list[tuple[Occasion, Span]]:
    """The occasions of the calendar with their next days, soonest first."""
    listed = [(occasion, next_span(occasion, today)) for occasion in occasions if not occasion.personal]
    return sorted(listed, key=lambda pair: (max(pair[1].first_on, today), pair[1].last_on, pair[0].name))


def send_day(occasion: Occasion, span: Span) -> date:
    """The day on which the email leaves unless somebody chooses another: a little before, within reason."""
    return span.first_on - timedelta(days=occasion.lead_days)


def _on_or_after(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _days(first: date, days: int) -> Span:
    return Span(first, first + timedelta(days=days - 1))
