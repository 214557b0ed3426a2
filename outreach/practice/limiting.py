"""Counts what one address asks of the public pages: generous for scanners, narrow for who guesses at links.

The counts are in the database, so that every process of the web knows them and a restart forgets nothing. A process
writes down what is ordinary twenty at a time, and a wrong link at once: looking at a page must not cost a commit.
"""

import hashlib
import ipaddress
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.practice.limit_models import PublicUse

WINDOW = timedelta(minutes=10)
MOST = 1_200
"""Two pages a second for ten minutes: a scanner that opens every link of a newsletter's copies stays below."""
WRONG_LINK = 20
"""What a link that nobody was given costs: sixty guesses in ten minutes."""
AT_ONCE = 20
KNOWN_FOR = timedelta(seconds=5)
MOST_ADDRESSES = 10_000


class Limiter:
    """What this process knows of who asked how often. Safe for threads."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self._lock = Lock()
        self._unwritten: dict[str, int] = {}
        self._seen: dict[str, tuple[datetime, int]] = {}

    def must_wait(self, address: str, *, now: datetime, look_up: Callable[[str], int]) -> int | None:
        """Seconds until this address may ask again; None when it may now.

        `look_up` answers what a key has spent by the database; it is asked once per address in five seconds.
        """
        key = key_of(address)
        seen = self._seen.get(key)
        if seen is None or not timedelta(0) <= now - seen[0] < KNOWN_FOR:
            seen = self._remember(key, look_up(key), now=now)
        if seen[1] + self._unwritten.get(key, 0) < MOST:
            return None
        return max(int((window_of(now) + WINDOW - now).total_seconds()), 1)

    def count(self, address: str, cost: int) -> bool:
        """The cost is on this address's account; True when it is time to `write`."""
        key = key_of(address)
        with self._lock:
            self._unwritten[key] = self._unwritten.get(key, 0) + cost
            return self._unwritten[key] >= AT_ONCE or len(self._unwritten) > MOST_ADDRESSES

    def write(self, session: Session, *, now: datetime) -> None:
        """What was counted is in the database, once this turn is committed."""
        with self._lock:
            unwritten, self._unwritten = self._unwritten, {}
        for key in sorted(unwritten):
            self._remember(key, add(session, key, unwritten[key], now=now), now=now)

    def _remember(self, key: str, number: int, *, now: datetime) -> tuple[datetime, int]:
        with self._lock:
            if len(self._seen) > MOST_ADDRESSES:
                self._seen.clear()
            self._seen[key] = (now, number)
            return self._seen[key]


def add(session: Session, key: str, cost: int, *, now: datetime) -> int:
    """So much more was spent by that key in this window; answers how much in all. One statement."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = build(PublicUse).values(key=key, window_at=window_of(now), spent=cost)
    return session.scalars(
        made.on_conflict_do_update(
            index_elements=["key", "window_at"], set_={"spent": PublicUse.spent + made.excluded.spent}
        ).returning(PublicUse.spent)
    ).one()


def spent(session: Session, key: str, *, now: datetime) -> int:
    """How much that key spent in this window."""
    wanted = select(PublicUse.spent).where(PublicUse.key == key, PublicUse.window_at == window_of(now))
    return session.scalar(wanted) or 0


def purge(session: Session, *, now: datetime) -> int:
    """Windows that are over are forgotten; idempotent."""
    old = delete(PublicUse).where(PublicUse.window_at < now - 2 * WINDOW).returning(PublicUse.key)
    return len(session.execute(old).all())


def key_of(address: str) -> str:
    """A digest of the address; of an IPv6 network, because a single machine there has many addresses."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()
    if known.version == 6:
        address = str(ipaddress.ip_network((known, 64), strict=False))
    return hashlib.sha256(address.encode()).hexdigest()


def window_of(now: datetime) -> datetime:
    """The start of the window that `now` lies in."""
    return datetime.fromtimestamp(now.timestamp() // WINDOW.total_seconds() * WINDOW.total_seconds(), now.tzinfo)
