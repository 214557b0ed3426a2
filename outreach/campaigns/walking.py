"""One person's way through a version, day by day, without sending anything: what "Try it with a contact" shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from outreach.campaigns import calendars, rules, saying, steps
from outreach.campaigns.rules import Calendar
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import Steps
from outreach.deliveries.pacing import allowed_from


@dataclass(frozen=True)
class Line:
    """One thing that would happen. `answer` is the lane that was supposed at a condition; `moved` says why later."""

    at: datetime
    kind: str
    key: str
    title: str
    answer: str = ""
    moved: str = ""


def walk(
    tree: Steps,
    setup: Setup,
    *,
    now: datetime,
    calendar: Calendar,
    answers: Mapping[str, str],
    mailed: Sequence[datetime] = (),
) -> list[Line]:
    """The dated way of somebody who enters now. `answers` are the supposed lanes by condition ("no" otherwise);
    `mailed` is when they got other mail, so that the pause between emails is kept."""
    at = rules.entry_at(now, calendar, minute=setup.minute, weekdays=setup.weekdays)
    lately = list(mailed)
    lines: list[Line] = []
    key = steps.first_key(tree)
    while step := steps.step_of(tree, key) if key else None:
        branch = moved = ""
        if step["kind"] == "wait":
            at = rules.wait_until(at, step, calendar)
        elif step["kind"] == "email":
            leaves_at = calendars.sends_at(at, calendar)
            allowed_at = allowed_from(lately, leaves_at)
            if allowed_at > leaves_at:
                leaves_at, moved = rules.first_open(allowed_at, calendar), "two weeks between emails"
            at = leaves_at
            lately.append(at)
        elif step["kind"] == "condition":
            branch = answers.get(step["key"], "no")
        if step["kind"] != "wait" and not steps.is_watch(step):
            lines.append(Line(at, step["kind"], step["key"], saying.title_of(step, tree), branch, moved))
        if step["kind"] == "stop" and not steps.is_watch(step):
            break
        key = steps.next_key(tree, key, branch)
    return lines
