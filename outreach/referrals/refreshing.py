"""The door to reckoning the yield: the libraries for it are loaded by the first call that has something to reckon.

A worker that only sends never loads them (32 MB).
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.audit import AuditEntry
from outreach.practice.models import Practice
from outreach.referrals.emr.emr_models import EmrRun
from outreach.referrals.models import ScoringRun

AT_ONCE = 5_000
"""Contacts up to which a full refresh is so quick (a fifth of a second) that somebody may wait for it."""
LATELY = timedelta(minutes=10)
LOOKED_AT = 500
"""As many of the newest acts are looked through for merges."""


class Opens(Protocol):
    """As much of the runtime as a refresh in short turns needs."""

    def turn(self, *, write: bool = True, quick: bool = False) -> Any:
        """One unit of work."""


def refresh_due(runtime: Opens, stopping: Callable[[], bool]) -> int:
    """The first call of a local day refreshes everyone, and so does the first one after an EMR import or its undo.

    Other calls score those anew whom a merge brought together. Answers how many were scored. Nobody who writes
    meanwhile waits for longer than one short turn.
    """
    with runtime.turn(write=False) as turn:
        today = _today(turn.session, now=turn.now)
        due = today is not None and _is_due(turn.session, today=today)
        joined = [] if due or today is None else _joined_lately(turn.session, now=turn.now)
    if today is None or not (due or joined):
        return 0
    from outreach.referrals import nightly

    return nightly.refresh_all(runtime, stopping, today=today) if due else nightly.rescore_all(runtime, joined, today)


def soon(session: Session, *, now: datetime, today: date) -> None:
    """After many changes at once: a practice of usual size is refreshed here, a large one by the next `refresh_due`."""
    if (session.scalar(select(ScoringRun.contacts).order_by(ScoringRun.id.desc()).limit(1)) or 0) <= AT_ONCE:
        refresh(session, now=now, today=today)


def refresh(session: Session, *, now: datetime, today: date) -> int:
    """As `scoring.refresh`."""
    from outreach.referrals import scoring

    return scoring.refresh(session, now=now, today=today)


def rescore(session: Session, contact_id: int, *, now: datetime, today: date) -> None:
    """As `scoring.rescore`, for those who do not look at the row."""
    from outreach.referrals import scoring

    scoring.rescore(session, contact_id, now=now, today=today)


def _today(session: Session, *, now: datetime) -> date | None:
    zone = session.scalar(select(Practice.time_zone))
    return None if zone is None else now.astimezone(ZoneInfo(zone)).date()


def _is_due(session: Session, *, today: date) -> bool:
    run = session.execute(select(ScoringRun.as_of_on, ScoringRun.at).order_by(ScoringRun.id.desc()).limit(1)).first()
    if run is None or run.as_of_on < today:
        return True
    changed = or_(EmrRun.finished_at > run.at, EmrRun.undone_at > run.at)
    return session.scalar(select(EmrRun.id).where(changed).limit(1)) is not None


def _joined_lately(session: Session, *, now: datetime) -> list[int]:
    """Contacts that a merge, or its undo, gave other referrals a moment ago: a room below could not say so itself."""
    newest = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(LOOKED_AT).subquery()
    rows = session.execute(
        select(newest.c.subject_id, newest.c.facts).where(
            newest.c.subject_type == "contact",
            newest.c.action.in_(("merged", "unmerged")),
            newest.c.at > now - LATELY,
        )
    )
    return sorted({one for kept, facts in rows for one in (kept, facts.get("gone_id")) if one})
