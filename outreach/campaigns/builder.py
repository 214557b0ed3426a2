"""What the builder shows: the flow with its numbers, the foot, and the names that steps refer to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.campaigns import expecting, rules, saying, steps
from outreach.campaigns.audience import Reach
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment, StepDone
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step, Steps
from outreach.contacts.models import Group
from outreach.contacts.timeline import Touch
from outreach.practice.models import Person

OF = 100
"""People who enter one by one are reckoned in hundreds."""
ENOUGH = 20
"""Own numbers replace rules of thumb from so many decisions on."""


@dataclass(frozen=True)
class Item:
    """One element of the drawn flow: a wire (with a pill or a plus), a step, or the fork under a condition."""

    shape: str
    kind: str = ""
    key: str = ""
    title: str = ""
    sub: str = ""
    number: str | None = None
    number_label: str = "expected"
    add: str = ""
    """The query of the address where a step can be added here; "" for none."""
    yes: Sequence["Item"] = ()
    no: Sequence["Item"] = ()


@dataclass(frozen=True)
class Shown:
    """The drawn flow and its foot."""

    items: list[Item]
    entry: str
    foot: list[tuple[str, str]]
    expected: expecting.Expected = field(default_factory=expecting.Expected)


def shown(session: Session, campaign: Campaign, version: CampaignVersion, reach: Reach) -> Shown:
    """The version as the builder draws it."""
    setup = Setup.from_json(version.settings)
    known = _own_shares(session, campaign)
    everybody = setup.entry == "group"
    entering = (len(reach.ids) if everybody else OF) * (1 - setup.holdout_pct / 100)
    expected = expecting.expected(version.steps, entering, known_yes=known)
    names = names_for(session)
    return Shown(
        items=_items(version.steps, version.steps, expected, names, known, label="expected" if everybody else "of 100"),
        entry=saying.entry_said(setup),
        foot=_foot(session, campaign, expected, "" if everybody else "for 100 people, "),
        expected=expected,
    )


def names_for(session: Session) -> dict[str, dict[int, str]]:
    """{"people", "groups", "lists", "campaigns"}: names by id, for lines and choices."""
    groups = session.execute(
        select(Group.id, Group.name, Group.fixed).where(Group.deleted_at.is_(None)).order_by(Group.name)
    ).all()
    people = session.execute(select(Person.id, Person.name).where(Person.active).order_by(Person.name))
    others = session.execute(
        select(Campaign.id, Campaign.name)
        .where(Campaign.deleted_at.is_(None), Campaign.status != "ended")
        .order_by(Campaign.name)
    )
    return {
        "people": {row.id: row.name for row in people},
        "groups": {row.id: row.name for row in groups},
        "lists": {row.id: row.name for row in groups if row.fixed},
        "campaigns": {row.id: row.name for row in others},
    }


def _items(
    tree: Steps,
    part: Steps,
    expected: expecting.Expected,
    names: Mapping[str, Mapping[int, str]],
    known: Mapping[str, float],
    *,
    lane: str = "",
    label: str = "expected",
) -> list[Item]:
    items: list[Item] = []
    for index, step in enumerate(part):
        before = part[index - 1]["key"] if index else ""
        if step["kind"] == "wait":
            if items and items[-1].shape == "fork":
                items.append(Item("wire", add=f"after={before}"))
            items.append(
                Item("wire", kind="wait", key=step["key"], title=saying.wait_said(step), add=f"after={step['key']}")
            )
            continue
        if items and items[-1].shape != "wire":
            items.append(Item("wire", add=f"after={before}"))
        items.append(_step_item(tree, step, expected, names, known, label))
        if step["kind"] == "condition":
            lanes = [
                _items(
                    tree,
                    step.get(name, ()),
                    expected,
                    names,
                    known,
                    lane=f"parent={step['key']}&lane={name}",
                    label=label,
                )
                for name in steps.LANES
            ]
            items.append(Item("fork", yes=lanes[0], no=lanes[1]))
    if part and (not lane) and items[-1].kind != "wait":
        items.append(Item("wire", add=f"after={part[-1]['key']}"))
    return items or [Item("wire", add=lane or "after=")]


def _step_item(
    tree: Steps,
    step: Step,
    expected: expecting.Expected,
    names: Mapping[str, Mapping[int, str]],
    known: Mapping[str, float],
    label: str,
) -> Item:
    number: str | None = None
    if step["kind"] in ("email", "task", "group", "start"):
        number = f"{expected.people.get(step['key'], 0):.0f}"
    elif step["kind"] == "condition":
        number = f"{100 * expected.yes.get(step['key'], 0):.0f}%"
        label = "said yes so far" if step["key"] in known else "usually yes"
    return Item(
        "step",
        kind=step["kind"],
        key=step["key"],
        title=saying.title_of(step, tree),
        sub=saying.sub_of(step, names),
        number=number,
        number_label=label,
    )


def _foot(session: Session, campaign: Campaign, expected: expecting.Expected, of: str) -> list[tuple[str, str]]:
    emails = round(expected.emails)
    return [
        (rules.days_said(*expected.days), "from start to finish"),
        (f"About {emails} email{'' if emails == 1 else 's'}", f"{of}at most {expected.most} per person"),
        _likely(session, campaign),
    ]


def _likely(session: Session, campaign: Campaign) -> tuple[str, str]:
    been = session.scalar(
        select(func.count(func.distinct(Enrollment.contact_id))).where(
            Enrollment.campaign_id == campaign.id, Enrollment.state != "held-out"
        )
    )
    if not been or been < ENOUGH:
        return "No result yet", f"known after the first {ENOUGH} people"
    referred = session.scalar(
        select(func.count(func.distinct(Enrollment.contact_id)))
        .join(Touch, Touch.contact_id == Enrollment.contact_id)
        .where(
            Enrollment.campaign_id == campaign.id,
            Enrollment.state != "held-out",
            Touch.kind == "referred",
            Touch.at >= Enrollment.entered_at,
        )
    )
    return f"{referred} of {been}", "referred someone so far"


def _own_shares(session: Session, campaign: Campaign) -> dict[str, float]:
    rows = session.execute(
        select(StepDone.step_key, StepDone.outcome, func.count())
        .join(CampaignVersion, CampaignVersion.id == StepDone.version_id)
        .where(CampaignVersion.campaign_id == campaign.id, StepDone.outcome.in_(steps.LANES))
        .group_by(StepDone.step_key, StepDone.outcome)
    )
    counted: dict[str, dict[str, int]] = {}
    for key, outcome, number in rows:
        counted.setdefault(key, {})[outcome] = number
    shares: dict[str, Any] = {key: (each.get("yes", 0), sum(each.values())) for key, each in counted.items()}
    return {key: yes / total for key, (yes, total) in shares.items() if total >= ENOUGH}
