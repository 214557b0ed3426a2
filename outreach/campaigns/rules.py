"""What happens to one person at one moment: pure decisions about steps, waiting, stopping and holding out.

Windows and local times are those of deliveries.pacing. Instants are aware UTC, `minute` counts from local midnight.
"""

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from outreach.campaigns.steps import Step, Steps, asked, is_watch
from outreach.deliveries.pacing import resolved

LOOK_AHEAD_DAYS = 400
FIRST_MINUTE = 9 * 60
LATEST_DAYS = 7
"""A campaign email that could not leave within a week of its time is not sent any more: it expires, visibly. What
waits for its person's sake (limits, a reply, an absence) has its week from then on, unless its step says otherwise."""
HOLDOUT_BLOCKS = 20
CAP, REPLY, AWAY = "cap", "reply", "away"
"""Why somebody's next email waits for their own sake; in words: results.WAITS."""


@dataclass(frozen=True)
class Calendar:
    """The days and hours on which the practice sends, in one contact's zone."""

    zone: ZoneInfo
    weekdays: Collection[int] = (0, 1, 2, 3, 4)
    quiet: Collection[date] = ()
    hours: tuple[int, int] = (8 * 60, 19 * 60)


@dataclass(frozen=True)
class Facts:
    """What is true of one person now. `happened` since they entered: referred, replied, clicked, answered, touched,
    reached; "left-group"; what `steps.asked` names besides, where somebody asks: "group:12", "outcome:left-message",
    "field:…" with a rule that holds for them."""

    left_out: str = ""
    """The reason for which they get no mail at all, or ""."""
    happened: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Exit:
    """The way ends early: the reason that is stored, and the stop step that said so (None: the house's own rule)."""

    reason: str
    step: Step | None = None


@dataclass(frozen=True)
class Action:
    """What is done with one step. kind: send, skip, too-late, wait, go, task, group, start, stop.

    `branch` is the lane that a condition takes; `until_at` when a wait is over.
    """

    kind: str
    branch: str = ""
    until_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def should_exit(watching: Steps, facts: Facts) -> Exit | None:
    """Why the way ends now, or None. An opt-out comes before everything else."""
    if facts.left_out:
        return Exit(facts.left_out)
    for step in watching:
        for reason in step.get("on", ()):
            if reason in facts.happened:
                return Exit(reason, step)
    return None


def decide(step: Step, facts: Facts, *, now: datetime, base_at: datetime, calendar: Calendar, late: bool) -> Action:
    """What is done with a step that has come due. `base_at` is when the step before took place (waits count from it);
    `late`: it fell due during a hold and the holder chose to skip."""
    match step["kind"]:
        case "email":
            return Action("skip" if late else "send")
        case "wait":
            until_at = wait_until(base_at, step, calendar)
            return Action("wait", until_at=until_at) if until_at > now else Action("go")
        case "condition":
            return Action("go", branch="yes" if answer(step, facts) else "no")
        case "task":
            return Action("skip" if late else "task")
        case "stop":
            return Action("go") if is_watch(step) else Action("stop")
        case "group" | "start" as kind:
            return Action(kind)
    raise ValueError(f"No step is called {step['kind']!r}")


def answer(step: Step, facts: Facts) -> bool:
    """Whether the condition's question is answered with yes."""
    return not facts.happened.isdisjoint(asked(step))


def wait_until(base_at: datetime, step: Step, calendar: Calendar) -> datetime:
    """The end of a wait: so many local days after `base_at`, then the first allowed weekday, at its time of day.

    Never before `base_at`; never on a quiet day or a day without sending. A clock change moves the time as
    deliveries.pacing says. With no allowed day in sight, the plain day is taken: the outbox has the last word.
    """
    return first_open(
        base_at,
        calendar,
        days=int(step.get("days") or 0),
        weekdays=step.get("weekdays") or (),
        minute=int(step.get("minute", FIRST_MINUTE)),
    )


def first_open(
    at: datetime, calendar: Calendar, *, days: int = 0, weekdays: Sequence[int] = (), minute: int = FIRST_MINUTE
) -> datetime:
    """The first instant from `at` plus `days` local days on that lies on an allowed day at `minute`."""
    allowed = set(calendar.weekdays) & set(weekdays) or set(calendar.weekdays)
    start = at.astimezone(calendar.zone).date() + timedelta(days=days)
    for ahead in range(LOOK_AHEAD_DAYS):
        day = start + timedelta(days=ahead)
        if day.weekday() not in allowed or day in calendar.quiet:
            continue
        instant = resolved(day, minute, calendar.zone)
        if instant >= at:
            return instant
    return max(at, resolved(start, minute, calendar.zone))


@dataclass(frozen=True)
class Chance:
    """When an email may leave and until when it is worth sending. `moves`: the end moves along while it waits for its
    person's sake. `why` is the reason of a wait, a key of results.WAITS."""

    leaves_at: datetime
    until_at: datetime
    moves: bool = True
    why: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether it could leave only after its end."""
        return self.leaves_at > self.until_at


def chance_of(step: Step, *, planned_at: datetime, leaves_at: datetime, why: str = "") -> Chance:
    """The chance of an email that was planned for then and may leave at `leaves_at`: a chosen number of
    `latest_days` counts from its plan, whatever makes it wait; otherwise it has its week from when it may leave."""
    if chosen := step.get("latest_days"):
        return Chance(leaves_at, planned_at + timedelta(days=int(chosen)), False, why)
    return Chance(leaves_at, leaves_at + timedelta(days=LATEST_DAYS), True, why)


def assign_holdout(start: int, count: int, *, share_pct: int, seed: int) -> list[bool]:
    """Who is held out, for the `count` people who enter as numbers `start`, `start` + 1, … in yield order.

    Neighbours in yield order form blocks of 20; in every full block exactly round(20 · share) are held out, drawn by
    the stored seed, so that both arms start equal (yield.md 8) and the same person is drawn the same way again.
    """
    chosen = round(HOLDOUT_BLOCKS * share_pct / 100)
    drawn: dict[int, frozenset[int]] = {}
    result = []
    for number in range(start, start + count):
        block, place = divmod(number, HOLDOUT_BLOCKS)
        if block not in drawn:
            dice = random.Random(f"{seed}|{block}")  # noqa: S311 - a draw for a study, not a secret
            drawn[block] = frozenset(dice.sample(range(HOLDOUT_BLOCKS), chosen))
        result.append(place in drawn[block])
    return result


def entry_at(now: datetime, calendar: Calendar, *, minute: int, weekdays: Sequence[int]) -> datetime:
    """When the first step of somebody who enters now is due: on the next allowed day at the time of day, or at once
    when that time of an allowed day has begun and sending hours last on."""
    local = now.astimezone(calendar.zone)
    allowed = set(calendar.weekdays) & set(weekdays) or set(calendar.weekdays)
    begun = minute <= local.hour * 60 + local.minute < calendar.hours[1]
    if begun and local.weekday() in allowed and local.date() not in calendar.quiet:
        return now
    return first_open(now, calendar, weekdays=weekdays, minute=minute)


def days_said(low: float, high: float) -> str:
    """ "14 to 20 days", "5 days", "Same day"."""
    low_days, high_days = math.floor(low), math.ceil(high)
    if high_days <= 0:
        return "Same day"
    if low_days == high_days:
        return "1 day" if low_days == 1 else f"{low_days} days"
    return f"{low_days} to {high_days} days"
