"""What a group can ask about campaigns. Yield may have filled one, so who is in it would tell: all carry the mark."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_

from outreach.campaigns.models import Campaign, Enrollment
from outreach.contacts.group_asking import linked_fact, named_rows
from outreach.contacts.group_rules import Fact, as_number
from outreach.contacts.models import Contact

_CAMPAIGNS = named_rows(Campaign.id, Campaign.name, Campaign.status != "draft", Campaign.deleted_at.is_(None))


def _in_states(name: str, label: str, *states: str) -> Fact:
    found = (Enrollment.contact_id, Enrollment.campaign_id)
    return linked_fact(name, label, *found, _CAMPAIGNS, Enrollment.state.in_(states), from_yield=True)


def _discharged(operator: str, value: Any, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
    day = now.astimezone(zone).date() - timedelta(days=as_number(value))
    asked = Contact.discharged_on <= day if operator == "at-least" else Contact.discharged_on >= day
    # Told apart from NULL, so that "none of these" holds for those who were never discharged.
    return and_(Contact.discharged_on.is_not(None), asked)


CAMPAIGN_FACTS = (
    _in_states("in-campaign", "In a campaign", "active", "on-hold"),
    _in_states("finished-campaign", "Went through a campaign", "finished", "stopped"),
    _in_states("stopped-campaign", "Left a campaign early", "stopped"),
    Fact("days-since-discharge", "Days since discharge", ("at-least", "at-most"), _discharged),
)
