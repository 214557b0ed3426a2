"""Publishing a version: checked again, every email kept as it will be sent, people halfway treated as was chosen."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from outreach.campaigns import audience, checking, drafting, fencing, steps
from outreach.campaigns.audience import Reach
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.effects import SOURCE
from outreach.campaigns.holding import INSIDE
from outreach.campaigns.models import Campaign, CampaignMessage, CampaignVersion, DraftHistory, Enrollment
from outreach.campaigns.saying import title_of
from outreach.campaigns.setup import Setup
from outreach.content import publishing as messages
from outreach.content.drafts import Draft
from outreach.deliveries.house import house_of
from outreach.deliveries.paper import paper
from outreach.errors import Refusal
from outreach.screen import World

HALFWAY = {
    "finish": "They finish the version they began",
    "move": "They move over to the new version, at the step where they are",
}


def publish(
    session: Session,
    *,
    now: datetime,
    world: World,
    campaign: Campaign,
    rev: int,
    by_id: int | None,
    halfway: str = "finish",
    seen: int | None = None,
) -> CampaignVersion | Refusal:
    """The draft is the version that people get from now on. Nobody gets a step twice, whatever is chosen for halfway.

    `rev` and `seen` are what the review page showed: the draft's revision and the number of people.
    Refusals: nothing-new, edited-meanwhile, group-changed, not-ready (a blocker), and those of content.publishing.keep.
    """
    draft = drafting.version_in(session, campaign.id, "draft")
    if draft is None:
        return Refusal("nothing-new", "There is nothing new to publish: this version is already live.")
    if draft.rev != rev:
        return Refusal(drafting.MEANWHILE, "This campaign was changed after you opened this page. Look at it again.")
    setup = Setup.from_json(draft.settings)
    calendars = Calendars(house_of(session, now=now, transports=world.transports, settings=world.settings))
    reach = audience.reach_of(session, now=now, world=world, zone=calendars.house.zone, campaign=campaign, setup=setup)
    refusal = _refused(session, now, world, campaign, draft, reach, calendars, seen)
    if refusal is not None:
        return refusal
    kept = _keep_messages(session, now, world, draft, setup, reach.audiences, by_id)
    if isinstance(kept, Refusal):
        return kept
    old = drafting.version_in(session, campaign.id, "published")
    if old is not None:
        old.state = "retired"
        session.flush()
    draft.state, draft.published_at, draft.published_by_id = "published", now, by_id
    draft.audiences = list(reach.audiences)
    _settle(campaign, setup, now)
    campaign.from_yield = fencing.settled(session, world, setup, reach.group, draft.steps)
    paper.switch(session, SOURCE, campaign.id, on=setup.letters, now=now)
    session.execute(delete(DraftHistory).where(DraftHistory.version_id == draft.id))
    session.flush()
    if halfway == "move":
        move_over(session, campaign, draft)
    return draft


def move_over(session: Session, campaign: Campaign, new: CampaignVersion) -> int:
    """Everybody inside follows the new version from the step where they are, or from the next one that still exists;
    answers how many moved. Idempotent."""
    inside = (Enrollment.campaign_id == campaign.id, Enrollment.state.in_(INSIDE), Enrollment.version_id != new.id)
    waiting = session.execute(
        select(Enrollment.version_id, Enrollment.step_key, func.count())
        .where(*inside)
        .group_by(Enrollment.version_id, Enrollment.step_key)
    ).all()
    moved = 0
    for version_id, key, number in waiting:
        old = session.get_one(CampaignVersion, version_id)
        session.execute(
            update(Enrollment)
            .where(*inside, Enrollment.version_id == version_id, Enrollment.step_key == key)
            .values(version_id=new.id, step_key=steps.surviving_key(old.steps, new.steps, key))
        )
        moved += number
    return moved


def halfway_in(session: Session, campaign: Campaign) -> int:
    """How many people are on their way now."""
    inside = select(func.count()).select_from(Enrollment)
    return session.scalar(inside.where(Enrollment.campaign_id == campaign.id, Enrollment.state.in_(INSIDE))) or 0


def waiting_on_gone(session: Session, campaign: Campaign, new: CampaignVersion) -> list[str]:
    """Who waits for a step that the new version has no more, and where they would go on if they moved over."""
    waiting = session.execute(
        select(Enrollment.version_id, Enrollment.step_key, func.count())
        .where(Enrollment.campaign_id == campaign.id, Enrollment.state.in_(INSIDE), Enrollment.version_id != new.id)
        .group_by(Enrollment.version_id, Enrollment.step_key)
    ).all()
    said = []
    for version_id, key, number in waiting:
        old = session.get_one(CampaignVersion, version_id).steps
        if not key or steps.step_of(new.steps, key):
            continue
        following = steps.step_of(new.steps, steps.surviving_key(old, new.steps, key))
        goes_on = f"at “{title_of(following, new.steps)}”" if following else "to the end: nothing is left for them"
        people = "1 person waits" if number == 1 else f"{number} people wait"
        said.append(
            f"{people} for “{title_of(steps.step_of(old, key), old)}”, which is gone: moved, they go on {goes_on}."
        )
    return said


def _refused(
    session: Session,
    now: datetime,
    world: World,
    campaign: Campaign,
    draft: CampaignVersion,
    reach: Reach,
    calendars: Calendars,
    seen: int | None,
) -> Refusal | None:
    reached = len(reach.fresh)
    changed = seen is not None and abs(reached - seen) > checking.CHANGED_SHARE * max(seen, 1)
    if changed and not reach.trouble and reach.ids:
        text = (
            f"The group changed while you looked: {reached} people now, not {seen}. Nothing was published. Look again."
        )
        return Refusal("group-changed", text)
    checked = checking.check(
        session, now=now, world=world, campaign=campaign, version=draft, reach=reach, calendars=calendars
    )
    if checked.blockers:
        texts = tuple(finding.text for finding in checked.blockers)
        return Refusal("not-ready", f"Not published: {texts[0]}", texts)
    return None


def _keep_messages(
    session: Session,
    now: datetime,
    world: World,
    draft: CampaignVersion,
    setup: Setup,
    audiences: Sequence[str],
    by_id: int | None,
) -> bool | Refusal:
    for step in steps.emails(draft.steps):
        kept = messages.keep(
            session,
            now=now,
            world=world,
            draft=Draft.from_json(step.get("draft")),
            kind="drip",
            by_id=by_id,
            audiences=audiences,
            topic=setup.topic,
        )
        if isinstance(kept, Refusal):
            return Refusal(kept.reason, f"{title_of(step, draft.steps)}. {kept.text}", kept.details)
        session.add(CampaignMessage(version_id=draft.id, step_key=step["key"], message_id=kept.id))
    return True


def _settle(campaign: Campaign, setup: Setup, now: datetime) -> None:
    campaign.group_id, campaign.topic, campaign.entry = setup.group_id, setup.topic, setup.entry
    campaign.again_days, campaign.holdout_pct = setup.again_days, setup.holdout_pct
    campaign.published_at = campaign.published_at or now
    if campaign.status == "draft":
        campaign.status = "live"
