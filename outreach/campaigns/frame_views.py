"""What the screens of campaigns share: the blueprint, the campaign of an address, its calendars and reach."""

from typing import Any

from flask import Blueprint, request

from outreach import screen
from outreach.campaigns import audience, drafting
from outreach.campaigns.audience import Reach
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.setup import Setup
from outreach.deliveries.house import house_of

campaigns = Blueprint("campaigns", __name__, url_prefix="/campaigns")
STATUS_WORDS = {"draft": "Draft", "live": "Live", "held": "On hold", "ended": "Ended"}


def known(campaign_id: int) -> Campaign:
    """The campaign of an address, or a 404."""
    return screen.or_404(drafting.campaign_of(screen.session(), campaign_id))


def page_of(campaign: Campaign) -> str:
    """Where a campaign is looked at: drafts in the builder, others on their results."""
    return f"/campaigns/{campaign.id}/edit" if campaign.status == "draft" else f"/campaigns/{campaign.id}"


def edit_page(campaign: Campaign, key: str = "", anchor: str = "") -> str:
    """The builder at one step; on phones its edit pane is open."""
    return f"/campaigns/{campaign.id}/edit/{key}?pane=edit{anchor}" if key else f"/campaigns/{campaign.id}/edit"


def calendars() -> Calendars:
    """Days and hours of the practice."""
    world = screen.world()
    return Calendars(house_of(screen.session(), now=screen.now(), transports=world.transports, settings=world.settings))


def reach_of(campaign: Campaign, version: CampaignVersion) -> Reach:
    """Whom the version reaches now."""
    return audience.reach_of(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        zone=screen.zone(),
        campaign=campaign,
        setup=Setup.from_json(version.settings),
    )


def turn() -> dict[str, Any]:
    """What every verb takes."""
    return {"now": screen.now(), "by_id": screen.actor_id()}


def local_now() -> Any:
    """Now in the practice's zone, as the date filters want it."""
    return screen.now().astimezone(screen.zone())


def rev_in() -> int:
    """The revision that the form carried, -1 when it carries none."""
    text = request.form.get("rev", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def may_write() -> bool:
    """Whether the signed-in person may change anything here."""
    return screen.actor().role in screen.WRITERS
