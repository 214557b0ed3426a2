"""Why a mail leaves later than somebody chose: a quiet day, a weekday without mail, an hour outside the window."""

from datetime import datetime

from sqlalchemy.orm import Session

from outreach.deliveries.house import House
from outreach.practice.models import QuietDay


def why_not_then(session: Session, house: House, wanted_at: datetime) -> str:
    """ "Thursday, November 26 is a quiet day (Thanksgiving Day)": why nothing leaves at that instant in the practice's
    zone; "" when it may."""
    local = wanted_at.astimezone(house.zone)
    day = f"{local:%A, %B} {local.day}"
    if local.date() in house.quiet:
        quiet = session.get(QuietDay, local.date())
        return f"{day} is a quiet day ({quiet.name})" if quiet and quiet.name else f"{day} is a quiet day"
    if local.weekday() not in house.practice.send_weekdays:
        return f"{local:%A} is not one of your days for sending"
    first, last = house.practice.send_from_minute, house.practice.send_until_minute
    minute = local.hour * 60 + local.minute
    if first <= minute < last:
        return ""
    return f"{_said(minute)} is outside your sending hours ({_said(first)} to {_said(last)})"


def moved_to(house: House, at: datetime) -> str:
    """ "Friday, November 27 at 8:00 am" in the practice's zone."""
    local = at.astimezone(house.zone)
    return f"{local:%A, %B} {local.day} at {_said(local.hour * 60 + local.minute)}"


def _said(minute: int) -> str:
    hour = minute // 60
    return f"{hour % 12 or 12}:{minute % 60:02} {'am' if hour % 24 < 12 else 'pm'}"
