"""A test of one email to any address; links in tests do not count, and nobody is enrolled."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from outreach.campaigns.effects import SOURCE
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.steps import Step
from outreach.contacts.addresses import parse_address
from outreach.content import previewing
from outreach.content import publishing as messages
from outreach.content.drafts import Draft
from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
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
    """The email is on its way to the address, marked as a test by deliveries, filled with a contact's details (for
    clients with an invented person); answers the delivery. Refusals: bad-address, and those of publishing.keep."""
    address = parse_address(email)
    if isinstance(address, Refusal):
        return Refusal(address.reason, f"{address.text} Nothing was sent.")
    draft = Draft.from_json(step.get("draft"))
    kept = messages.keep(
        session, now=now, world=world, draft=draft, kind="test", by_id=by_id, audiences=audiences, topic=""
    )
    if isinstance(kept, Refusal):
        return kept
    zone = ZoneInfo(practice_of(session).time_zone)
    values = previewing.person_values(session, who, kept.groups, now=now, zone=zone, world=world)
    delivery_id = outbox.put_to_address(
        session,
        now=now,
        world=world,
        message_id=kept.id,
        email=address.email,
        kind="test",
        source=f"{SOURCE}-test",
        source_id=campaign.id,
        step=step["key"],
        values=values,
    )
    version.tested_at = now
    return delivery_id
