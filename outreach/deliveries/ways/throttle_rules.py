"""How fast mail may leave by one way, and when a way that fails is left alone. Pure.

A token bucket bounds hand-overs per second, a counter bounds them per day of the practice, and a breaker stops what
does not work. Every function takes the state and answers a new one; `throttling` keeps it in the database.
"""

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

BREAKERS = ("closed", "open", "half-open")
WINDOW = timedelta(seconds=60)
MOST_TROUBLES = 20
LEAST_SHARE = 5
"""Reliability B4: so many lost on the way within a minute open the breaker, when they are at least one in five, so that
a way that carries thousands a minute does not stop for a handful. One word against our account pauses the way at once
(architecture 9.1), which is stricter than a breaker that counts five."""
TROUBLES_IN_A_ROW = 5
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=16)
PROBE_LASTS = timedelta(seconds=60)
"""As long as a lease: a worker that tried one mail and is not heard of again is gone."""
PROBE_LOOK = timedelta(seconds=5)

SLOW_START = 64.0
"""Messages a second from which a way without a limit of its own is halved when it says that it is busy."""
SLOWEST = 0.1
UNBOUNDED = 1000.0
"""A way without a limit that has recovered to this many a second is no longer held back."""
DOUBLES_IN = timedelta(seconds=60)
ONE_COMPLAINT = timedelta(seconds=5)
"""Calls that were under way together say "busy" together: that halves the rate once."""
SMALL_STEP = timedelta(seconds=60)
"""Turns overtake one another by moments; a clock that went back further was set."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person (or a provider's contract) allows; None: no limit. `burst` of None: one second's worth."""

    per_second: float | None = None
    burst: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left of the limits. `tokens` of None: never used, so full. Days are the practice's own."""

    tokens: float | None = None
    at: datetime | None = None
    slowed_to: float | None = None
    slowed_at: datetime | None = None
    day_on: date | None = None
    day_used: int = 0


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed: mail flows. Open: none before `until_at`. Half-open: one mail tries the way, since `probe_at`."""

    state: str = "closed"
    until_at: datetime | None = None
    rest: timedelta = timedelta()
    """The last rest: the next one is longer; zero after a success."""
    probe_at: datetime | None = None
    troubles: tuple[datetime, ...] = ()
    """When, in the last minute, hand-overs were lost on the way."""
    in_a_row: int = 0
    worked: int = 0
    """Hand-overs that worked since the first of `troubles`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of some hand-overs by one way: how many worked, and how many were lost on the way."""

    worked: int = 0
    troubles: int = 0


def rate(limits: Limits, bucket: Bucket, now: datetime) -> float | None:
    """Messages a second at that instant; None when nothing bounds it. A halved rate doubles every minute."""
    if bucket.slowed_to is None or bucket.slowed_at is None:
        return limits.per_second
    minutes = max(now - bucket.slowed_at, timedelta()) / DOUBLES_IN
    recovered = bucket.slowed_to * math.exp2(min(minutes, 60.0))
    if limits.per_second is None:
        return recovered if recovered < UNBOUNDED else None
    return min(recovered, limits.per_second)


def grant(limits: Limits, bucket: Bucket, wanted: int, *, now: datetime, today: date) -> tuple[int, Bucket]:
    """How many of the wanted hand-overs may begin now, and the bucket without their tokens.

    Never more than rate * t + burst within any t, never more than `per_day` on a day. A clock that steps back gives
    nothing: by moments it is waited for, further back the bucket starts over, empty.
    """
    filled = _of_the_day(_filled(limits, bucket, now), today)
    granted = max(wanted, 0)
    if filled.tokens is not None:
        granted = min(granted, math.floor(filled.tokens + _ROUNDING))
    if limits.per_day is not None:
        granted = max(min(granted, limits.per_day - filled.day_used), 0)
    left = None if filled.tokens is None else max(filled.tokens - granted, 0.0)
    return granted, replace(filled, tokens=left, day_used=filled.day_used + granted)


def next_token_at(limits: Limits, bucket: Bucket, *, now: datetime, today: date, midnight: datetime) -> datetime:
    """When the next hand-over may begin: now, when the bucket has a token, or `midnight` (the next day's begin)."""
    filled = _of_the_day(_filled(limits, bucket, now), today)
    if limits.per_day is not None and filled.day_used >= limits.per_day:
        return midnight
    missing = 1.0 - _ROUNDING - (1.0 if filled.tokens is None else filled.tokens)
    speed = rate(limits, bucket, now)
    if missing <= 0 or not speed:
        return now
    return max(filled.at or now, now) + timedelta(seconds=missing / speed)


def slowed(limits: Limits, bucket: Bucket, *, now: datetime) -> Bucket:
    """The bucket after the other side said that it is busy: half the rate, and nothing left for this moment."""
    if bucket.slowed_at is not None and timedelta() <= now - bucket.slowed_at < ONE_COMPLAINT:
        return bucket
    speed = rate(limits, bucket, now) or SLOW_START
    at = max(bucket.at, now) if bucket.at and bucket.at - now <= SMALL_STEP else now
    return replace(bucket, slowed_to=max(speed / 2, min(SLOWEST, speed)), slowed_at=now, tokens=0.0, at=at)


def admitted(breaker: Breaker, wanted: int, *, now: datetime) -> tuple[int, Breaker]:
    """How many the breaker lets through: all, none, or one that tries the way (which is remembered)."""
    if breaker.state == "closed" or wanted <= 0:
        return max(wanted, 0), breaker
    if _rests(breaker, now):
        return 0, breaker
    if breaker.probe_at is not None and timedelta() <= now - breaker.probe_at < PROBE_LASTS:
        return 0, breaker
    return 1, replace(breaker, state="half-open", until_at=None, probe_at=now)


def admits_at(breaker: Breaker, *, now: datetime) -> datetime:
    """When the breaker is worth asking again."""
    if breaker.state == "open" and breaker.until_at is not None:
        return breaker.until_at if _rests(breaker, now) else now
    return now + PROBE_LOOK if breaker.probe_at is not None else now


def learned(breaker: Breaker, seen: Seen, *, now: datetime) -> Breaker:
    """The breaker after these answers: opened, closed by the one mail that worked, opened longer, or as it was."""
    if _rests(breaker, now):
        # Calls that were under way when it opened tell nothing new.
        return breaker
    if breaker.state != "closed":
        return _after_the_probe(breaker, seen, now=now)
    recent = _counted(breaker, seen, now=now)
    if _is_too_much(recent):
        return _opened(recent, now=now)
    return recent


def suspects(breaker: Breaker) -> Breaker:
    """The breaker of a way that was just paused for our account: whoever resumes it tries it with one mail."""
    return replace(breaker, state="half-open", until_at=None, probe_at=None)


def _rests(breaker: Breaker, now: datetime) -> bool:
    """Whether its rest is not over; one that would be longer than any is of a clock that was set back since."""
    if breaker.state != "open" or breaker.until_at is None:
        return False
    return now < breaker.until_at <= now + LONGEST_REST + SMALL_STEP


def _filled(limits: Limits, bucket: Bucket, now: datetime) -> Bucket:
    if bucket.slowed_at is not None and bucket.slowed_at - now > SMALL_STEP:
        # The clock was set back: the pace comes back from now on, not from a day that is still to come.
        bucket = replace(bucket, slowed_at=now)
    speed = rate(limits, bucket, now)
    if speed is None:
        return replace(bucket, tokens=None, at=None, slowed_to=None, slowed_at=None)
    # The rate only rises between two looks, so that of the earlier one never gives too much.
    before = rate(limits, bucket, bucket.at) if bucket.at else speed
    size = _size(limits, bucket, speed)
    if speed == limits.per_second:
        bucket = replace(bucket, slowed_to=None, slowed_at=None)
    if bucket.tokens is None or bucket.at is None:
        return replace(bucket, tokens=size, at=now)
    if bucket.at - now > SMALL_STEP:
        return replace(bucket, tokens=0.0, at=now)
    gained = max((now - bucket.at).total_seconds(), 0.0) * min(before or speed, speed)
    return replace(bucket, tokens=min(bucket.tokens + gained, size), at=max(bucket.at, now))


def _size(limits: Limits, bucket: Bucket, speed: float) -> float:
    """A bucket always holds one message; that of a slowed way is small."""
    size = float(limits.burst or math.ceil(limits.per_second or speed))
    return max(1.0, min(size, math.ceil(speed)) if bucket.slowed_to is not None else size)


def _of_the_day(bucket: Bucket, today: date) -> Bucket:
    day = bucket.day_on
    if day is None or today > day:
        return replace(bucket, day_on=today, day_used=0)
    # Around midnight an older turn may come later; a clock set back by days keeps what was used.
    return bucket if day - today <= timedelta(days=1) else replace(bucket, day_on=today)


def _counted(breaker: Breaker, seen: Seen, *, now: datetime) -> Breaker:
    known = tuple(at for at in breaker.troubles if abs(now - at) < WINDOW)
    lost = (*known, *(now,) * min(seen.troubles, MOST_TROUBLES))
    worked = (breaker.worked if known else 0) + seen.worked
    return replace(
        breaker,
        troubles=lost[-MOST_TROUBLES:],
        in_a_row=0 if seen.worked else breaker.in_a_row + seen.troubles,
        worked=worked if lost else 0,
    )


def _is_too_much(breaker: Breaker) -> bool:
    lost = len(breaker.troubles)
    many = lost >= MOST_TROUBLES and lost * (LEAST_SHARE - 1) >= breaker.worked
    return many or breaker.in_a_row >= TROUBLES_IN_A_ROW


def _after_the_probe(breaker: Breaker, seen: Seen, *, now: datetime) -> Breaker:
    if seen.troubles:
        return _opened(breaker, now=now)
    if seen.worked:
        return Breaker()
    return replace(breaker, probe_at=None)


def _opened(breaker: Breaker, *, now: datetime) -> Breaker:
    rest = min(breaker.rest * 2, LONGEST_REST) if breaker.rest else FIRST_REST
    return Breaker(state="open", until_at=now + rest, rest=rest)
