"""The one module that asks the machine for the time. Everything else is told `now`."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a turn gets its frozen `now` from."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for durations and leases inside one process."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


class FrozenClock:
    """A clock that stands still until it is told to move: ships for tests and stories."""

    def __init__(self, now: datetime) -> None:
        """Stand at `now`, which must be aware."""
        if now.tzinfo is None:
            raise ValueError("A clock needs an aware instant")
        self._now = now.astimezone(UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The instant at which the clock stands."""
        return self._now

    def monotonic(self) -> float:
        """Seconds the clock was advanced in all."""
        return self._elapsed

    def advance(self, by: timedelta) -> datetime:
        """Move forward and answer the new instant."""
        self._now += by
        self._elapsed += by.total_seconds()
        return self._now

    def set(self, now: datetime) -> None:
        """Jump to an instant, as a wrong machine clock would."""
        self._now = now.astimezone(UTC)
