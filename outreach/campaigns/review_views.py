"""The last look: review and publish, trying it with a contact, a test to any address."""

from datetime import datetime, timedelta
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.campaigns import (
    audience,
    checking,
    drafting,
    enrolling,
    publishing,
    saying,
    stepping,
    steps,
    testing,
    walking,
)
from outreach.campaigns.audience import Reach
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.forms import number_in
from outreach.campaigns.frame_views import (
    calendars,
    campaigns,
    edit_page,
    known,
    local_now,
    reach_of,
    rev_in,
    turn,
)
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.setup import Setup
from outreach.contacts.models import Contact
from outreach.contacts.queries import ContactCard, cards_for, find
from outreach.deliveries.returns import answering
from outreach.deliveries.returns.answering import Pause
from outreach.errors import Refusal

FIRST_PEOPLE = 10


@campaigns.get("/<int:campaign_id>/publish")
@screen.needs(*screen.LOGGERS)
def review(campaign_id: int) -> ResponseReturnValue:
    """Checks, the exact number, who is left out, and the first ten people with their dates."""
    campaign = known(campaign_id)
    version = drafting.shown_version(screen.session(), campaign.id)
    reach, house = reach_of(campaign, version), calendars()
    checked = checking.check(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        campaign=campaign,
        version=version,
        reach=reach,
        calendars=house,
    )
    setup = Setup.from_json(version.settings)
    held = round(len(reach.fresh) * setup.holdout_pct / 100)
    return screen.page(
        "campaigns/review.html",
        campaign=campaign,
        version=version,
        reach=reach,
        checked=checked,
        setup=setup,
        held=held,
        noun=reach.noun,
        number=len(reach.fresh) if setup.entry != "hand" else 0,
        first=_first_people(reach.fresh, house, version) if setup.entry != "hand" else [],
        entry_said=saying.entry_said(setup).lower(),
        moved=publishing.waiting_on_gone(screen.session(), campaign, version),
        inside=publishing.halfway_in(screen.session(), campaign),
        halfway=publishing.HALFWAY,
        now=local_now(),
    )


@campaigns.post("/<int:campaign_id>/publish")
@screen.needs_right("send")
def publish(campaign_id: int) -> ResponseReturnValue:
    """The draft is live, unless something stands in the way."""
    campaign = known(campaign_id)
    halfway = request.form.get("halfway", "finish")
    done = publishing.publish(
        screen.session(),
        world=screen.world(),
        campaign=campaign,
        rev=rev_in(),
        halfway=halfway if halfway in publishing.HALFWAY else "finish",
        seen=number_in(request.form.get("seen")),
        **turn(),
    )
    if isinstance(done, Refusal):
        return screen.refused(done, f"/campaigns/{campaign.id}/publish")
    screen.record("published", "campaign", campaign.id, version=done.number, halfway=halfway)
    text = f"Version {done.number} is live. Nothing leaves within the next minute."
    undo = f"/campaigns/{campaign.id}/hold" if campaign.status == "live" else None
    return screen.done(f"/campaigns/{campaign.id}", text, undo=undo)


@campaigns.get("/<int:campaign_id>/try")
@screen.writes_on_get
def try_it(campaign_id: int) -> ResponseReturnValue:
    """One contact's way with dates and messages; nothing is sent."""
    campaign = known(campaign_id)
    version = drafting.shown_version(screen.session(), campaign.id)
    reach = reach_of(campaign, version)
    typed = request.args.get("who", "").strip()
    contact_id = request.args.get("contact", type=int) or (reach.ids[0] if reach.ids and not typed else None)
    contact = screen.session().get(Contact, contact_id) if contact_id and 0 < contact_id < 2**53 else None
    contact = contact if contact and not contact.deleted_at and not contact.merged_into_id else None
    if contact is not None and contact.audience_class == "client":
        screen.record("viewed", "contact", contact.id)
    answers = {key[5:]: value for key, value in request.args.items() if key.startswith("lane-")}
    return screen.page(
        "campaigns/try.html",
        campaign=campaign,
        version=version,
        contact=contact,
        lines=_lines(contact, version, answers) if contact else [],
        answers=answers,
        typed=typed,
        found=find(screen.session(), typed) if len(typed) > 1 else [],
        questions=[place.step for place in steps.walk(version.steps) if place.step["kind"] == "condition"],
        question_words={key: words for key, (words, _) in steps.QUESTIONS.items()},
        left_out=_left_out(contact, campaign, version, reach) if contact else [],
        gone=bool(contact_id) and contact is None,
        now=local_now(),
    )


