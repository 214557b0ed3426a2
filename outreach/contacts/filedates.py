"""Dates and instants as address books and mailing tools write them. Pure."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

_ZONE = r"(?P<zone>Z| ?UTC| ?GMT|[+-]\d\d:?\d\d)?"
_TIME = rf"(?:[ T,]+(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)? ?(?P<half>[AP]M)?{_ZONE})?"
_YEAR = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_MONTHS = {name: number for number, name in enumerate(_YEAR.split(), 1)}
_NAME = r"(?P<name>[A-Z]{3,9})\.?"
_SHAPES = tuple(
    re.compile(f"{day}{_TIME}", re.ASCII)
    for day in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d\d)",
        r"(?P<month>\d{1,2})-(?P<day>\d{1,2})-(?P<year>\d{4})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d\d)",
        rf"(?P<day>\d{{1,2}})[ -]{_NAME}[ -](?P<year>\d{{4}}|\d\d)",
        rf"{_NAME} (?P<day>\d{{1,2}})(?:ST|ND|RD|TH)?,? (?P<year>\d{{4}})",
    )
)
_MONTH_DAY = re.compile(
    rf"(?:--)?(?P<month>\d\d)-?(?P<day>\d\d)|(?P<us_month>\d{{1,2}})/(?P<us_day>\d{{1,2}})|"
    rf"(?P<before>\d{{1,2}})?[ -]?{_NAME} ?(?P<after>\d{{1,2}})?",
    re.ASCII,
)
_BARE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T.*)?", re.ASCII)
_ANY_LEAP_YEAR = 2000
_CENTURY_TURNS = 70
"""Two-digit years as POSIX reads them: 69 is 2069, 70 is 1970."""


@lru_cache(maxsize=4096)
def instant(text: str) -> datetime | None:
    """The instant as aware UTC, or None for what is none.

    2024-03-09 14:05:00, ISO 8601 with or without zone, 2024/03/09, 3/9/2024 2:05 PM, 3/9/24, 9.3.2024, 9 Mar 2024,
    Mar 9, 2024. A time without a zone is taken as UTC, as Mailchimp exports it; a date alone is its midnight. Slashes
    are month first, unless only day first makes a date (13/3/2024).
    """
    upper = text.strip().upper()
    for shape in _SHAPES:
        found = shape.fullmatch(upper)
        if found:
            return _instant(found.groupdict())
    return None


def birthday(text: str) -> date | None:
    """Day and month of any date `instant` knows, of 04/12, --04-12, 19700412 or April 12, always in the year 2000:
    the year is nobody's business.

    None for what is no date, Outlook's empty 0/0/00 among it.
    """
    whole = instant(text)
    if whole is not None:
        return date(_ANY_LEAP_YEAR, whole.month, whole.day)
    upper = text.strip().upper()
    bare = _BARE.fullmatch(upper)
    if bare:
        return _day(int(bare[2]), int(bare[3]))
    found = _MONTH_DAY.fullmatch(upper)
    if not found:
        return None
    if found["name"]:
        day = found["before"] or found["after"]
        return _day(_MONTHS.get(found["name"][:3], 0), int(day or 0))
    return _day(int(found["month"] or found["us_month"]), int(found["day"] or found["us_day"]))


def _instant(said: dict[str, str | None]) -> datetime | None:
    year, day = int(said["year"] or 0), int(said["day"] or 0)
    if len(said["year"] or "") == 2:
        year += 1900 if year >= _CENTURY_TURNS else 2000
    month = int(said["month"] or 0) if said.get("month") else _MONTHS.get((said.get("name") or "")[:3], 0)
    if month > 12 >= day:
        month, day = day, month
    hour = int(said["hour"] or 0)
    if said["half"]:
        hour = hour % 12 + (12 if said["half"] == "PM" else 0)
    try:
        local = datetime(year, month, day, hour, int(said["minute"] or 0), int(said["second"] or 0), tzinfo=UTC)
        return local.replace(tzinfo=_zone(said["zone"] or "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(said: str) -> timezone:
    if said[:1] not in ("+", "-"):
        return UTC
    minutes = 60 * int(said[1:3]) + int(said[-2:])
    return timezone(timedelta(minutes=-minutes if said[0] == "-" else minutes))


def _day(month: int, day: int) -> date | None:
    try:
        return date(_ANY_LEAP_YEAR, month, day)
    except ValueError:
        return None
