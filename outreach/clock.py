"""The one module that asks the machine for the time. Everything else is told `now`."""

import secrets
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


FIRST_PAUSE_SECONDS = 0.1


def pause_before_again(tries_made: int) -> None:
    """Wait before work that met a busy database is begun again: after 1 try 0.05 to 0.1 s, twice that after each more.

    Whoever begins again at once takes the row from under the winner of a deadlock, who has yet to wake, and loses the
    same deadlock again; two who wait alike meet again.
    """
    time.sleep(FIRST_PAUSE_SECONDS * 2 ** (tries_made - 1) * secrets.SystemRandom().uniform(0.5, 1))