@campaigns.post("/<int:campaign_id>/test/<key>")
@screen.needs(*screen.WRITERS)
def send_test(campaign_id: int, key: str) -> ResponseReturnValue:
    """One email, as somebody gets it, to a typed address or to yourself."""
    campaign = known(campaign_id)
    version = drafting.shown_version(screen.session(), campaign.id)
    step = screen.or_404(steps.step_of(version.steps, key))
    email = request.form.get("email", "").strip() or str(getattr(screen.actor(), "email", ""))
    sent = testing.send_test(
        screen.session(),
        world=screen.world(),
        campaign=campaign,
        version=version,
        step=step,
        email=email,
        who=request.form.get("as", ""),
        audiences=reach_of(campaign, version).audiences,
        **turn(),
    )
    if isinstance(sent, Refusal):
        return screen.refused(sent, edit_page(campaign, key))
    screen.record("tested", "campaign", campaign.id, step=key)
    return screen.done(edit_page(campaign, key), f"A test is on its way to {email}.")


def _left_out(contact: Contact, campaign: Campaign, version: CampaignVersion, reach: Reach) -> list[str]:
    """Sentences on what keeps this contact from entering, or their mail from leaving."""
    session, setup = screen.session(), Setup.from_json(version.settings)
    found = []
    if why := audience.why_not(session, contact, campaign, setup, reach):
        found.append(f"{contact.name} would not enter now: {why}.")
    if answering.pauses_of(session, [contact.id], now=screen.now()).get(contact.id, Pause()).unanswered:
        found.append("They wrote to us: nothing goes out by itself until somebody has answered.")
    if not calendars().knows(contact.time_zone):
        found.append("Their time zone is not known: no email leaves until it is put right on their page.")
    return found


def _first_people(ids: list[int], house: Calendars, version: Any) -> list[tuple[ContactCard, datetime, str]]:
    """The first people with the date of their first email or task, and why it comes later where it does."""
    session, chosen, found = screen.session(), ids[:FIRST_PEOPLE], []
    cards, burdens = cards_for(session, chosen), stepping.burdens_of(session, chosen, now=screen.now())
    rows = session.execute(select(Contact.id, Contact.time_zone).where(Contact.id.in_(chosen)))
    zones = {row.id: row.time_zone for row in rows}
    earliest, setup = screen.now() + timedelta(seconds=enrolling.UNDO_SECONDS), Setup.from_json(version.settings)
    for each in chosen:
        way = walking.walk(
            version.steps, setup, now=earliest, calendar=house.of(zones.get(each)), answers={}, burden=burdens.get(each)
        )
        first = next((line for line in way if line.kind in ("email", "task")), None)
        at = first.at if first else house.entry_at(earliest, zones.get(each), setup)
        if each in cards:
            found.append((cards[each], at, first.moved if first else ""))
    return found


def _lines(contact: Contact, version: Any, answers: dict[str, str]) -> list[walking.Line]:
    burdens = stepping.burdens_of(screen.session(), [contact.id], now=screen.now())
    pause = answering.pauses_of(screen.session(), [contact.id], now=screen.now()).get(contact.id, Pause())
    return walking.walk(
        version.steps,
        Setup.from_json(version.settings),
        now=screen.now(),
        calendar=calendars().of(contact.time_zone),
        answers=answers,
        burden=burdens.get(contact.id),
        away_until=pause.away_until,
    )
