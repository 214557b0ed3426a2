"""What of a campaign rests on referrals or yield, as the database knows it: groups, questions, who starts whom."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.campaigns import drafting, facts, fence, steps
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step, Steps
from outreach.contacts import group_rules
from outreach.contacts.models import Group
from outreach.practice.queries import practice_of
from outreach.screen import World


def rests(setup: Setup, group: Group | None) -> bool:
    """Whether group or entry rest on referrals or yield."""
    return setup.rests_on_referrals or bool(group and group.from_yield)


def rests_on_referrals(session: Session, world: World) -> Callable[[Step], bool]:
    """What tells of a condition whether its question rests on referrals or yield."""
    marked = {fact.name for fact in world.group_facts if fact.from_yield}

    def told(step: Step) -> bool:
        question = step.get("question")
        if question == "group":
            group = session.get(Group, step.get("group_id") or 0)
            return group is not None and group.from_yield
        return question in steps.FROM_REFERRALS or (question == "field" and step.get("fact") in marked)

    return told


def settled(session: Session, world: World, setup: Setup, group: Group | None, tree: Steps) -> bool:
    """The mark that a published campaign carries: anything of it rests on referrals or yield."""
    told = rests_on_referrals(session, world)
    return rests(setup, group) or any(told(place.step) for place in steps.walk(tree))


def offers_value(session: Session, campaign: Campaign) -> bool:
    """Whether the campaign, live or as drafted, has a step of value."""
    versions = (drafting.version_in(session, campaign.id, state) for state in ("published", "draft"))
    return any(version is not None and fence.has_value_steps(version.steps) for version in versions)


def held_now(
    session: Session, world: World, *, campaign: Campaign, setup: Setup, tree: Steps, has_value: bool
) -> frozenset[str]:
    """The keys of steps that could not be published today, for example since a list was filled by yield meanwhile:
    nothing of value is offered by them, and nobody is started by them where something of value is offered."""
    starting = [place for place in steps.walk(tree) if place.step["kind"] in ("start", "stop") and _started(place.step)]
    if not (has_value or starting):
        return frozenset()
    group = session.get(Group, campaign.group_id) if campaign.group_id else None
    told, everybody = rests_on_referrals(session, world), rests(setup, group)
    held = {str(step["key"]) for step in fence.chosen_by_referrals(tree, all_of_them=everybody, rests=told)}
    for place in starting:
        around = steps.step_of(tree, place.parent) if place.parent else None
        chosen = everybody or "referred" in place.step.get("on", ()) or (around is not None and told(around))
        version = drafting.version_in(session, _started(place.step), "published") if chosen else None
        if version is not None and fence.has_value_steps(version.steps):
            held.add(str(place.step["key"]))
    return frozenset(held)


def started_by_referrals(session: Session, campaign: Campaign) -> Campaign | None:
    """A live campaign that starts this one for people whom referrals chose, or None."""
    rows = session.execute(
        select(Campaign, CampaignVersion.steps)
        .join(CampaignVersion, CampaignVersion.campaign_id == Campaign.id)
        .where(CampaignVersion.state == "published", Campaign.id != campaign.id, Campaign.deleted_at.is_(None))
    )
    return next((other for other, tree in rows if _starts(other, tree, campaign.id)), None)


def field_trouble(session: Session, world: World, step: Step) -> str | None:
    """Why the question about a field cannot be answered, as a sentence, or None."""
    if not step.get("fact"):
        return "choose what it asks about."
    rule = facts.rule_of(steps.asked(step)[0])
    try:
        now, zone = world.clock.now(), ZoneInfo(practice_of(session).time_zone or "UTC")
        group_rules.condition(session, rule, now=now, zone=zone, facts=world.group_facts)
    except ValueError as broken:
        return str(broken)
    return None


def _starts(other: Campaign, tree: Steps, campaign_id: int) -> bool:
    for place in steps.walk(tree):
        step = place.step
        chosen = other.from_yield or "referred" in step.get("on", ())
        if chosen and step["kind"] in ("start", "stop") and _started(step) == campaign_id:
            return True
    return False


def _started(step: Step) -> int:
    """The campaign that a start or stop step starts; 0 for none."""
    return int(step.get("campaign_id" if step["kind"] == "start" else "then_id") or 0)
