"""Notices that something which should run by itself does not, although a worker is there."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.catalog import CATALOG
from outreach.jobruns import KEPT_FOR, JobRun

MISSED_TICKS = 3
SHORTEST = timedelta(minutes=3)
"""A restart or a long round of one job is no silence."""


def silent_jobs(session: Session, *, now: datetime) -> list[str]:
    """The jobs that ran once and have missed their last three ticks; in table order."""
    latest = select(JobRun.job, func.max(JobRun.slot_at)).group_by(JobRun.job)
    ran: dict[str, datetime] = {row[0]: row[1] for row in session.execute(latest)}
    return [
        job.name
        for job in CATALOG
        if job.name in ran and now - ran[job.name] > max(min(MISSED_TICKS * job.every, KEPT_FOR), SHORTEST) + job.every
    ]
