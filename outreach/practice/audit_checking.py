"""Checking the record of changes in pieces, so that no page and no turn waits for it however long it is."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import audit
from outreach.audit import Walk
from outreach.errors import OutreachError
from outreach.jobruns import JobRun
from outreach.screen import World

NIGHTLY = "check-audit"
"""The job that walks over the whole record."""
AT_ONCE = 5_000
"""Entries that are read in one turn: well under half a second."""


class RecordAltered(OutreachError):
    """The whole record was read and does not hold: the run of the job keeps this name, the log keeps the place."""


def go_on(session: Session, walk: Walk, *, limit: int = AT_ONCE) -> bool:
    """The walk goes on by so many entries; answers whether it has come to its end: a fault, or the last entry."""
    if audit.step(session, walk, limit=limit) == limit and walk.fault is None:
        return False
    if walk.fault is None and audit.cut(session, walk) is not None:
        # What was sealed since the rows were read is no end cut off: look again at what came.
        audit.step(session, walk, limit=limit)
        walk.fault = walk.fault or audit.cut(session, walk)
    return True


def check_all(world: World, stopping: Callable[[], bool]) -> int:
    """Every entry is read in reading turns of its own; answers how many. Errors: RecordAltered, with the place."""
    walk, ended = Walk(), False
    while not ended and not stopping():
        with world.turn(write=False) as turn:
            ended = go_on(turn.session, walk)
    if walk.fault is not None:
        raise RecordAltered(walk.fault.said)
    return walk.number


def last(session: Session) -> JobRun | None:
    """The last nightly check that came to its end, with `handled` as the entries read, or None before there was one."""
    return session.scalar(
        select(JobRun)
        .where(JobRun.job == NIGHTLY, JobRun.finished_at.is_not(None))
        .order_by(JobRun.slot_at.desc())
        .limit(1)
    )


def altered(session: Session) -> bool:
    """Whether the last nightly check found that the record does not hold."""
    run = last(session)
    return run is not None and run.error == RecordAltered.__name__
