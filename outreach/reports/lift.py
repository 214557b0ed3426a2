"""Campaign lift: who was given a campaign and who was held out by chance, and the referrals that followed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign, Enrollment
from outreach.reports.pooling.drawing import HELD_OUT, drawn, referral_days
from outreach.reports.rules import WINDOW_DAYS, Case, Uplift, measure

COLUMNS = ("campaign_id", "contact_id", "state", "entered_at", "expected_90")


@dataclass(frozen=True)
class CampaignLift:
    """One campaign with a hold-out: its verdict over everyone whose window is over, and who is still inside theirs."""

    campaign_id: int
    name: str
    uplift: Uplift
    running: int
    first_end_on: date | None
    """When the first window ends, while none has ended."""
    left_out: int
    """Without a frozen forecast: added before the first scoring."""


@dataclass(frozen=True)
class _Way:
    campaign_id: int
    contact_id: int
    held_out: bool
    from_on: date
    expected: float | None


def lifts(session: Session, *, today: date, zone: ZoneInfo) -> list[CampaignLift]:
    """Every campaign that holds people out, in the order of starting. Two queries, whatever their number."""
    names, ways = _ways(session, zone)
    days = referral_days(session, min((way.from_on for way in ways), default=today), drawn())
    return [
        _lift(campaign_id, name, [way for way in ways if way.campaign_id == campaign_id], days, today=today)
        for campaign_id, name in names.items()
    ]


def _ways(session: Session, zone: ZoneInfo) -> tuple[dict[int, str], list[_Way]]:
    rows = session.execute(
        select(Campaign.name, *(getattr(Enrollment, name) for name in COLUMNS))
        .join(Enrollment, Enrollment.campaign_id == Campaign.id)
        .where(drawn())
        .order_by(Campaign.id, Enrollment.id)
    )
    names: dict[int, str] = {}
    ways = []
    for name, campaign_id, contact_id, state, entered_at, expected in rows:
        names[campaign_id] = name
        ways.append(_Way(campaign_id, contact_id, state == HELD_OUT, _day(entered_at, zone), expected))
    return names, ways


def _lift(campaign_id: int, name: str, ways: list[_Way], days: dict[int, list[date]], *, today: date) -> CampaignLift:
    arms: dict[bool, list[Case]] = {False: [], True: []}
    running = left_out = 0
    for way in ways:
        ends_on = way.from_on + timedelta(days=WINDOW_DAYS)
        if ends_on > today:
            running += 1
        elif way.expected is None:
            left_out += 1
        else:
            got = sum(way.from_on <= day < ends_on for day in days.get(way.contact_id, ()))
            arms[way.held_out].append(Case(got, way.expected))
    ended = bool(arms[False] or arms[True])
    first_end = min((way.from_on for way in ways), default=today) + timedelta(days=WINDOW_DAYS)
    return CampaignLift(
        campaign_id=campaign_id,
        name=name,
        uplift=measure(arms[False], arms[True]),
        running=running,
        first_end_on=None if ended else first_end,
        left_out=left_out,
    )


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()
