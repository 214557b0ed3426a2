"""Notices a clock that jumped, and holds all mail until a person has looked (architecture 9.7).

Also asks the other guards: whether this database is an old copy, and whether the disk has room.

A wrong year would send every card at once. Going on after a jump of more than 15 minutes is a person's decision.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach import jobruns
from outreach.clock import Clock
from outreach.config import Settings
from outreach.deliveries.guards import copy_guard, disk_guard
from outreach.deliveries.models import Hold

JUMP = timedelta(minutes=15)
LONGEST_SILENCE = timedelta(days=30)
WHY_JUMPED = "The clock of this machine jumped. Check date and time, then resume."
WHY_FUTURE = (
    "The last work was done at a time that lies ahead of this machine's clock. Check date and time, then resume."
)
WHY_SILENT = "Nothing ran for more than 30 days. Look through what waits, then resume."
REASONS = (WHY_JUMPED, WHY_FUTURE, WHY_SILENT)


class Watched(Protocol):
    """What carries the clock: one per process."""

    clock: Clock
    settings: Settings


@dataclass(frozen=True)
class _Seen:
    wall: datetime
    elapsed: float


_SEEN: WeakKeyDictionary[Clock, _Seen] = WeakKeyDictionary()
"""The last look at each clock of this process. Losing it costs one comparison, never a message."""


def holds(session: Session, *, now: datetime, door: Watched) -> bool:
    """Whether nothing may be sent in this turn: the clock or the database is not to be trusted, then all mail is on
    hold; or the disk is nearly full.

    A demo's deliberate advance is no jump: there the machine's own clock is compared, and its start is not judged.
    Elsewhere it is the time by which mail is due: on PostgreSQL the server's.
    """
    wall = now if door.settings.mode == "run" else door.clock.now()
    elapsed = door.clock.monotonic()
    before = _SEEN.get(door.clock)
    _SEEN[door.clock] = _Seen(wall, elapsed)
    why = _at_start(session, now=now, settings=door.settings) if before is None else _since(before, wall, elapsed)
    if why is not None:
        copy_guard.say(session, why, now=now)
    copied = copy_guard.holds(session, door.settings.home, now=now)
    return copied or _not_looked_at(session) or disk_guard.is_low(door.settings)


def _not_looked_at(session: Session) -> bool:
    """Until a person resumes, nothing is planned again or expired by a clock that may be wrong."""
    hold = select(Hold.why).where(Hold.scope == "all", Hold.lifted_at.is_(None))
    return any(reason in (session.scalar(hold) or "") for reason in REASONS)


def _since(before: _Seen, wall: datetime, elapsed: float) -> str | None:
    drift = (wall - before.wall) - timedelta(seconds=elapsed - before.elapsed)
    return WHY_JUMPED if abs(drift) > JUMP else None


def _at_start(session: Session, *, now: datetime, settings: Settings) -> str | None:
    last = jobruns.last_tick_at(session)
    if last is None or settings.mode == "demo":
        return None
    if last > now + JUMP:
        return WHY_FUTURE
    # The tick that runs now has its own row already: what counts is the last one before this start.
    before = session.scalar(select(func.max(jobruns.JobRun.started_at)).where(jobruns.JobRun.started_at < now - JUMP))
    return WHY_SILENT if before is not None and now - before > LONGEST_SILENCE else None
