"""Dates and instants as address books and mailing tools write them. Pure."""

import re
from datetime import UTC, date, datetime

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z| UTC|\+00:?00)?)?", re.ASCII)
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: (\d{1,2}):(\d\d)(?::(\d\d))?)?", re.ASCII)
_MONTH_DAY = re.compile(
    r"(?:\d{4}-|--)(?P<month>\d\d)-(?P<day>\d\d)|(?P<us_month>\d{1,2})/(?P<us_day>\d{1,2})(?:/\d{2,4})?", re.ASCII
)
_ANY_LEAP_YEAR = 2000


def instant(text: str) -> datetime | None:
    """The instant as aware UTC, or None for what is none: 2024-03-09 14:05:00, ISO 8601 in UTC, or 3/9/2024 14:05.

    A time without a zone is taken as UTC, as Mailchimp exports it; a date alone is its midnight.
    """
    iso, american = _ISO.fullmatch(text), _AMERICAN.fullmatch(text)
    if iso:
        year, month, day, *time = iso.groups()
    elif american:
        month, day, year, *time = american.groups()
    else:
        return None
    hour, minute, second = (int(part or 0) for part in time)
    try:
        return datetime(int(year), int(month), int(day), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def birthday(text: str) -> date | None:
    """Day and month of 04/12, 4/12/1970, 1970-04-12 or --04-12, always in the year 2000: the year is nobody's business.

    None for what is no date, Outlook's empty 0/0/00 among it.
    """
    found = _MONTH_DAY.fullmatch(text)
    if not found:
        return None
    month, day = found["month"] or found["us_month"], found["day"] or found["us_day"]
    try:
        return date(_ANY_LEAP_YEAR, int(month), int(day))
    except ValueError:
        return None
