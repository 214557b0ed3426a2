"""Makes a look back once a month and keeps it; what a screen asks for, it finds here."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice.models import Practice
from outreach.referrals.looking_back.back_test_models import BackTest
from outreach.referrals.models import ScoringRun

if TYPE_CHECKING:
    from outreach.referrals.looking_back.back_test import BackTestReport

EVERY_DAYS = 28
MOST_AT_ONCE = 20_000
"""Contacts up to which somebody may wait for a look back; with more it is made in the background."""


class Opens(Protocol):
    """As much of the runtime as the monthly look back needs."""

    def turn(self, *, write: bool = True, quick: bool = False) -> Any:
        """One unit of work."""


def look_back(session: Session, *, now: datetime, today: date) -> "BackTestReport":
    """A look back from today is made and kept. *Units*: local days."""
    report = _made(session, today)
    _keep(session, report, now=now)
    return report


def look_back_now(session: Session, *, now: datetime, today: date) -> "BackTestReport | Refusal":
    """The same for somebody who waits for it. Refusals: too-many."""
    contacts = session.scalar(select(ScoringRun.contacts).order_by(ScoringRun.id.desc()).limit(1)) or 0
    if contacts > MOST_AT_ONCE:
        return Refusal("too-many", f"With {contacts:,} contacts this takes a while: it is made once a month by itself.")
    return look_back(session, now=now, today=today)


def monthly(runtime: Opens, stopping: Callable[[], bool]) -> int:
    """Four weeks after the last look back there is a new one; reckoned between two turns, so that nobody waits for it.

    Answers 1 when one was made. Nothing happens before the first full refresh. Idempotent.
    """
    with runtime.turn(write=False) as turn:
        today = _due(turn.session, now=turn.now)
        report = _made(turn.session, today) if today is not None and not stopping() else None
    if report is None:
        return 0
    with runtime.turn() as turn:
        _keep(turn.session, report, now=turn.now)
    return 1


def latest(session: Session) -> "BackTestReport | None":
    """The last look back, or None."""
    kept = session.scalar(select(BackTest.report).order_by(BackTest.id.desc()).limit(1))
    if kept is None:
        return None
    from outreach.referrals.looking_back.back_test import BackTestReport, LookBack

    known = {field.name for field in fields(LookBack)}
    origins = tuple(
        LookBack(**{**{k: v for k, v in one.items() if k in known}, "origin": date.fromisoformat(one["origin"])})
        for one in kept["origins"]
    )
    return BackTestReport(date.fromisoformat(kept["as_of"]), kept["horizon_days"], origins)


def _due(session: Session, *, now: datetime) -> date | None:
    zone = session.scalar(select(Practice.time_zone))
    run = session.scalar(select(ScoringRun).order_by(ScoringRun.id.desc()).limit(1))
    if zone is None or run is None or run.means.get("evidence") != "full":
        return None
    today = now.astimezone(ZoneInfo(zone)).date()
    last = session.scalar(select(BackTest.as_of_on).order_by(BackTest.id.desc()).limit(1))
    return today if last is None or last <= today - timedelta(days=EVERY_DAYS) else None


def _made(session: Session, today: date) -> "BackTestReport":
    from outreach.referrals.looking_back.back_test import backtest
    from outreach.referrals.yield_reading import contacts_of, referrals_of

    return backtest(contacts_of(session, today), referrals_of(session, today), as_of=today)


def _keep(session: Session, report: "BackTestReport", *, now: datetime) -> None:
    session.add(BackTest(at=now, as_of_on=report.as_of, report=json.loads(json.dumps(asdict(report), default=str))))
    session.flush()
