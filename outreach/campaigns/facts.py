"""What is true of many people at once: everything that steps, conditions and stop rules ask, in a few queries."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, literal, select
from sqlalchemy.orm import Session

from outreach.campaigns.rules import Facts
from outreach.campaigns.steps import FIELD, walk
from outreach.campaigns.steps import asked as names_asked
from outreach.contacts import group_rules, groups
from outreach.contacts.models import Contact, Group
from outreach.contacts.tasks import OUTCOMES, Task
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.deliveries.models import Delivery, LinkClick
from outreach.screen import World

SOURCE = "campaign"
FACT_OF_TOUCH = {"referred": "referred", "replied": "replied", "rsvp": "answered", **dict.fromkeys(PERSONAL, "touched")}
LOGGED_LATE_AT = time(12)
"""A referral that is logged on a later day carries noon UTC of the day on which it came (referrals.logging)."""


@dataclass(frozen=True)
class Person:
    """One enrollment, as far as facts go. `group_id` is the campaign's group, for those who leave it."""

    id: int
    contact_id: int
    campaign_id: int
    entered_at: datetime
    topic: str
    group_id: int | None
    asked: frozenset[str]
    """What this campaign's steps ask: "left-group", "reached", "group:12", "field:…"."""


def asked_by(tree: Sequence[dict[str, object]]) -> frozenset[str]:
    """What the steps ask beyond the timeline: it is looked up only for those who ask."""
    asked: set[str] = set()
    for place in walk(tree):
        step = place.step
        if step.get("question") in ("group", "reached", "outcome", "field"):
            asked.update(names_asked(step))
        if "left-group" in (step.get("on") or ()):
            asked.add("left-group")
    return frozenset(asked)


def facts_of(
    session: Session, people: Sequence[Person], *, now: datetime, world: World, zone: ZoneInfo
) -> dict[int, Facts]:
    """{enrollment id: Facts}. The number of statements depends on what is asked, never on how many people there are."""
    if not people:
        return {}
    happened: dict[int, set[str]] = {person.id: set() for person in people}
    _add_touches(session, people, happened)
    _add_clicks(session, people, happened)
    if any(name == "reached" or name.startswith("outcome:") for person in people for name in person.asked):
        _add_outcomes(session, people, happened)
    _add_fields(session, people, happened, now=now, world=world, zone=zone)
    _add_groups(session, people, happened, now=now, world=world, zone=zone)
    left_out = _left_out(session, people)
    return {
        person.id: Facts(left_out.get((person.contact_id, person.topic), ""), frozenset(happened[person.id]))
        for person in people
    }


def _ids(people: Iterable[Person]) -> list[int]:
    return list({person.contact_id for person in people})


def _by_contact(people: Sequence[Person]) -> dict[int, list[Person]]:
    found: dict[int, list[Person]] = defaultdict(list)
    for person in people:
        found[person.contact_id].append(person)
    return found


def _add_touches(session: Session, people: Sequence[Person], happened: Mapping[int, set[str]]) -> None:
    ways = _by_contact(people)
    rows = session.execute(
        select(Touch.contact_id, Touch.kind, Touch.at).where(
            Touch.contact_id.in_(ways),
            Touch.kind.in_(tuple(FACT_OF_TOUCH)),
            Touch.at >= min(person.entered_at for person in people) - timedelta(days=1),
        )
    )
    for contact_id, kind, at in rows:
        for person in ways[contact_id]:
            if is_since(at, person.entered_at):
                happened[person.id].add(FACT_OF_TOUCH[kind])


def is_since(at: datetime, entered_at: datetime) -> bool:
    """Whether something of the timeline happened after they entered. What was logged late counts from its day on."""
    return at >= entered_at or (at.time() == LOGGED_LATE_AT and at.date() >= entered_at.date())


