"""Nobody is asked for a favor too often: testimonials, referrals and the like share one spacing (domain S62)."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, not_
from sqlalchemy.orm import aliased

from outreach.campaigns.models import Campaign, Enrollment
from outreach.contacts.models import Contact
from outreach.deliveries.models import Delivery

TOPIC = "asks"
SPACING = timedelta(days=180)
TOO_SOON = "was asked for a favor within the last 180 days, or is being asked in another campaign"


def not_asked_lately(campaign: Campaign, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions on Contact to be asked by this campaign now; none for a campaign that asks for nothing."""
    return (not_(asked_lately(campaign, now=now)),) if campaign.topic == TOPIC else ()


def asked_lately(campaign: Campaign, *, now: datetime) -> ColumnElement[bool]:
    """The condition on Contact to have got an ask within the spacing, or to be in another campaign that asks."""
    other = aliased(Campaign)
    asked = exists().where(Delivery.contact_id == Contact.id, Delivery.sent_at > now - SPACING, Delivery.topic == TOPIC)
    being_asked = exists().where(
        Enrollment.contact_id == Contact.id,
        Enrollment.state.in_(("active", "on-hold")),
        Enrollment.campaign_id == other.id,
        other.topic == TOPIC,
        other.id != campaign.id,
    )
    return asked.correlate(Contact) | being_asked.correlate(Contact)
