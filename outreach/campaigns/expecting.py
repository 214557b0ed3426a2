"""What to expect of a campaign before it ran: people per step, its length, its emails. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from outreach.campaigns.steps import QUESTIONS, Step, Steps, is_watch, watched

STOPS_EARLY = 0.08
"""Reckoned share that stops early before each further email, where something can stop it; own numbers replace it."""
WEEKEND_SLACK_DAYS = 2


@dataclass
class Expected:
    """`people` per step key; `days` is (shortest, longest); `emails` in all, `most` for one person."""

    people: dict[str, float] = field(default_factory=dict)
    yes: dict[str, float] = field(default_factory=dict)
    """The share of yes per condition."""
    days: tuple[float, float] = (0.0, 0.0)
    emails: float = 0.0
    most: int = 0


def expected(steps: Steps, entering: float, *, known_yes: Mapping[str, float] | None = None) -> Expected:
    """The numbers for `entering` people. `known_yes` are own shares per condition, where there are enough."""
    result = Expected()
    low, high, most, _ = _lane(steps, entering, result, known_yes or {}, bool(watched(steps)))
    result.days = (low, high)
    result.most = most
    return result


def _lane(
    steps: Steps, people: float, result: Expected, known_yes: Mapping[str, float], stops: bool
) -> tuple[float, float, int, float]:
    """(shortest days, longest days, most emails, people at the end) of one list."""
    low = high = 0.0
    most = 0
    for step in steps:
        result.people[step["key"]] = people
        match step["kind"]:
            case "email":
                result.emails += people
                most += 1
            case "wait":
                shortest, longest = wait_days(step)
                low, high = low + shortest, high + longest
                people *= 1 - STOPS_EARLY if stops else 1.0
            case "condition":
                share = known_yes.get(step["key"], QUESTIONS.get(step.get("question", ""), ("", 0.5))[1])
                result.yes[step["key"]] = share
                yes = _lane(step.get("yes", ()), people * share, result, known_yes, stops)
                no = _lane(step.get("no", ()), people * (1 - share), result, known_yes, stops)
                low, high = low + min(yes[0], no[0]), high + max(yes[1], no[1])
                most += max(yes[2], no[2])
                people = yes[3] + no[3]
            case "stop" if not is_watch(step):
                people = 0.0
    return low, high, most, people


def wait_days(step: Step) -> tuple[float, float]:
    """The shortest and longest a wait takes: days, plus what weekdays and weekends may add."""
    days = float(step.get("days") or 0)
    allowed = set(step.get("weekdays") or ())
    slack = max(_gaps(allowed)) if allowed else WEEKEND_SLACK_DAYS
    return days, days + slack


def _gaps(allowed: set[int]) -> list[int]:
    """For every weekday, the days until the next allowed one."""
    return [next(ahead for ahead in range(8) if (day + ahead) % 7 in allowed) for day in range(7)]
