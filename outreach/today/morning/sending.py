"""Puts the plan of the day into the outbox: once per person and weekday, also when the worker was down at seven."""

import logging
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.content import publishing
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery
from outreach.deliveries.pacing import resolved
from outreach.errors import OutreachError, Refusal
from outreach.events import standing_in
from outreach.practice.models import Practice
from outreach.practice.queries import quiet_days
from outreach.screen import World
from outreach.today.dates import own
from outreach.today.dates.own import Plan
from outreach.today.habits import habits
from outreach.today.habits.habits import Habit
from outreach.today.morning.composing import draft_of
from outreach.today.morning.rules import MORNING_MINUTE, NOON_MINUTE, has_something, morning_due, new_since

log = logging.getLogger(__name__)

SOURCE, STEP = "morning", "plan"


def send_plans(session: Session, *, now: datetime, world: World) -> int:
    """Everybody who wants it and whose day holds something has its plan in the outbox; answers how many. Idempotent.

    Nothing happens outside weekday mornings in the practice's zone. Who is away gets none: a colleague has their
    things. A message that cannot be made is logged and left out.
    """
    practice = session.get(Practice, 1)
    zone = ZoneInfo(practice.time_zone) if practice else None
    day = morning_due(now, zone=zone) if zone else None
    if practice is None or zone is None or day is None:
        return 0
    readers = {one.person_id: one for one in habits.habits_of(session) if one.morning}
    waiting = set(readers) - _served(session, day) - set(standing_in.stand_ins(session))
    if not waiting:
        return 0
    found = [
        (readers[person], plan)
        for person, plan in _plans(session, sorted(waiting), day, zone).items()
        if has_something(
            day, meetings=len(plan.meetings), due=len(plan.due), late=plan.late, quiet=day in quiet_days(session)
        )
    ]
    address = (practice.public_url or world.settings.public_url or "").rstrip("/")
    put = 0
    for one, plan in found:
        try:
            with session.begin_nested():
                _put(session, one, plan, day, now=now, zone=zone, world=world, address=address)
            put += 1
        except OutreachError as broken:  # everybody else's plan leaves; this one is tried again until noon
            log.error("The plan of the day of person %s was not made: %s", one.person_id, broken)
    return put


def _plans(session: Session, people: list[int], day: date, zone: ZoneInfo) -> dict[int, Plan]:
    # As it stood at seven: what somebody writes down at nine is no news to them.
    seven = resolved(day, MORNING_MINUTE, zone)
    plans = own.plans_of(session, people, new_since(day, quiet_days(session)), day, known_at=seven)
    for plan in plans.values():
        plan.meetings = [one for one in plan.meetings if one.on == day]
    return plans


def _served(session: Session, day: date) -> set[int]:
    return set(
        session.scalars(
            select(Delivery.source_id).where(
                Delivery.source == SOURCE, Delivery.step == STEP, Delivery.occurrence == day.isoformat()
            )
        )
    )


def _put(
    session: Session, one: Habit, plan: Plan, day: date, *, now: datetime, zone: ZoneInfo, world: World, address: str
) -> None:
    draft = draft_of(plan, day, name=one.name, zone=zone, address=address)
    kept = publishing.keep(session, now=now, world=world, draft=draft, kind="system", by_id=None)
    if isinstance(kept, Refusal):
        raise OutreachError(f"The plan of the day could not be made ({kept.reason}): {kept.text}")
    outbox.put_to_address(
        session,
        now=now,
        world=world,
        message_id=kept.id,
        email=one.email,
        name=one.name,
        kind="system",
        source=SOURCE,
        source_id=one.person_id,
        step=STEP,
        occurrence=day.isoformat(),
        not_after_at=resolved(day, NOON_MINUTE, zone),
    )
