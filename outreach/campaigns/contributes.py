"""What this room offers to the rooms below it; `runtime` composes it."""

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
