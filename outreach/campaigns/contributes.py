"""What this room offers to others; `runtime` composes it."""

from sqlalchemy import select

from outreach.campaigns.group_facts import CAMPAIGN_FACTS
from outreach.campaigns.models import Campaign
from outreach.contacts.timeline import TouchKind

GROUP_FACTS = CAMPAIGN_FACTS
TIMELINE_KINDS = (
    TouchKind("enrolled", "Campaign started", "route"),
    TouchKind("finished", "Campaign finished", "flag"),
    TouchKind("stopped", "Campaign stopped early", "flag"),
)
SOURCE_NAMES = (("campaign", Campaign.id, Campaign.name),)
_THANKS = (Campaign.recipe == "thank-you", Campaign.deleted_at.is_(None))
THANKS_SOURCES = (
    (
        "campaign",
        select(Campaign.id).where(Campaign.recipe == "thank-you"),
        select(Campaign.name).where(*_THANKS, Campaign.status == "live").order_by(Campaign.name),
    ),
)
"""What thanks for referrals by mail, and the names of what does so now."""
