"""One person's way through a version, day by day, without sending anything: what "Try it with a contact" shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from outreach.campaigns import calendars, rules, saying, steps
from outreach.campaigns.rules import Calendar
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Step, Steps
from outreach.deliveries.caps.cap_rules import MATTERS, Limits, Load, Mail, allowed_from


@dataclass(frozen=True)
class Line:
    """One thing that would happen. `answer` is the lane that was supposed at a condition; `moved` says why later than
    planned; `lost`: that is too late for it, and it is left out."""

    at: datetime
    kind: str
    key: str
    title: str
    answer: str = ""
    moved: str = ""
    lost: bool = False

    @property
    def why_lost(self) -> str:
        """Why it is left out, as the second half of a sentence."""
        return self.moved if self.moved == SKIPPED else f"{self.moved}, and later it is too late for it"


SKIPPED = "it fell due during a hold and is skipped"
MOVED = {rules.CAP: "too much mail from us otherwise", rules.AWAY: "an automatic answer says they are away"}


@dataclass(frozen=True)
class Burden:
    """What a person had from us, and the limits that it counts to: the pause between messages is kept."""

    load: Load = field(default_factory=Load)
    limits: Limits = field(default_factory=Limits)

    def allowed_from(self, at: datetime, setup: Setup) -> datetime:
        """When one more email of this campaign may leave, at the earliest."""
        return allowed_from(self.load, _mail(at, setup), limits=self.limits)

    def and_email(self, at: datetime, setup: Setup) -> "Burden":
        """With an email of this campaign that leaves then."""
        return Burden(self.load.and_mail(_mail(at, setup)), self.limits)


def walk(
    tree: Steps,
    setup: Setup,
    *,
    now: datetime,
    calendar: Calendar,
    answers: Mapping[str, str],
    burden: Burden | None = None,
    away_until: datetime | None = None,
) -> list[Line]:
    """The dated way of somebody who enters now. `answers` are the supposed lanes by condition ("no" otherwise)."""
    at = rules.entry_at(now, calendar, minute=setup.minute, weekdays=setup.weekdays)
    answer = lambda step: answers.get(step["key"], "no")  # noqa: E731
    first = steps.first_key(tree)
    return go_on(tree, setup, first, at, calendar=calendar, answer=answer, burden=burden, away_until=away_until)


def go_on(
    tree: Steps,
    setup: Setup,
    key: str,
    at: datetime,
    *,
    calendar: Calendar,
    answer: Callable[[Step], str],
    burden: Burden | None = None,
    late: bool = False,
    away_until: datetime | None = None,
    planned_at: datetime | None = None,
) -> list[Line]:
    """The dated way of somebody for whom the step `key` is due at `at`. `answer` tells the lane that a condition
    takes; `late`: emails and tasks up to the next wait are skipped, after a hold; `away_until`: they are away, so an
    automatic answer says; `planned_at`: when the step would have come that they wait for."""
    had = burden or Burden()
    lines: list[Line] = []
    while step := steps.step_of(tree, key) if key else None:
        branch, moved, lost = "", "", False
        skipped = late and step["kind"] in ("email", "task")
        if step["kind"] == "wait":
            at, late = rules.wait_until(at, step, calendar), False
        elif step["kind"] == "email" and not skipped:
            chance = _chance(step, setup, had, at, calendar=calendar, away_until=away_until, planned_at=planned_at)
            moved, lost = MOVED.get(chance.why, ""), chance.is_lost
            if not lost:
                at, planned_at = chance.leaves_at, None
                had = had.and_email(at, setup)
        elif step["kind"] == "condition":
            branch = answer(step)
        if skipped:
            lines.append(Line(at, step["kind"], step["key"], saying.title_of(step, tree), moved=SKIPPED, lost=True))
        elif step["kind"] != "wait" and not steps.is_watch(step):
            lines.append(Line(at, step["kind"], step["key"], saying.title_of(step, tree), branch, moved, lost))
        if step["kind"] == "stop" and not steps.is_watch(step):
            break
        key = steps.next_key(tree, key, branch)
    return lines


def _chance(
    step: Step,
    setup: Setup,
    had: Burden,
    at: datetime,
    *,
    calendar: Calendar,
    away_until: datetime | None,
    planned_at: datetime | None,
) -> rules.Chance:
    opens_at = leaves_at = calendars.sends_at(at, calendar)
    why = ""
    if away_until and away_until > leaves_at:
        why, leaves_at = rules.AWAY, rules.first_open(away_until, calendar)
    if (allowed_at := had.allowed_from(leaves_at, setup)) > leaves_at:
        why, leaves_at = rules.CAP, rules.first_open(allowed_at, calendar)
    return rules.chance_of(step, planned_at=planned_at or opens_at, leaves_at=leaves_at, why=why)


def _mail(at: datetime, setup: Setup) -> Mail:
    return Mail(0, at, MATTERS[setup.matters][1], setup.own_share, topic=setup.topic)
