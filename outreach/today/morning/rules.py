"""When the plan of the day is due, and whether there is something in it. Pure."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MORNING_MINUTE = 7 * 60
"""Seven in the morning of the practice."""
NOON_MINUTE = 12 * 60
"""A worker that was down at seven sends it when it is back, until noon; then the day is known."""
SATURDAY = 5


def morning_due(now: datetime, *, zone: ZoneInfo) -> date | None:
    """The weekday whose plan may leave now, or None: from seven until noon, local time, Monday to Friday."""
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return local.date() if local.weekday() < SATURDAY and MORNING_MINUTE <= minute < NOON_MINUTE else None


def new_since(day: date, quiet: Collection[date]) -> date:
    """The first day whose duties no earlier plan could name: the day after the last weekday that was no holiday."""
    first = day
    while (first - timedelta(days=1)).weekday() >= SATURDAY or first - timedelta(days=1) in quiet:
        first -= timedelta(days=1)
    return first


def has_something(day: date, *, meetings: int, due: int, late: int, quiet: bool) -> bool:
    """Whether the morning is worth a mail: a meeting, or a duty that has come due; what is late is told on Mondays.

    On a holiday only a meeting is.
    """
    return bool(meetings) or (not quiet and bool(due or (late and day.weekday() == 0)))
