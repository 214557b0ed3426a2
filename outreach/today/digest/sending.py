"""Puts the Monday digest into the outbox: once per person and Monday, also when the worker was down at that hour."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content import publishing
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery
from outreach.deliveries.pacing import resolved
from outreach.errors import OutreachError, Refusal
from outreach.practice.models import Practice
from outreach.screen import World
from outreach.today.digest.composing import draft_of
from outreach.today.digest.numbers import numbers_of
from outreach.today.digest.rules import LATE_DAYS, MONDAY_MINUTE, monday_due
from outreach.today.habits import habits
from outreach.today.habits.habits import Habit

SOURCE, STEP = "digest", "monday"


def send_digest(session: Session, *, now: datetime, world: World) -> int:
    """Everybody who wants it has this Monday's digest in the outbox; answers how many were put. Idempotent.

    Nothing happens before Monday at seven in the practice's zone, after Wednesday, or for a Monday on which the
    practice was not here yet. Errors: OutreachError when the message cannot be made.
    """
    practice = session.get(Practice, 1)
    if practice is None:
        return 0
    zone = ZoneInfo(practice.time_zone)
    monday = monday_due(now, zone=zone)
    if monday is None or practice.created_at >= resolved(monday, MONDAY_MINUTE, zone):
        return 0
    readers = [one for one in habits.habits_of(session) if one.digest]
    served = _served(session, readers, monday)
    waiting = [one for one in readers if one.person_id not in served]
    if not waiting:
        return 0
    message_id = _message(session, practice, monday, now=now, zone=zone, world=world)
    for one in waiting:
        outbox.put_to_address(
            session,
            now=now,
            world=world,
            message_id=message_id,
            email=one.email,
            name=one.name,
            kind="system",
            source=SOURCE,
            source_id=one.person_id,
            step=STEP,
            occurrence=monday.isoformat(),
            not_after_at=resolved(monday + timedelta(days=LATE_DAYS), 0, zone),
        )
    return len(waiting)


def _served(session: Session, readers: list[Habit], monday: date) -> set[int]:
    return set(
        session.scalars(
            select(Delivery.source_id).where(
                Delivery.source == SOURCE,
                Delivery.source_id.in_([one.person_id for one in readers]),
                Delivery.step == STEP,
                Delivery.occurrence == monday.isoformat(),
            )
        )
    )


def _message(session: Session, practice: Practice, monday: date, *, now: datetime, zone: ZoneInfo, world: World) -> int:
    settings = world.settings
    address = practice.public_url or settings.public_url or f"http://{settings.host}:{settings.port}"
    draft = draft_of(numbers_of(session, monday, zone=zone), address=address.rstrip("/"))
    kept = publishing.keep(session, now=now, world=world, draft=draft, kind="system", by_id=None)
    if isinstance(kept, Refusal):
        raise OutreachError(f"The Monday digest could not be made ({kept.reason}): {kept.text}")
    return kept.id
