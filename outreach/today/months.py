"""The days of a month as weeks, for the calendar."""

import calendar
from collections.abc import Iterable
from datetime import date, timedelta

from outreach.today.agenda import Entry

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 1)


def month_of(text: str, *, today: date) -> date:
    """The first day of the month in "2026-11"; this month for anything else."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)
    return min(max(first, EARLIEST), LATEST)


def weeks_of(month: date) -> list[list[date]]:
    """The weeks of a month, Sunday first as on the wall, with the days of its neighbours."""
    return calendar.Calendar(firstweekday=6).monthdatescalendar(month.year, month.month)


def shifted(month: date, by: int) -> date:
    """The first day of the month that lies `by` months away."""
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def by_day(entries: Iterable[Entry]) -> dict[date, list[Entry]]:
    """The entries of each day, in their order; what lasts several days stands on each of them."""
    days: dict[date, list[Entry]] = {}
    for entry in entries:
        for number in range(((entry.until_on or entry.on) - entry.on).days + 1):
            days.setdefault(entry.on + timedelta(days=number), []).append(entry)
    return days
