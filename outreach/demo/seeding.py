"""Furnishes the demo practice, once: people, places and referrals first, then its last weeks as they were lived."""

from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.demo.people import furnish_people
from outreach.demo.places import furnish_places, furnish_practice
from outreach.demo.referring import furnish_referrals
from outreach.jobruns import JobRun
from outreach.referrals import scoring
from outreach.runtime import Runtime
from outreach.schema import load_all

SEED = 20
ZONE = ZoneInfo("America/New_York")
FURNISHED = "demo-furnished"


def seed(runtime: Runtime) -> None:
    """The demo practice stands whole. Idempotent; one that was left half-way by a crash is cleared and made again."""
    with runtime.turn(write=False) as turn:
        if turn.session.scalar(select(JobRun.id).where(JobRun.job == FURNISHED)):
            return
    with runtime.turn() as turn:
        for table in reversed(load_all().metadata.sorted_tables):
            turn.session.execute(delete(table))
    with runtime.turn() as turn:
        furnish(turn.session, now=turn.now, key=runtime.key)
    with runtime.turn() as turn:
        turn.session.add(JobRun(job=FURNISHED, slot_at=turn.now, started_at=turn.now, finished_at=turn.now))


def furnish(session: Session, *, now: datetime, key: bytes) -> None:
    """The practice with its two years of relationships; deterministic for a day."""
    chance, today = Random(SEED), now.astimezone(ZONE).date()
    furnish_practice(session, now=now)
    places = furnish_places(session, now=now)
    furnish_people(session, places, now=now, key=key, chance=chance)
    furnish_referrals(session, now=now, today=today, chance=chance)
    session.flush()
    # Two refreshes a week apart: there is a "since last week" to tell, and the tiers have settled.
    for days in (8, 0):
        scoring.refresh(session, now=now - timedelta(days=days), today=today - timedelta(days=days))
