"""Everything that is checked before a campaign is published; each line leads to its fix (ui-guide 5.4)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from outreach.campaigns import expecting, fence, fencing, rules, steps
from outreach.campaigns.audience import Reach
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.entries import EVENTS
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.campaigns.saying import title_of
from outreach.campaigns.setup import TOPICS, Setup, time_said
from outreach.campaigns.steps import Step
from outreach.contacts.models import Group
from outreach.contacts.tasks import OUTCOMES
from outreach.content import preflight
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.deliveries import pacing
from outreach.deliveries.caps import capping
from outreach.deliveries.caps.cap_rules import MATTERS
from outreach.deliveries.contributes import on_paper
from outreach.deliveries.moved_words import moved_to, why_not_then
from outreach.screen import World

CHANGED_SHARE = 0.2
SAMPLE = 500
AROUND = ("greeting", "text", "signature", "divider")
"""Blocks that say nothing by themselves."""


@dataclass(frozen=True)
class Checked:
    """The checklist of one version. `by_step` are the findings about one email, for its edit pane."""

    findings: list[Finding]
    by_step: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def blockers(self) -> list[Finding]:
        """What must be put right first."""
        return [finding for finding in self.findings if finding.level == "blocker"]

    @property
    def passing(self) -> int:
        """How many are in order."""
        return sum(finding.level == "pass" for finding in self.findings)


@dataclass(frozen=True)
class _Asked:
    session: Session
    now: datetime
    world: World
    campaign: Campaign
    version: CampaignVersion
    setup: Setup
    reach: Reach
    calendars: Calendars

    def fix(self, key: str = "", anchor: str = "") -> str:
        return f"/campaigns/{self.campaign.id}/edit/{key or 'group'}?pane=edit{anchor}"


def check(
    session: Session,
    *,
    now: datetime,
    world: World,
    campaign: Campaign,
    version: CampaignVersion,
    reach: Reach,
    calendars: Calendars,
) -> Checked:
    """Every check of the version as it stands, blockers first. Nothing is written."""
    setup = Setup.from_json(version.settings)
    asked = _Asked(session, now, world, campaign, version, setup, reach, calendars)
    by_step = {step["key"]: _email(asked, step) for step in steps.emails(version.steps)}
    found = [*_group(asked), *_shape(asked), *_timing(asked), *_fence(asked)]
    for place in steps.walk(version.steps):
        found += _step(asked, place)
        found += [finding for finding in by_step.get(place.step["key"], ()) if finding.level != "pass"]
    if by_step and not any(finding.level == "blocker" for each in by_step.values() for finding in each):
        number = len(by_step)
        text = "The email is ready" if number == 1 else f"All {number} emails are ready"
        found.append(Finding("pass", f"{text}: subject, details, links, sender and unsubscribe"))
    found.sort(key=lambda finding: preflight.ORDER[finding.level])
    return Checked(list(dict.fromkeys(found)), by_step)


def _group(asked: _Asked) -> Iterator[Finding]:
    reach, fix = asked.reach, asked.fix()
    if reach.trouble:
        yield Finding("blocker", reach.trouble, fix)
        return
    assert reach.group is not None
    if not reach.ids:
        why = f" {reach.left_out_said}." if reach.left_out else ""
        level = "blocker" if asked.campaign.status == "draft" and asked.setup.entry == "group" else "warning"
        yield Finding(level, f"Nobody in “{reach.group.name}” can be written to now.{why}", fix)
    else:
        number = len(reach.ids)
        people = "1 person" if number == 1 else f"{number} people"
        yield Finding("pass", f"{people} of “{reach.group.name}” can be written to")
    if asked.setup.entry in EVENTS and EVENTS[asked.setup.entry].yearly and not asked.setup.again_days:
        text = "People enter every year, but are let in once only. Let them in again after 300 days."
        yield Finding("warning", text, fix)
    if asked.setup.entry == "referral" and not asked.setup.again_days:
        text = "Only their next referral lets people in. For every one, let them in again after some days."
        yield Finding("warning", text, fix)
    before = asked.version.counted
    if before and abs(reach.matched - before) > CHANGED_SHARE * before:
        text = f"The group changed: {before} matched when it was chosen, {reach.matched} match now."
        yield Finding("warning", text, fix)
    weight = MATTERS[asked.setup.matters][1]
    some, topic = reach.fresh[:SAMPLE], asked.setup.topic
    later = capping.too_soon(asked.session, some, at=asked.now, now=asked.now, weight=weight, topic=topic)
    if later:
        text = f"{later} {'person has' if later == 1 else 'people have'} had mail from us lately: theirs comes later."
        yield Finding("warning", text, fix)


def _shape(asked: _Asked) -> Iterator[Finding]:
    tree = asked.version.steps
    kinds = [place.step["kind"] for place in steps.walk(tree)]
    if "email" not in kinds and "task" not in kinds:
        yield Finding("blocker", "There is no email and no task yet. Add a step.", asked.fix("new"))
    else:
        yield Finding("pass", "Every step leads on")
    emails = steps.emails(tree)
    tested = asked.version.tested_at
    if emails and (tested is None or tested < asked.version.edited_at):
        yield Finding("warning", "No test was sent since the last edit.", asked.fix(emails[0]["key"]))
    elif emails:
        yield Finding("pass", "A test was sent since the last edit")
    ends = next((i for i, step in enumerate(tree) if step["kind"] == "stop" and not steps.is_watch(step)), None)
    if ends is not None and any(not steps.is_watch(step) for step in tree[ends + 1 :]):
        yield Finding("warning", "Steps below “Stop here” are never reached.", asked.fix(tree[ends]["key"]))


def _timing(asked: _Asked) -> Iterator[Finding]:
    first, last = asked.calendars.house.practice.send_from_minute, asked.calendars.house.practice.send_until_minute
    if not first <= asked.setup.minute < last:
        hours = f"{time_said(first)} to {time_said(last)}"
        edge = time_said(first if asked.setup.minute < first else last - 1)
        text = f"{time_said(asked.setup.minute)} lies outside sending hours ({hours}): emails leave at {edge}."
        yield Finding("warning", text, asked.fix())
    yield from _first_day(asked)
    limits = capping.limits_of(asked.session)
    topic, rhythm = asked.setup.topic, limits.days_of(asked.setup.topic)
    said = limits.said() if rhythm == limits.gap_days else f"one “{TOPICS[topic]}” in {rhythm} days"
    for key, days in _close_emails(asked.version.steps, None, rhythm):
        step = steps.step_of(asked.version.steps, key)
        lost = step and step.get("latest_days") and days + step["latest_days"] < rhythm
        text = (
            f"{title_of(step, asked.version.steps)} is planned {days:.0f} days after the email before it. Nobody gets "
            f"more than {said}, so it will {'be left out, as you chose for late ones' if lost else 'wait'}."
        )
        yield Finding("warning", text, asked.fix(key))


def _first_day(asked: _Asked) -> Iterator[Finding]:
    """The day on which people would begin, when nothing leaves on it; and chosen days on which nothing ever does."""
    house, setup = asked.calendars.house, asked.setup
    if setup.weekdays and not set(setup.weekdays) & set(house.practice.send_weekdays):
        text = "The first step is to come on days without mail: people begin on any of your days for sending."
        yield Finding("warning", text, asked.fix())
    if setup.entry != "group":
        return
    today = asked.now.astimezone(house.zone).date()
    wanted = max(asked.now, pacing.resolved(today, setup.minute, house.zone))
    first = asked.calendars.entry_at(asked.now, None, setup)
    chosen = not setup.weekdays or today.weekday() in setup.weekdays
    if chosen and wanted < first and (why := why_not_then(asked.session, house, wanted)):
        yield Finding("warning", f"{why}: the first step comes {moved_to(house, first)}.", asked.fix())


def _close_emails(tree: Sequence[Step], since: float | None, gap_days: int) -> list[tuple[str, float]]:
    """Emails that come sooner after another one than the cap allows: (key, days)."""
    found: list[tuple[str, float]] = []
    for step in tree:
        if step["kind"] == "wait" and since is not None:
            since += expecting.wait_days(step)[0]
        elif step["kind"] == "email":
            if since is not None and since < gap_days:
                found.append((step["key"], since))
            since = 0.0
        elif step["kind"] == "condition":
            ends = []
            for lane in steps.LANES:
                found += _close_emails(step.get(lane, ()), since, gap_days)
                ends.append(_since(step.get(lane, ()), since))
            known = [each for each in ends if each is not None]
            since = min(known) if known else None
    return found


def _since(tree: Sequence[Step], since: float | None) -> float | None:
    for step in tree:
        if step["kind"] == "email":
            since = 0.0
        elif step["kind"] == "wait" and since is not None:
            since += expecting.wait_days(step)[0]
    return since


def _step(asked: _Asked, place: steps.Place) -> Iterator[Finding]:
    step, fix = place.step, asked.fix(place.step["key"])
    match step["kind"]:
        case "condition":
            yield from _condition(asked, step, fix)
        case "task":
            yield from _task(asked, place, fix)
        case "group":
            group = asked.session.get(Group, step.get("group_id") or 0)
            if group is None or group.deleted_at or not group.fixed:
                yield Finding("blocker", "A group change needs a fixed list to put people on.", fix)
        case "start":
            around = steps.step_of(asked.version.steps, place.parent) if place.parent else None
            referred = around is not None and fencing.rests_on_referrals(asked.session, asked.world)(around)
            yield from _other(asked, step.get("campaign_id"), fix, needed=True, referred=referred)
        case "stop":
            referred = "referred" in step.get("on", ())
            yield from _other(asked, step.get("then_id"), fix, needed=False, referred=referred)


def _condition(asked: _Asked, step: Step, fix: str) -> Iterator[Finding]:
    if not step.get("yes") and not step.get("no"):
        yield Finding("warning", "Both lanes of a condition are empty: it makes no difference.", fix)
    if step.get("question") == "group":
        group = asked.session.get(Group, step.get("group_id") or 0)
        if group is None or group.deleted_at:
            yield Finding("blocker", "A condition asks about a group that is not chosen, or gone.", fix)
    if step.get("question") == "outcome" and step.get("outcome") not in OUTCOMES:
        yield Finding("blocker", "A condition asks how a call went, but not for which answer.", fix)
    if step.get("question") in ("outcome", "reached") and not _task_before(asked.version.steps, step["key"]):
        yield Finding("warning", "A condition asks how a call went, and no call or visit stands above it.", fix)
    if step.get("question") == "field" and (trouble := fencing.field_trouble(asked.session, asked.world, step)):
        yield Finding("blocker", f"A condition cannot be read: {trouble}", fix)
    if "clicked" in str(step.get("question")) and "client" in asked.reach.audiences:
        yield Finding("warning", "Links in mail to clients are not tracked: no click will be counted for them.", fix)


def _task_before(tree: steps.Steps, key: str) -> bool:
    for place in steps.walk(tree):
        if place.step["key"] == key:
            return False
        if place.step["kind"] == "task":
            return True
    return False


def _task(asked: _Asked, place: steps.Place, fix: str) -> Iterator[Finding]:
    step = place.step
    title = str(step.get("title") or "").strip()
    if not title:
        yield Finding("blocker", "A task has no title.", fix)


def _fence(asked: _Asked) -> Iterator[Finding]:
    tree = asked.version.steps
    rests = fencing.rests_on_referrals(asked.session, asked.world)
    all_of_them = asked.reach.from_yield or asked.setup.rests_on_referrals
    for step in fence.chosen_by_referrals(tree, all_of_them=all_of_them, rests=rests):
        verb = "offers something of value" if step.get("has_value") else "sounds like a meal or a gift"
        text = f"“{title_of(step, tree)}” {verb} to people chosen by referrals. {fence.FENCE}"
        yield Finding("blocker", text, asked.fix(step["key"]))
    if fence.has_value_steps(tree) and (other := fencing.started_by_referrals(asked.session, asked.campaign)):
        text = f"“{other.name}” starts this campaign for people chosen by referrals, and a step offers something. "
        yield Finding("blocker", f"{text}{fence.FENCE}", f"/campaigns/{other.id}/edit")


def _other(
    asked: _Asked, campaign_id: int | None, fix: str, *, needed: bool, referred: bool = False
) -> Iterator[Finding]:
    if not campaign_id:
        if needed:
            yield Finding("blocker", "No campaign is chosen to start.", fix)
        return
    other = asked.session.get(Campaign, campaign_id)
    if other is None or other.deleted_at or other.id == asked.campaign.id:
        yield Finding("blocker", "The campaign to start is gone, or it is this one.", fix)
        return
    if other.status != "live":
        yield Finding("warning", f"“{other.name}” is not live: nobody will be started in it.", fix)
    if (referred or fencing.rests(asked.setup, asked.reach.group)) and fencing.offers_value(asked.session, other):
        text = f"“{other.name}” offers something of value and would be started because of referrals. {fence.FENCE}"
        yield Finding("blocker", text, fix)


def _email(asked: _Asked, step: Step) -> list[Finding]:
    first = rules.entry_at(
        asked.now, asked.calendars.of(None), minute=asked.setup.minute, weekdays=asked.setup.weekdays
    )
    longest = expecting.expected(asked.version.steps, 1).days[1]
    found = preflight.check(
        asked.session,
        now=asked.now,
        world=asked.world,
        draft=Draft.from_json(step.get("draft")),
        kind="drip",
        first_send_at=first,
        last_send_on=(first + timedelta(days=longest)).astimezone(asked.calendars.house.zone).date(),
        audiences=asked.reach.audiences,
    )
    if asked.setup.letters:
        found = on_paper(asked.session, found, asked.reach.ids)
    if not _says_something(Draft.from_json(step.get("draft")).blocks):
        found.append(Finding("blocker", "It says nothing yet: write its text.", "#blocks"))
    title = title_of(step, asked.version.steps)
    return [
        Finding(
            finding.level,
            finding.text if finding.level == "pass" or _of_the_practice(finding) else f"{title}. {finding.text}",
            finding.at(asked.fix(step["key"])).fix,
        )
        for finding in found
    ]


def _says_something(blocks: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there is more than a greeting, an end, and texts without a word."""
    words = [re.sub(r"<[^>]*>|&nbsp;|\s", "", str(block.get("html"))) for block in blocks if block["type"] == "text"]
    return any(words) or any(block["type"] not in AROUND for block in blocks)


def _of_the_practice(finding: Finding) -> bool:
    """Whether it is about the sender or a way out, the same for every email: said once."""
    return finding.fix.startswith(("/settings/practice", "/settings/sender", "/outbox/"))
