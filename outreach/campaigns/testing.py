"""A test of one email to any address; nobody is enrolled."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.campaigns.effects import SOURCE
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step
from outreach.content.drafts import Draft
from outreach.deliveries import trying
from outreach.errors import Refusal
from outreach.screen import World


def send_test(
    session: Session,
    *,
    now: datetime,
    world: World,
    campaign: Campaign,
    version: CampaignVersion,
    step: Step,
    email: str,
    who: str,
    audiences: Sequence[str],
    by_id: int | None,
) -> int | Refusal:
    """A test is planned at once; answers the delivery's id. Refusals: those of `deliveries.trying`."""
    sent = trying.send_test(
        session,
        now=now,
        world=world,
        draft=Draft.from_json(step.get("draft")),
        kind="drip",
        topic=Setup.from_json(version.settings).topic,
        audiences=audiences,
        who=who,
        email=email,
        source=SOURCE,
        source_id=campaign.id,
        step=step["key"],
        by_id=by_id,
    )
    if not isinstance(sent, Refusal):
        version.tested_at = now
    return sent
