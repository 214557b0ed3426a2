"""The door to reckoning the yield: the libraries for it are loaded by the first call that has something to reckon.

A worker that only sends never loads them (32 MB).
"""

from datetime import date, datetime
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
    return refresh(session, now=now, today=today) if last is None or last < today else 0


def refresh(session: Session, *, now: datetime, today: date) -> int:
    """As `scoring.refresh`."""
    from outreach.referrals import scoring

    return scoring.refresh(session, now=now, today=today)


def rescore(session: Session, contact_id: int, *, now: datetime, today: date) -> None:
    """As `scoring.rescore`, for those who do not look at the row."""
    from outreach.referrals import scoring

    scoring.rescore(session, contact_id, now=now, today=today)
