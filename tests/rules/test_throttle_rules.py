"""However calls and clocks come, no way out carries more than its limits, and what fails is left alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outreach.deliveries.ways import throttle_rules as rules
from outreach.deliveries.ways.throttle_rules import Breaker, Bucket, Limits, Seen

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
STEPS = st.lists(
    st.tuples(st.integers(-40_000, 5_000).map(lambda ms: max(ms, -30_000)), st.integers(0, 40), st.booleans()),
    min_size=1,
    max_size=60,
)
LIMITS = st.builds(
    Limits,
    per_second=st.floats(0.05, 50),
    burst=st.one_of(st.none(), st.integers(1, 30)),
    per_day=st.one_of(st.none(), st.integers(1, 60)),
)


def burst_of(limits):
    return limits.burst or max(1, -int(-limits.per_second // 1))


@given(LIMITS, STEPS)
def test_never_more_than_rate_times_t_plus_burst_in_any_window(limits, steps):
    """Steps back are small, as turns that overtake each other: real time is the furthest instant seen."""
    bucket, now, furthest, given_at = Bucket(), START, START - timedelta(days=1), []
    for milliseconds, wanted, busy in steps:
        now = max(now + timedelta(milliseconds=milliseconds), furthest - timedelta(seconds=50))
        furthest = max(furthest, now)
        if busy:
            bucket = rules.slowed(limits, bucket, now=now)
        granted, bucket = rules.grant(limits, bucket, wanted, now=now, today=now.date())
        assert 0 <= granted <= wanted
        given_at.append((furthest, granted))
    for first in range(len(given_at)):
        total = 0
        for at, granted in given_at[first:]:
            total += granted
            seconds = (at - given_at[first][0]).total_seconds()
            assert total <= limits.per_second * seconds + burst_of(limits) + 1e-6


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 40)), max_size=40))
def test_never_more_than_the_daily_limit_on_one_day(per_day, moves):
    """The day may flicker around midnight; each day of the calendar is served once."""
    bucket, used, furthest = Bucket(), 0, date(2026, 3, 2)
    for days, wanted in [(1, 0), *moves]:
        today = furthest + timedelta(days=days)
        if today > furthest:
            furthest, used = today, 0
        granted, bucket = rules.grant(Limits(per_day=per_day), bucket, wanted, now=START, today=today)
        used += granted
        assert used <= per_day


@given(LIMITS, st.integers(0, 40), st.integers(1, 10**6), st.integers(1, 100))
def test_a_clock_that_steps_back_gives_nothing(limits, wanted, back_seconds, more):
    limits = replace(limits, per_day=None)
    _, bucket = rules.grant(limits, Bucket(), wanted, now=START, today=START.date())
    left = bucket.tokens
    granted, after = rules.grant(limits, bucket, more, now=START - timedelta(seconds=back_seconds), today=START.date())
    assert granted <= left
    assert granted + after.tokens <= left


@given(LIMITS, st.integers(1, 200))
def test_the_next_token_is_there_when_it_was_said(limits, wanted):
    limits = replace(limits, per_day=None)
    _, bucket = rules.grant(limits, Bucket(), wanted, now=START, today=START.date())
    at = rules.next_token_at(limits, bucket, now=START, today=START.date(), midnight=START)
    granted, _ = rules.grant(limits, bucket, 1, now=at + timedelta(microseconds=2), today=START.date())
    assert granted == 1


def test_a_day_that_is_used_up_waits_for_midnight_and_then_begins_anew():
    limits, midnight = Limits(per_day=3), START + timedelta(hours=9)
    granted, bucket = rules.grant(limits, Bucket(), 5, now=START, today=START.date())
    assert granted == 3
    assert rules.next_token_at(limits, bucket, now=START, today=START.date(), midnight=midnight) == midnight
    granted, _ = rules.grant(limits, bucket, 5, now=midnight, today=START.date() + timedelta(days=1))
    assert granted == 3


def test_a_clock_set_back_by_an_hour_does_not_stop_mail_for_an_hour():
    limits = Limits(per_second=10.0)
    _, bucket = rules.grant(limits, Bucket(), 10, now=START, today=START.date())
    earlier = START - timedelta(hours=1)
    granted, bucket = rules.grant(limits, bucket, 10, now=earlier, today=START.date())
    assert granted == 0
    granted, _ = rules.grant(limits, bucket, 10, now=earlier + timedelta(seconds=1), today=START.date())
    assert granted == 10


def test_busy_halves_the_rate_once_per_burst_and_it_recovers_slowly():
    limits = Limits(per_second=100.0)
    bucket = rules.slowed(limits, Bucket(), now=START)
    bucket = rules.slowed(limits, bucket, now=START + timedelta(seconds=1))
    assert rules.rate(limits, bucket, START) == 50.0
    bucket = rules.slowed(limits, bucket, now=START + timedelta(seconds=5))
    assert rules.rate(limits, bucket, START + timedelta(seconds=5)) < 27
    assert rules.rate(limits, bucket, START + timedelta(seconds=65)) < 54
    assert rules.rate(limits, bucket, START + timedelta(minutes=10)) == 100.0
    assert rules.grant(limits, bucket, 5, now=START + timedelta(seconds=5), today=START.date())[0] == 0


def test_a_way_without_limits_is_slowed_too_and_forgets_it():
    bucket = rules.slowed(Limits(), Bucket(), now=START)
    granted, bucket = rules.grant(Limits(), bucket, 500, now=START + timedelta(seconds=1), today=START.date())
    assert 0 < granted <= rules.SLOW_START
    granted, bucket = rules.grant(Limits(), bucket, 500, now=START + timedelta(minutes=6), today=START.date())
    assert (granted, bucket.slowed_to) == (500, None)


def test_the_breaker_opens_at_five_in_a_row_rests_tries_one_and_closes():
    breaker = rules.learned(Breaker(), Seen(troubles=4), now=START)
    assert breaker.state == "closed"
    breaker = rules.learned(breaker, Seen(troubles=1), now=START)
    assert (breaker.state, breaker.until_at) == ("open", START + rules.FIRST_REST)
    assert rules.admitted(breaker, 9, now=START + timedelta(seconds=59))[0] == 0
    later = START + rules.FIRST_REST
    one, breaker = rules.admitted(breaker, 9, now=later)
    assert (one, breaker.state) == (1, "half-open")
    assert rules.admitted(breaker, 9, now=later + timedelta(seconds=1))[0] == 0
    assert rules.learned(breaker, Seen(worked=1), now=later) == Breaker()


def test_a_failed_try_rests_longer_up_to_a_bound():
    breaker, now = rules.learned(Breaker(), Seen(troubles=5), now=START), START
    rests = []
    for _ in range(7):
        rests.append(breaker.until_at - now)
        now = breaker.until_at
        breaker = rules.learned(rules.admitted(breaker, 5, now=now)[1], Seen(troubles=1), now=now)
    assert [rest // timedelta(minutes=1) for rest in rests] == [1, 2, 4, 8, 16, 16, 16]


def test_twenty_lost_within_a_minute_open_it_although_others_worked():
    breaker, now = Breaker(), START
    for index in range(19):
        now = START + timedelta(seconds=index * 3)
        breaker = rules.learned(breaker, Seen(worked=2, troubles=1), now=now)
    assert breaker.state == "closed"
    assert rules.learned(breaker, Seen(worked=2, troubles=1), now=now + timedelta(seconds=1)).state == "open"
    assert rules.learned(breaker, Seen(worked=2, troubles=1), now=now + timedelta(seconds=40)).state == "closed"


def test_a_few_of_thousands_do_not_open_it():
    breaker = Breaker()
    for index in range(200):
        now = START + timedelta(milliseconds=100 * index)
        breaker = rules.learned(breaker, Seen(worked=400, troubles=1), now=now)
    assert breaker.state == "closed"


def test_a_worker_that_died_with_the_try_does_not_keep_the_way_shut():
    breaker = rules.admitted(rules.suspects(Breaker()), 3, now=START)[1]
    assert rules.admitted(breaker, 3, now=START + timedelta(seconds=59))[0] == 0
    assert rules.admitted(breaker, 3, now=START + timedelta(seconds=60))[0] == 1


def test_a_try_that_was_not_begun_or_met_a_busy_way_is_free_for_the_next():
    breaker = rules.admitted(rules.suspects(Breaker()), 3, now=START)[1]
    again = rules.learned(breaker, Seen(), now=START)
    assert (again.state, again.probe_at) == ("half-open", None)


def test_a_clock_that_was_ahead_for_days_leaves_no_way_shut_for_days():
    ahead = START + timedelta(days=10)
    opened = rules.learned(Breaker(), Seen(troubles=5), now=ahead)
    assert rules.admits_at(opened, now=START) == START
    granted, trying = rules.admitted(opened, 9, now=START)
    assert granted == 1
    assert rules.learned(trying, Seen(worked=1), now=START) == Breaker()
    assert rules.learned(Breaker(troubles=(ahead,) * 19), Seen(troubles=1, worked=1), now=START).state == "closed"


def test_nor_slowed_down():
    bucket = rules.slowed(Limits(), Bucket(), now=START + timedelta(days=10))
    for minute in range(12):
        _, bucket = rules.grant(Limits(), bucket, 1, now=START + timedelta(minutes=minute), today=START.date())
    assert bucket.slowed_to is None
