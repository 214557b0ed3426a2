"""When the yield is due: asked every quarter of an hour, without the libraries that reckon it.

A worker that only sends never loads them (32 MB); the day's first call does.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.practice.models import Practice
from outreach.referrals.models import ScoringRun


def refresh_daily(session: Session, *, now: datetime) -> int:
    """The first call of a local day refreshes everyone; later ones do nothing. Answers how many were scored."""
    zone = session.scalar(select(Practice.time_zone))
    if zone is None:
        return 0
    today = now.astimezone(ZoneInfo(zone)).date()
    last = session.scalar(select(ScoringRun.as_of_on).order_by(ScoringRun.id.desc()).limit(1))
    if last is not None and last >= today:
        return 0
    from outreach.referrals import scoring

    return scoring.refresh(session, now=now, today=today)
