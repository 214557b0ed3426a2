"""The tick that moves people on: whoever is due takes their next steps; what follows from it is written in bulk.

The cost follows what is due: the partial index finds it, and facts come in a number of statements that does not grow.
A turn is all or nothing, and every effect is idempotent by its key: a crash or a second run repeats nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from outreach.campaigns import calendars, facts, fence, fencing, holding, rules, steps
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.effects import Effects, carry_out
from outreach.campaigns.models import IS_ACTIVE, Campaign, CampaignMessage, CampaignVersion, Enrollment
from outreach.campaigns.rules import AWAY, CAP, REPLY, Exit, Facts
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step
from outreach.campaigns.walking import Burden
from outreach.contacts.models import Contact
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.deliveries.caps import capping
from outreach.deliveries.caps.cap_rules import MATTERS
from outreach.deliveries.house import house_of
from outreach.deliveries.returns import answering
from outreach.deliveries.returns.answering import Pause
from outreach.screen import World

EARLY_STOP_LOOK_BACK = timedelta(days=2)
STOPPING_TOUCHES = ("referred", "replied", "unsubscribed", "clicked", "rsvp", *PERSONAL)


@dataclass(frozen=True)
class Script:
    """One version, read once per turn: its tree, what it watches and asks, and the messages of its emails."""

    campaign: Campaign
    version_id: int
    tree: Sequence[Step]
    watching: Sequence[Step]
    asked: frozenset[str]
    messages: Mapping[str, int]
    setup: Setup = field(default_factory=Setup)
    has_value: bool = False
    """A step offers something of value: nothing of it stands in the order of yield."""
    fenced: frozenset[str] = frozenset()
    """Keys of steps that are left out: they offer something of value, and yield has filled a list of theirs since."""


@dataclass
class Way:
    """One enrollment while it is moved."""

    row: Any
    script: Script
    facts: Facts
    calendar: rules.Calendar
    shared: dict[int, Burden]
    """What everybody of the batch had from us, by contact: two campaigns in one tick count to the same limits."""
    pause: Pause = field(default_factory=Pause)
    """Whether they wrote and wait for an answer, or are away."""

    @property
    def burden(self) -> Burden:
        """What this person had from us."""
        return self.shared[self.row.contact_id]


def tick(session: Session, *, now: datetime, world: World, limit: int = 500) -> int:
    """One batch of the job: campaigns that the outbox holds are on hold, who must stop has stopped, who is due moved
    on. Answers how many were due."""
    holding.follow_outbox(session, now=now)
    stop_early(session, now=now, world=world, limit=limit)
    return advance(session, now=now, world=world, limit=limit)


def advance(session: Session, *, now: datetime, world: World, limit: int = 500) -> int:
    """Everybody who is due has taken their steps up to the next wait, the end or a stop; answers how many were due."""
    rows = session.execute(
        way_columns()
        .where(text(f"campaign_enrollment.{IS_ACTIVE}"), Enrollment.due_at <= now)
        .order_by(Enrollment.due_at, Enrollment.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Enrollment)
    ).all()
    effects = Effects()
    for way in sorted(ways_of(session, rows, now=now, world=world), key=_goes_first):
        _move(way, effects, now=now)
    carry_out(session, effects, now=now, world=world)
    return len(rows)


def stop_early(session: Session, *, now: datetime, world: World, limit: int = 500) -> int:
    """Whoever lately did what their campaign watches for (referred, replied, …), or opted out, is stopped at once, not
    only when their next step is due; who wrote to us waits for the answer. Answers how many were stopped."""
    found = (
        select(Enrollment.id)
        .join(Touch, Touch.contact_id == Enrollment.contact_id)
        .where(
            Enrollment.state.in_(("active", "on-hold")),
            Touch.kind.in_(STOPPING_TOUCHES),
            Touch.at >= now - EARLY_STOP_LOOK_BACK,
            Touch.at >= Enrollment.entered_at,
        )
    )
    # All of them, part by part: who did something that stops nobody must not keep the others from being looked at.
    wanted = way_columns().where(Enrollment.id.in_(found)).order_by(Enrollment.id).limit(limit)
    last, stopped = 0, 0
    while rows := session.execute(wanted.where(Enrollment.id > last)).all():
        effects = Effects()
        for way in ways_of(session, rows, now=now, world=world):
            if ended := rules.should_exit(way.script.watching, way.facts):
                _stop(way, ended, effects, now=now)
            elif way.pause.unanswered and way.row.state == "active" and way.row.waits_for != REPLY:
                _wait_for_answer(way, effects, now=now)
        carry_out(session, effects, now=now, world=world)
        stopped += sum(len(people) for people in effects.stops.values())
        last = rows[-1].id
    return stopped


def _goes_first(way: Way) -> tuple[bool, int]:
    """When two campaigns want to write to one person in one batch."""
    return not way.script.setup.own_share, -MATTERS[way.script.setup.matters][1]


def scripts_of(session: Session, version_ids: set[int], *, world: World) -> dict[int, Script]:
    """The versions with their campaigns and messages, in two statements, and a few for each that is fenced."""
    messages: dict[int, dict[str, int]] = defaultdict(dict)
    for row in session.scalars(select(CampaignMessage).where(CampaignMessage.version_id.in_(version_ids))):
        messages[row.version_id][row.step_key] = row.message_id
    rows = session.execute(
        select(CampaignVersion, Campaign)
        .join(Campaign, Campaign.id == CampaignVersion.campaign_id)
        .where(CampaignVersion.id.in_(version_ids))
    )
    return {
        version.id: Script(
            campaign=campaign,
            version_id=version.id,
            tree=version.steps,
            watching=[*steps.watched(version.steps), *_stops_on_reply(version.settings)],
            asked=facts.asked_by(version.steps),
            messages=messages[version.id],
            setup=(setup := Setup.from_json(version.settings)),
            has_value=(has_value := fence.has_value_steps(version.steps)),
            fenced=fencing.held_now(
                session, world, campaign=campaign, setup=setup, tree=version.steps, has_value=has_value
            ),
        )
        for version, campaign in rows
    }


def _stops_on_reply(settings: Mapping[str, Any]) -> list[Step]:
    return [{"key": "", "kind": "stop", "on": ["replied"]}] if Setup.from_json(settings).on_reply == "stop" else []


def burdens_of(session: Session, contact_ids: Sequence[int], *, now: datetime) -> dict[int, Burden]:
    """{contact id: what they had from us and the limits that it counts to}, in a few statements."""
    limits = capping.limits_of(session)
    loads = capping.loads_of(session, list(set(contact_ids)), now=now, limits=limits)
    return {contact_id: Burden(load, limits) for contact_id, load in loads.items()}


def way_columns() -> Any:
    """What `ways_of` needs to know of an enrollment and its contact."""
    return (
        select(
            Enrollment.id,
            Enrollment.due_at,
            Enrollment.state,
            Enrollment.waits_for,
            Enrollment.planned_at,
            Enrollment.campaign_id,
            Enrollment.version_id,
            Enrollment.contact_id,
            Enrollment.occurrence,
            Enrollment.step_key,
            Enrollment.late,
            Enrollment.entered_at,
            Contact.time_zone,
            Contact.owner_id,
        )
        .select_from(Enrollment)
        .join(Contact, Contact.id == Enrollment.contact_id)
    )


def ways_of(session: Session, rows: Sequence[Any], *, now: datetime, world: World) -> list[Way]:
    """The enrollments with all that decides about them, in a number of statements that does not grow with them."""
    if not rows:
        return []
    house = Calendars(house_of(session, now=now, transports=world.transports, settings=world.settings))
    scripts = scripts_of(session, {row.version_id for row in rows}, world=world)
    people = [_person(row, scripts[row.version_id]) for row in rows]
    known = facts.facts_of(session, people, now=now, world=world, zone=house.house.zone)
    shared = burdens_of(session, [row.contact_id for row in rows], now=now)
    pauses = answering.pauses_of(session, {row.contact_id for row in rows}, now=now)
    return [
        Way(
            row=row,
            script=scripts[row.version_id],
            facts=known[row.id],
            calendar=house.of(row.time_zone),
            shared=shared,
            pause=pauses.get(row.contact_id, Pause()),
        )
        for row in rows
    ]


def _person(row: Any, script: Script) -> facts.Person:
    return facts.Person(
        id=row.id,
        contact_id=row.contact_id,
        campaign_id=row.campaign_id,
        entered_at=row.entered_at,
        topic=script.campaign.topic,
        group_id=script.campaign.group_id,
        asked=script.asked,
    )


def _move(way: Way, effects: Effects, *, now: datetime) -> None:
    """Step after step until the way waits or ends."""
    if ended := rules.should_exit(way.script.watching, way.facts):
        _stop(way, ended, effects, now=now)
        return
    if way.pause.unanswered:
        _wait_for_answer(way, effects, now=now)
        return
    key, base_at, planned_at = way.row.step_key, now, way.row.planned_at
    while step := steps.step_of(way.script.tree, key) if key else None:
        action, chance = _action(way, step, now=now, base_at=base_at), None
        if action.kind == "stop":
            effects.done(way, key, "stopped", now)
            _stop(way, Exit("reached-stop"), effects, now=now)
            return
        if action.kind == "send":
            chance = _chance(way, step, planned_at, now=now)
            if chance.is_lost:
                action = rules.Action("too-late")
            elif chance.why == AWAY or (chance.why and not way.script.setup.own_share):
                since_at = planned_at or calendars.sends_at(now, way.calendar)
                later_at = _same_time(way, chance.leaves_at, now=now)
                effects.wait(way, key, later_at, waits_for=chance.why, planned_at=since_at)
                return
            else:
                # With a share of its own it waits in the outbox, where it keeps its place before others.
                way.shared[way.row.contact_id] = way.burden.and_email(chance.leaves_at, way.script.setup)
                base_at, planned_at = chance.leaves_at, None
        following = steps.next_key(way.script.tree, key, action.branch)
        if action.kind == "wait":
            assert action.until_at is not None
            effects.wait(way, following, action.until_at)
            return
        effects.take(way, step, action, now=now, chance=chance)
        key = following
    effects.finish(way, now=now)


def _action(way: Way, step: Step, *, now: datetime, base_at: datetime) -> rules.Action:
    action = rules.decide(step, way.facts, now=now, base_at=base_at, calendar=way.calendar, late=way.row.late)
    if step["key"] in way.script.fenced and action.kind in ("send", "task", "start"):
        return rules.Action("skip")
    return action


def _chance(way: Way, step: Step, planned_at: datetime | None, *, now: datetime) -> rules.Chance:
    """When the email may leave: not while they are away, and not beyond what one person may get."""
    at = calendars.sends_at(now, way.calendar)
    why, leaves_at = "", at
    if way.pause.away_until and way.pause.away_until > at:
        why, leaves_at = AWAY, way.pause.away_until
    elif (allowed_at := way.burden.allowed_from(at, way.script.setup)) > at:
        why, leaves_at = CAP, allowed_at
    return rules.chance_of(step, planned_at=planned_at or at, leaves_at=leaves_at, why=why)


def _same_time(way: Way, at: datetime, *, now: datetime) -> datetime:
    """The first open day from that instant on, at this time of day."""
    minute = now.astimezone(way.calendar.zone)
    return rules.first_open(at, way.calendar, minute=minute.hour * 60 + minute.minute)


def _wait_for_answer(way: Way, effects: Effects, *, now: datetime) -> None:
    """Nothing goes on by itself while their words wait to be answered; it is looked at again each day."""
    again_at = _same_time(way, now + answering.LOOK_AGAIN, now=now)
    due_at, planned_at = max(way.row.due_at, again_at), way.row.planned_at or way.row.due_at
    effects.wait(way, way.row.step_key, due_at, waits_for=REPLY, late=way.row.late, planned_at=planned_at)


def _stop(way: Way, ended: Exit, effects: Effects, *, now: datetime) -> None:
    effects.stop(way, ended.reason, now=now)
    if ended.step is None:
        return
    if ended.step.get("then_id") and ended.step["key"] not in way.script.fenced:
        effects.starts[int(ended.step["then_id"])].append(way.row.contact_id)
    if ended.step.get("tell"):
        effects.tell_owner(way, ended.reason, now=now)
