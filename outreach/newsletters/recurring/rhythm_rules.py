"""When a recurring newsletter is due next. Pure."""

from datetime import date

MONTHS = {"monthly": 1, "every-second-month": 2, "quarterly": 3}
RHYTHM_WORDS = {"monthly": "Every month", "every-second-month": "Every second month", "quarterly": "Every quarter"}


def following(on: date, rhythm: str) -> date:
    """The day of the next issue after that one; days are 1 to 28, so every month has it."""
    months = on.year * 12 + on.month - 1 + MONTHS[rhythm]
    return date(months // 12, months % 12 + 1, on.day)


def first_on(day: int, *, today: date, lead_days: int) -> date:
    """The first such day of a month that leaves time to draft it."""
    found = date(today.year, today.month, day)
    while (found - today).days < lead_days:
        found = following(found, "monthly")
    return found
