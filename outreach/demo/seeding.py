"""Furnishes the demo practice, once: people, places and referrals first, then its last weeks as they were lived."""

from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.orm import Session

from outreach.demo.area import describe_offices, furnish_area
from outreach.demo.living import live
from outreach.demo.owing_reports import furnish_owed
from outreach.demo.people import furnish_people
from outreach.demo.places import furnish_places, furnish_practice
from outreach.demo.referring import furnish_referrals
from outreach.errors import OutreachError
from outreach.practice.models import Practice
from outreach.referrals import scoring
from outreach.referrals.looking_back.keeping import look_back
from outreach.runtime import Runtime
from outreach.schema import load_all

SEED = 20
ZONE = ZoneInfo("America/New_York")


def seed(runtime: Runtime) -> None:
    """The demo practice stands whole. Idempotent; one that was left half-way by a crash is cleared and made again.

    Errors: OutreachError for a database that holds a real practice; nothing of it is touched.
    """
    with runtime.turn() as turn:
        practice = turn.session.get(Practice, 1)
        if practice is not None and not practice.is_demo:
            raise OutreachError(
                f"The data folder {runtime.settings.home} holds a real practice: the demo does not touch it. "
                "Choose an empty folder with OUTREACH_HOME."
            )
        if practice is not None and practice.demo_furnished_at is not None:
            return
        for table in reversed(load_all().metadata.sorted_tables):
            turn.session.execute(delete(table))
    with runtime.turn() as turn:
        now = turn.now
        furnish(turn.session, now=now, key=runtime.key)
    live(runtime, now=now, zone=ZONE, chance=Random(SEED + 1))
    with runtime.turn() as turn:
        turn.session.get_one(Practice, 1).demo_furnished_at = turn.now


def furnish(session: Session, *, now: datetime, key: bytes) -> None:
    """The practice with its two years of relationships; deterministic for a day."""
    chance, today = Random(SEED), now.astimezone(ZONE).date()
    furnish_practice(session, now=now)
    places = furnish_places(session, now=now)
    furnish_area(session)
    furnish_people(session, places, now=now, key=key, chance=chance)
    describe_offices(session)
    furnish_referrals(session, now=now, today=today, chance=chance)
    session.flush()
    # Two refreshes a week apart: there is a "since last week" to tell, and the tiers have settled.
    for days in (8, 0):
        scoring.refresh(session, now=now - timedelta(days=days), today=today - timedelta(days=days))
    look_back(session, now=now, today=today)
    furnish_owed(session, now=now, today=today, chance=Random(SEED + 1))