def _add_clicks(session: Session, people: Sequence[Person], happened: Mapping[int, set[str]]) -> None:
    ways = _by_contact(people)
    rows = session.execute(
        select(Delivery.contact_id, Delivery.source_id, LinkClick.at)
        .join(Delivery, Delivery.id == LinkClick.delivery_id)
        .where(
            Delivery.contact_id.in_(ways),
            Delivery.source == SOURCE,
            Delivery.source_id.in_({person.campaign_id for person in people}),
            LinkClick.machine.is_(False),
        )
    )
    for contact_id, campaign_id, at in rows:
        for person in ways[contact_id or 0]:
            if person.campaign_id == campaign_id and at >= person.entered_at:
                happened[person.id].add("clicked")


def _add_outcomes(session: Session, people: Sequence[Person], happened: Mapping[int, set[str]]) -> None:
    rows = session.execute(
        select(Task.origin, Task.outcome).where(
            Task.contact_id.in_(_ids(people)), Task.outcome.in_(OUTCOMES), Task.origin.startswith(f"{SOURCE}:")
        )
    )
    for origin, outcome in rows:
        enrollment_id = int((origin or "").rpartition(":")[2] or 0)
        if enrollment_id in happened:
            happened[enrollment_id] |= {f"outcome:{outcome}", *(["reached"] if outcome == "reached" else [])}


def _add_fields(
    session: Session,
    people: Sequence[Person],
    happened: Mapping[int, set[str]],
    *,
    now: datetime,
    world: World,
    zone: ZoneInfo,
) -> None:
    wanted: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        for name in person.asked:
            if name.startswith(FIELD):
                wanted[name].append(person)
    for name, asking in wanted.items():
        try:
            holds = group_rules.condition(session, rule_of(name), now=now, zone=zone, facts=world.group_facts)
        except ValueError:  # what it asks about is gone since: nobody is it
            continue
        found = set(session.scalars(select(Contact.id).where(Contact.id.in_(_ids(asking)), holds)))
        for person in asking:
            if person.contact_id in found:
                happened[person.id].add(name)


def rule_of(name: str) -> dict[str, object]:
    """The rule of a group that the name of a question about a field stands for."""
    fact, operator, value = json.loads(name.removeprefix(FIELD))
    return {"all": [{"fact": fact, "op": operator, "value": value}]}


def _add_groups(
    session: Session,
    people: Sequence[Person],
    happened: Mapping[int, set[str]],
    *,
    now: datetime,
    world: World,
    zone: ZoneInfo,
) -> None:
    wanted: dict[int, list[Person]] = defaultdict(list)
    for person in people:
        for name in person.asked:
            if name.startswith("group:") and name[6:].isdigit():
                wanted[int(name[6:])].append(person)
        if "left-group" in person.asked and person.group_id:
            wanted[person.group_id].append(person)
    for group_id, asking in wanted.items():
        group = session.get(Group, group_id)
        if group is None or group_rules.problem(session, group, now=now, zone=zone, facts=world.group_facts):
            continue
        inside = groups.members(group, now=now, zone=zone, facts=world.group_facts)
        found = set(session.scalars(inside.where(Contact.id.in_(_ids(asking)))))
        for person in asking:
            if person.contact_id in found:
                happened[person.id].add(f"group:{group_id}")
            elif group_id == person.group_id and "left-group" in person.asked:
                happened[person.id].add("left-group")


def _left_out(session: Session, people: Sequence[Person]) -> dict[tuple[int, str], str]:
    found: dict[tuple[int, str], str] = {}
    for topic in {person.topic for person in people}:
        reason = case(
            (~groups.live(), "removed"),
            *((clause, name) for name, clause in groups.eligibility(topic)),
            else_=literal(""),
        )
        ids = _ids(person for person in people if person.topic == topic)
        rows = session.execute(select(Contact.id, reason).where(Contact.id.in_(ids)))
        found.update({(contact_id, topic): why for contact_id, why in rows if why})
    return found
