"""What this room offers to the rooms below it; `runtime` composes it."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, not_, select
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign, Enrollment
from outreach.contacts.group_rules import Choices, Fact, as_ids, as_number
from outreach.contacts.models import Contact
from outreach.contacts.timeline import TouchKind


def _in_states(*states: str) -> Any:
    def make(operator: str, value: Any, _now: datetime, _zone: ZoneInfo) -> ColumnElement[bool]:
        ids = as_ids(value)
        found = exists().where(
            Enrollment.contact_id == Contact.id, Enrollment.campaign_id.in_(ids), Enrollment.state.in_(states)
        )
        return not_(found) if operator == "is-not" else found

    return make


def _campaigns(session: Session) -> Choices:
    rows = session.execute(
        select(Campaign.id, Campaign.name)
        .where(Campaign.status != "draft", Campaign.deleted_at.is_(None))
        .order_by(Campaign.name)
    )
    return tuple((str(row.id), row.name) for row in rows)


def _discharged(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    day = now.astimezone(zone).date() - timedelta(days=as_number(value))
    return Contact.discharged_on <= day if operator == "at-least" else Contact.discharged_on >= day


# A campaign may be filled by yield, so that who is in it would tell: both facts carry the mark (architecture 3).
GROUP_FACTS = (
    Fact(
        "in-campaign", "In a campaign", ("is", "is-not"), _in_states("active", "on-hold"), _campaigns, from_yield=True
    ),
    Fact(
        "finished-campaign",
        "Went through a campaign",
        ("is", "is-not"),
        _in_states("finished", "stopped"),
        _campaigns,
        from_yield=True,
    ),
    Fact("days-since-discharge", "Days since discharge", ("at-least", "at-most"), _discharged),
)
TIMELINE_KINDS = (
    TouchKind("enrolled", "Campaign started", "route"),
    TouchKind("finished", "Campaign finished", "flag"),
    TouchKind("stopped", "Campaign stopped early", "flag"),
)
SOURCE_NAMES = (("campaign", Campaign.id, Campaign.name),)
