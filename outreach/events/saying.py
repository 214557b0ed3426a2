"""When and where an event is, in words: for screens, mail and calendar files."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from outreach.contacts.models import Organization
from outreach.events.models import Event
from outreach.practice.models import Person, Practice


def when(event: Event, *, now: datetime, reader_zone: str | None = None) -> str:
    """ "Thursday, May 14, 12:15 to 1:00 pm (EDT)", with the reader's own time where it is another one."""
    if event.starts_at is None or event.ends_at is None:
        return "No date yet"
    zone = ZoneInfo(event.time_zone)
    starts, ends = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    year = "" if starts.year == now.astimezone(zone).year else f", {starts.year}"
    day = f"{starts:%A, %B} {starts.day}{year}"
    label = starts.tzname() or ""
    said = f"{day}, {_hour(starts)} to {_hour(ends)} {_half(ends)}"
    if _half(starts) != _half(ends):
        said = f"{day}, {_hour(starts)} {_half(starts)} to {_hour(ends)} {_half(ends)}"
    if label.isalpha():
        said += f" ({label})"
    return said + _readers_time(event.starts_at, zone, reader_zone)


def where(session: Session, event: Event) -> str:
    """The room and the address, on one line; empty when nothing is known."""
    office = session.get(Organization, event.organization_id) if event.organization_id else None
    street = f"{office.street}, {office.city}".strip(", ") if office else ""
    parts = [event.place, office.name if office and office.name not in event.place else "", street]
    return ", ".join(part for part in parts if part)


def host(session: Session, event: Event) -> str:
    """Who invites: the host, else the practice's sender."""
    person = session.get(Person, event.host_id) if event.host_id else None
    if person is not None:
        return person.name
    practice = session.get_one(Practice, 1)
    return practice.sender_name or practice.name


def expected(event: Event) -> str:
    """ "4 clinicians and 8 staff", as the office said; empty when it said nothing."""
    clinicians, staff = event.expected_clinicians, event.expected_staff
    roles = (clinicians, "clinician" if clinicians == 1 else "clinicians"), (staff, "staff")
    return " and ".join(f"{many} {role}" for many, role in roles if many is not None)


def is_zone(name: str) -> bool:
    """Whether this is the name of a time zone that we know."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)


def _readers_time(starts_at: datetime, zone: ZoneInfo, reader_zone: str | None) -> str:
    if not reader_zone or not is_zone(reader_zone):
        return ""
    theirs, ours = starts_at.astimezone(ZoneInfo(reader_zone)), starts_at.astimezone(zone)
    if theirs.utcoffset() == ours.utcoffset():
        return ""
    return f", {_hour(theirs)} {_half(theirs)} in your time"


def _hour(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M}"


def _half(local: datetime) -> str:
    return "am" if local.hour < 12 else "pm"
