"""Reckons each night what one touch adds, from the campaigns whose hold-out is over, and keeps it for Today's order."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from outreach.campaigns.fence import has_value_steps
from outreach.campaigns.models import CampaignVersion, Enrollment, StepDone
from outreach.campaigns.steps import walk
from outreach.deliveries.models import builder
from outreach.practice.models import Practice
from outreach.referrals.lift_models import TouchLift
from outreach.reports.pooling.drawing import AT_ONCE, HELD_OUT, drawn, referral_days
from outreach.reports.pooling.rules import HoldOut, pooled

WINDOW_DAYS = 90
TOUCH_OF_TASK = {"call": "Call", "visit": "Visit", "thank": "Thank", "write": "Write", "send": "Send"}
"""What a task of a campaign is among the touches of Today; an email of a campaign is something written."""


def keep_lifts(session: Session, *, now: datetime) -> int:
    """The lifts of the practice's local day are kept; answers how many rows were made. Idempotent within a day."""
    name = session.scalar(select(Practice.time_zone))
    if name is None:
        return 0
    zone = ZoneInfo(name)
    today = now.astimezone(zone).date()
    if session.scalar(select(TouchLift.id).where(TouchLift.as_of_on == today).limit(1)) is not None:
        return 0
    lifts = pooled(finished_tests(session, today=today, zone=zone).values())
    for touch, one in lifts.items():
        said = {
            "lift": one.lift,
            "told": one.told,
            "people": one.people,
            "campaigns": one.campaigns,
            "referrals": one.referrals,
            "as_of_on": today,
            "reckoned_at": now,
        }
        row = builder(session)(TouchLift).values(touch=touch, **said)
        session.execute(row.on_conflict_do_update(index_elements=["touch"], set_=said))
    return len(lifts)


def finished_tests(session: Session, *, today: date, zone: ZoneInfo) -> dict[int, HoldOut]:
    """{campaign id: its test}, over everyone whose 90 days are over, as assigned. Three queries, whatever their number.

    Who was put in by hand, came a second time or had no frozen forecast is no part of the draw.
    """
    over = _ended(today, zone)
    first = session.scalar(select(func.min(Enrollment.entered_at)).where(over))
    if first is None:
        return {}
    days = referral_days(session, first.astimezone(zone).date(), over)
    tests: dict[int, HoldOut] = {}
    for campaign_id, contact_id, state, entered_at, expected in _ways(session, over):
        test = tests.setdefault(campaign_id, HoldOut())
        from_on = entered_at.astimezone(zone).date()
        until_on = from_on + timedelta(days=WINDOW_DAYS)
        got = sum(from_on <= day < until_on for day in days.get(contact_id, ()))
        (test.held_out if state == HELD_OUT else test.treated).add(got, expected)
    for campaign_id, touches in _touches(session, over).items():
        test = tests[campaign_id]
        test.touches = {touch: number / test.treated.people for touch, number in touches.items()}
    return tests


def _ended(today: date, zone: ZoneInfo) -> ColumnElement[bool]:
    """Drawn ways through campaigns with a hold-out whose window is over."""
    latest = datetime.combine(today - timedelta(days=WINDOW_DAYS - 1), time(), zone).astimezone(UTC)
    return and_(drawn(), Enrollment.expected_90.is_not(None), Enrollment.entered_at < latest)


def _ways(session: Session, over: ColumnElement[bool]) -> Iterator[Any]:
    found = select(
        Enrollment.campaign_id, Enrollment.contact_id, Enrollment.state, Enrollment.entered_at, Enrollment.expected_90
    )
    return iter(session.execute(found.where(over).execution_options(yield_per=AT_ONCE)))


def _touches(session: Session, over: ColumnElement[bool]) -> dict[int, dict[str, int]]:
    """{campaign id: {sort of touch: how many of them its treated people got}}."""
    rows = session.execute(
        select(Enrollment.campaign_id, StepDone.version_id, StepDone.step_key, func.count())
        .join(StepDone, StepDone.enrollment_id == Enrollment.id)
        .where(over, Enrollment.state != HELD_OUT, StepDone.outcome.in_(("sent", "task")))
        .group_by(Enrollment.campaign_id, StepDone.version_id, StepDone.step_key)
    ).all()
    versions = {row.version_id for row in rows}
    found_trees = select(CampaignVersion.id, CampaignVersion.steps).where(CampaignVersion.id.in_(versions))
    trees = {row.id: row.steps for row in session.execute(found_trees)}
    # What food or gifts did to referrals is not asked: a campaign that offers any tells nothing (42 CFR 411.357(k)).
    valued = {row.campaign_id for row in rows if has_value_steps(trees[row.version_id])}
    sorts = {
        (version_id, place.step["key"]): TOUCH_OF_TASK.get(str(place.step.get("task")), "Write")
        for version_id, steps in trees.items()
        for place in walk(steps)
    }
    found: dict[int, dict[str, int]] = {}
    for campaign_id, version_id, key, number in rows:
        if campaign_id not in valued:
            touch = sorts.get((version_id, key), "Write")
            own = found.setdefault(campaign_id, {})
            own[touch] = own.get(touch, 0) + number
    return found
