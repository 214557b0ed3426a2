"""Sending windows in the recipient's zone, over clock changes; the caps; when to try again."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.deliveries import pacing, rules

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["America/New_York", "America/Los_Angeles", "Pacific/Auckland", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]
WORKDAYS = [0, 1, 2, 3, 4]
HOURS = (8 * 60, 19 * 60)


def local(*parts, zone=NEW_YORK):
    return datetime(*parts, tzinfo=zone).astimezone(UTC)


def opening(at, **more):
    return pacing.next_open(at, **{"zone": NEW_YORK, "hours": HOURS, "weekdays": WORKDAYS, "quiet": (), **more})


def test_inside_hours_it_leaves_now_and_at_night_in_the_morning():
    inside = local(2026, 3, 2, 10, 0)
    assert opening(inside) == inside
    assert opening(local(2026, 3, 2, 22, 0)) == local(2026, 3, 3, 8, 0)
    assert opening(local(2026, 3, 2, 19, 0)) == local(2026, 3, 3, 8, 0)
    assert opening(local(2026, 3, 2, 3, 0)) == local(2026, 3, 2, 8, 0)


def test_weekends_and_quiet_days_are_skipped():
    assert opening(local(2026, 3, 6, 20, 0)) == local(2026, 3, 9, 8, 0)
    assert opening(local(2026, 3, 6, 20, 0), quiet=[date(2026, 3, 9)]) == local(2026, 3, 10, 8, 0)
    with pytest.raises(ValueError, match="No day"):
        opening(local(2026, 3, 6, 20, 0), weekdays=[])


def test_the_recipients_zone_decides():
    at = local(2026, 3, 2, 9, 0)
    assert opening(at, zone=ZoneInfo("America/Los_Angeles")) == local(2026, 3, 2, 11, 0)


def test_a_skipped_local_time_moves_forward_and_a_doubled_one_is_the_first():
    # 2:30 on 14 March 2027 does not exist in New York; 1:30 on 1 November 2026 happens twice.
    assert pacing.resolved(date(2027, 3, 14), 150, NEW_YORK) == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)
    assert pacing.resolved(date(2026, 11, 1), 90, NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert pacing.resolved(date(2026, 11, 1), 1440, NEW_YORK) == datetime(2026, 11, 2, 5, 0, tzinfo=UTC)


def transitions(zone):
    """Instants around every clock change of two years: random dates do not meet them (reliability D3)."""
    tz, at, found = ZoneInfo(zone), datetime(2026, 1, 1, tzinfo=UTC), []
    while at < datetime(2028, 1, 1, tzinfo=UTC):
        later = at + timedelta(hours=1)
        if at.astimezone(tz).utcoffset() != later.astimezone(tz).utcoffset():
            found.append(at)
        at = later
    return found or [datetime(2026, 6, 1, tzinfo=UTC)]


CHANGES = {zone: transitions(zone) for zone in ZONES}


@given(
    st.sampled_from(ZONES),
    st.integers(0, 100),
    st.integers(-3 * 1440, 3 * 1440),
    st.integers(0, 1439),
    st.integers(1, 1440),
)
def test_what_is_planned_lies_in_hours_and_never_before_it_was_wanted(zone, change, offset, start, length):
    tz = ZoneInfo(zone)
    at = CHANGES[zone][change % len(CHANGES[zone])] + timedelta(minutes=offset)
    hours = (start, min(start + length, 1440))
    opens = pacing.next_open(at, zone=tz, hours=hours, weekdays=WORKDAYS, quiet=())
    assert opens >= at
    assert opens.astimezone(tz).weekday() in WORKDAYS
    assert pacing.next_open(opens, zone=tz, hours=hours, weekdays=WORKDAYS, quiet=()) == opens
    found = pacing.window(at, zone=tz, hours=hours, weekdays=WORKDAYS, quiet=())
    assert found is not None
    assert found[0] <= opens < found[1]


@given(st.sampled_from(ZONES), st.integers(0, 100), st.integers(-3 * 1440, 3 * 1440), st.integers(0, 1439))
def test_an_intended_time_of_day_is_kept_or_moved_to_the_edge(zone, change, offset, minute):
    tz = ZoneInfo(zone)
    at = CHANGES[zone][change % len(CHANGES[zone])] + timedelta(minutes=offset)
    slot = pacing.slot(at, zone=tz, hours=HOURS, weekdays=WORKDAYS, quiet=(), local_minute=minute)
    assert slot is not None
    assert at <= slot.due_at
    assert slot.from_at <= slot.due_at < slot.until_at
    when = slot.due_at.astimezone(tz)
    assert when.hour * 60 + when.minute == min(max(minute, HOURS[0]), HOURS[1] - 1)


def test_the_caps_leave_two_weeks_and_six_a_quarter():
    now = local(2026, 6, 1, 10, 0)
    assert pacing.allowed_from([], now) == now
    assert pacing.allowed_from([now - timedelta(days=3)], now) == now + timedelta(days=11)
    six = [now - timedelta(days=14 * n) for n in range(1, 7)]
    assert pacing.allowed_from(six, now) == now - timedelta(days=84) + pacing.CAP_QUARTER
    assert pacing.allowed_from(six[:5], now) == now


@given(st.integers(1, 40), st.floats(0, 1))
def test_pauses_grow_to_an_hour_at_most_and_end_after_a_day(attempts, chance):
    first = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    at = rules.retry_at(first, attempts=attempts, chance=chance, first_attempt_at=first)
    assert at is not None
    assert timedelta(0) < at - first <= timedelta(hours=1)
    over = first + timedelta(hours=24)
    assert rules.retry_at(over, attempts=attempts, chance=chance, first_attempt_at=first) is None


def test_a_try_never_comes_before_the_providers_word_or_after_the_last_moment():
    now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    later = now + timedelta(hours=2)
    assert rules.retry_at(now, attempts=1, chance=0.5, first_attempt_at=now, not_before_at=later) == later
    assert (
        rules.retry_at(now, attempts=9, chance=1, first_attempt_at=now, not_after_at=now + timedelta(minutes=5)) is None
    )
