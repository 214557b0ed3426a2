"""The zones inside invitations, read back by programs that know nothing but the file."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
import vobject
from dateutil import tz
from hypothesis import given
from hypothesis import strategies as st

from outreach.events import calendar
from outreach.events.calendar import Invitation
from outreach.events.timezones import observances_of, transitions, zone_component

ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "Europe/London",
    "Australia/Sydney",
)
ODD_ZONES = (
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Jerusalem",
    "Europe/Dublin",
    "Africa/Casablanca",
)
MEETING = Invitation(
    uid="1-2@practice.example",
    sequence=0,
    issued_at=datetime(2026, 1, 2, tzinfo=UTC),
    starts_at=datetime(2026, 3, 8, 16, tzinfo=UTC),
    ends_at=datetime(2026, 3, 8, 17, tzinfo=UTC),
    zone="America/New_York",
    summary="Meeting",
    organizer_name="Practice",
    organizer_email="rsvp+aaaaaaaaaaaa@in.practice.example",
    attendee_name="Ana",
    attendee_email="ana@x.example",
)


def at(zone: str, starts_at: datetime) -> bytes:
    return calendar.request(replace(MEETING, zone=zone, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1)))


def read_knowing_only_the_file(ics: bytes, zone: str) -> tuple[datetime, datetime]:
    """vobject resolves a TZID that it knows by itself; under an invented name only the file's own rules can speak."""
    renamed = ics.replace(zone.encode(), f"Invented/{abs(hash(ics))}".encode())
    event = vobject.readOne(renamed.decode()).vevent
    return event.dtstart.value.astimezone(UTC), event.dtend.value.astimezone(UTC)


def instants_around_changes(zone: str, year: int) -> list[datetime]:
    """Hours around each change of the year, and plain noons through the year."""
    changes = [(change.wall - change.before).replace(tzinfo=UTC) for change in transitions(zone, year)]
    near = [change + timedelta(hours=step) for change in changes for step in (-26, -3, -2, -1, 0, 1, 2, 3, 26)]
    return near + [datetime(year, month, 15, 17, tzinfo=UTC) for month in range(1, 13)]


@pytest.mark.parametrize("zone", ZONES + ODD_ZONES)
@pytest.mark.parametrize("year", [2024, 2026, 2027])
def test_every_instant_around_a_change_of_clocks_is_told_right(zone, year):
    for starts_at in instants_around_changes(zone, year):
        ends_at = starts_at + timedelta(hours=1)
        assert read_knowing_only_the_file(at(zone, starts_at), zone) == (starts_at, ends_at), starts_at


@pytest.mark.parametrize("zone", ZONES)
def test_the_rules_agree_with_the_zone_database_through_the_whole_year(zone):
    component = zone_component(zone, 2026)
    assert component is not None
    rules = tz.tzical(io.StringIO(component.to_ical().decode())).get(zone)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for hour in range(0, 365 * 24, 5):
        local = (start + timedelta(hours=hour)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if not calendar._ambiguous(local.replace(tzinfo=ZoneInfo(zone))):
            assert local.replace(tzinfo=rules).utcoffset() == local.replace(tzinfo=ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize("zone", ["America/Phoenix", "Pacific/Honolulu", "America/Puerto_Rico"])
def test_a_zone_without_daylight_time_has_one_standard_part(zone):
    ics = at(zone, MEETING.starts_at)
    assert ics.count(b"BEGIN:STANDARD") == 1
    assert b"DAYLIGHT" not in ics
    assert b"RRULE" not in ics


def test_the_us_rules_are_second_sunday_of_march_and_first_of_november():
    found = [(part.month, part.byday, part.label) for part in observances_of("America/New_York", 2026)]
    assert found == [(3, "2SU", "EDT"), (11, "1SU", "EST")]


def test_the_last_sunday_is_last_even_where_it_is_also_the_fourth():
    for year in range(2024, 2034):
        assert {part.byday for part in observances_of("Europe/London", year)} == {"-1SU"}


def test_the_hour_that_comes_twice_is_written_in_utc():
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    for starts_at in (first, first + timedelta(hours=1)):
        ics = at("America/New_York", starts_at)
        assert f"DTSTART:{starts_at:%Y%m%dT%H%M%SZ}".encode() in ics
        assert b"VTIMEZONE" not in ics


def test_a_year_without_a_yearly_pair_is_written_in_utc():
    assert zone_component("Asia/Almaty", 2024) is None
    assert b"VTIMEZONE" not in at("Asia/Almaty", datetime(2024, 5, 1, 6, tzinfo=UTC))


def test_the_zone_utc_needs_no_component():
    assert b"DTSTART:20260308T160000Z" in at("UTC", MEETING.starts_at)


def test_an_unknown_zone_is_an_error_and_not_a_guess():
    with pytest.raises(ZoneInfoNotFoundError):
        at("America/Nowhere", MEETING.starts_at)


@given(
    zone=st.sampled_from(ZONES + ODD_ZONES),
    minutes=st.integers(0, 12 * 365 * 24 * 60),
)
def test_any_instant_survives_the_file(zone, minutes):
    starts_at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    assert read_knowing_only_the_file(at(zone, starts_at), zone)[0] == starts_at
