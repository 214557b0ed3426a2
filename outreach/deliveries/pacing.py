"""When mail may leave: local sending windows, intended times of day, and how much one person may get. Pure.

Local times resolve like this (reliability D2): a time that a clock change skips moves forward by the gap; one that
happens twice means the first.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

CAP_GAP = timedelta(days=14)
CAP_QUARTER = timedelta(days=91)
CAP_PER_QUARTER = 6
"""Architecture 9.14: at most one in 14 days and 6 in a quarter, over the kinds with `counts_to_cap`."""
LOOK_AHEAD_DAYS = 400
DAY_MINUTES = 24 * 60

Hours = tuple[int, int]
"""From and until, in minutes after local midnight."""


@dataclass(frozen=True)
class Slot:
    """A planned instant and the window that it lies in, all UTC."""

    due_at: datetime
    from_at: datetime
    until_at: datetime


def resolved(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local time; `minute` 0 to 1440, where 1440 is the next midnight."""
    day, minute = day + timedelta(days=minute // DAY_MINUTES), minute % DAY_MINUTES
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone, fold=0)
    return local.astimezone(UTC)


def window(
    at: datetime, *, zone: ZoneInfo, hours: Hours, weekdays: Collection[int], quiet: Collection[date]
) -> tuple[datetime, datetime] | None:
    """The sending window that `at` lies in, or the next one: (from, until) in UTC, until excluded.

    `weekdays` count from Monday 0; `quiet` are local days without mail. None when no day of the next 400 is open.
    """
    return next(_windows(at, zone=zone, hours=hours, weekdays=weekdays, quiet=quiet), None)


def next_open(
    at: datetime, *, zone: ZoneInfo, hours: Hours, weekdays: Collection[int], quiet: Collection[date]
) -> datetime:
    """`at` when it lies inside sending hours, else the next opening. Errors: ValueError when no day is ever open."""
    found = window(at, zone=zone, hours=hours, weekdays=weekdays, quiet=quiet)
    if found is None:
        raise ValueError("No day is open for sending.")
    return max(at, found[0])


def slot(
    at: datetime,
    *,
    zone: ZoneInfo,
    hours: Hours,
    weekdays: Collection[int],
    quiet: Collection[date],
    local_minute: int | None = None,
) -> Slot | None:
    """The first instant from `at` on inside a window, at `local_minute` when one is given; None when never open.

    A time of day outside sending hours is moved to their edge.
    """
    for opens, closes in _windows(at, zone=zone, hours=hours, weekdays=weekdays, quiet=quiet):
        if local_minute is None:
            return Slot(max(at, opens), opens, closes)
        minute = min(max(local_minute, hours[0]), hours[1] - 1)
        due_at = min(max(resolved(opens.astimezone(zone).date(), minute, zone), opens), closes - timedelta(minutes=1))
        if due_at >= at:
            return Slot(due_at, opens, closes)
    return None


def allowed_from(sent_at: Sequence[datetime], at: datetime) -> datetime:
    """The first instant from `at` on at which one more counted mail is within the caps, given those sent before."""
    for earlier in sorted(sent_at, reverse=True)[:1]:
        at = max(at, earlier + CAP_GAP)
    last = sorted(sent_at, reverse=True)[:CAP_PER_QUARTER]
    return max(at, last[-1] + CAP_QUARTER) if len(last) == CAP_PER_QUARTER else at


def _windows(
    at: datetime, *, zone: ZoneInfo, hours: Hours, weekdays: Collection[int], quiet: Collection[date]
) -> Iterator[tuple[datetime, datetime]]:
    day = at.astimezone(zone).date() - timedelta(days=1)
    for _ in range(LOOK_AHEAD_DAYS):
        if day.weekday() in weekdays and day not in quiet:
            opens, closes = resolved(day, hours[0], zone), resolved(day, hours[1], zone)
            if opens < closes and at < closes:
                yield opens, closes
        day += timedelta(days=1)
