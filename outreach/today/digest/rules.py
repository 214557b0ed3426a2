"""When the digest is due. Pure."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MONDAY_MINUTE = 7 * 60
"""Seven in the morning of the practice."""
LATE_DAYS = 3
"""A worker that was down on Monday morning sends it when it is back, until Wednesday night; then it is old news."""


def monday_due(now: datetime, *, zone: ZoneInfo) -> date | None:
    """The Monday whose digest may leave now, or None: from its seventh hour until the end of Wednesday, local time."""
    local = now.astimezone(zone)
    monday = local.date() - timedelta(days=local.weekday())
    since_minutes = (local.date() - monday).days * 24 * 60 + local.hour * 60 + local.minute
    return monday if MONDAY_MINUTE <= since_minutes < LATE_DAYS * 24 * 60 else None
