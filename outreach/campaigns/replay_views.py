"""Any day of a campaign on screen: what goes out, to whom, and why the others are left out."""

from datetime import date, timedelta

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.campaigns import drafting, replaying
from outreach.campaigns.frame_views import STATUS_WORDS, calendars, campaigns, known, local_now, reach_of
from outreach.contacts.queries import cards_for

SHOWN = 200
FARTHEST = timedelta(days=366 * 3)


@campaigns.get("/<int:campaign_id>/day")
@screen.writes_on_get
def day(campaign_id: int) -> ResponseReturnValue:
    """One day, today unless the address says another."""
    campaign = known(campaign_id)
    session, today = screen.session(), local_now().date()
    typed = request.args.get("on", "").strip()
    on, trouble = _day_in(typed, today)
    version = drafting.version_in(session, campaign.id, "published") or drafting.shown_version(session, campaign.id)
    found = replaying.replay(
        session,
        now=screen.now(),
        world=screen.world(),
        campaign=campaign,
        calendars=calendars(),
        reach=reach_of(campaign, version),
        on=on,
    )
    shown, left = found.out[:SHOWN], found.left[:SHOWN]
    cards = cards_for(session, [each.contact_id for each in shown] + [contact_id for contact_id, _ in left])
    if any(card.kind in CLIENT_KINDS for card in cards.values()):
        screen.record("viewed", "campaign", campaign.id, what=f"day {on.isoformat()}")
    return screen.page(
        "campaigns/day.html",
        campaign=campaign,
        day=found,
        shown=shown,
        left=left,
        cards=cards,
        on=on,
        today=today,
        before=on - timedelta(days=1),
        after=on + timedelta(days=1),
        trouble=trouble,
        typed=typed,
        status_words=STATUS_WORDS,
        now=local_now(),
        status=422 if trouble else 200,
    )


CLIENT_KINDS = ("client", "former-client", "family")


def _day_in(typed: str, today: date) -> tuple[date, str]:
    if not typed:
        return today, ""
    try:
        on = date.fromisoformat(typed)
    except ValueError:
        return today, "Type a day as year-month-day, for example 2026-11-30. Here is today."
    if abs(on - today) > FARTHEST:
        return today, "Choose a day within three years. Here is today."
    return on, ""
