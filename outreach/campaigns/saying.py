"""Steps in the words of the screens. Pure."""

from collections.abc import Mapping
from typing import Any

from outreach.campaigns import steps
from outreach.campaigns.entries import EVENTS
from outreach.campaigns.setup import Setup, time_said, weekdays_said
from outreach.campaigns.steps import Step, Steps

TASK_WORDS = {
    "call": "Call",
    "visit": "Visit",
    "thank": "Thank",
    "write": "Write",
    "send": "Send",
    "prepare": "Prepare",
}
ICONS = {
    "email": "mail",
    "wait": "hourglass",
    "condition": "arrows-split-2",
    "task": "phone",
    "group": "users-group",
    "stop": "flag",
    "start": "route",
}
ADD_WORDS = {
    "email": "A message that is sent by itself",
    "wait": "Some days, then a weekday and time that suit",
    "condition": "Two lanes, yes and no, that come together again",
    "task": "A call, visit or note that lands on somebody’s Today",
    "group": "Put people on a list, or take them off",
    "stop": "When they refer or reply, or right here",
    "start": "Longer logic becomes a second campaign",
}
OUTCOME_WORDS = {
    "reached": "Reached them",
    "left-message": "Left a message",
    "no-answer": "Nobody answered",
    "not-interested": "They are not interested",
    "done": "Done",
}
NOT_COUNTED = "Opens are not counted: mail apps fake them"


def title_of(step: Step | None, tree: Steps) -> str:
    """What the builder calls the step: "Email 2: One-page referral guide", "Wait 4 days"."""
    if step is None:
        return "step"
    match step["kind"]:
        case "email":
            keys = [each["key"] for each in steps.emails(tree)]
            number = keys.index(step["key"]) + 1 if step["key"] in keys else 0
            return f"Email {number}: {step.get('title') or (step.get('draft') or {}).get('subject') or 'new'}"
        case "wait":
            return wait_said(step)
        case "condition":
            return question_said(step)
        case "task":
            return str(step.get("title") or "Task without a title")
        case "stop":
            return stop_said(step)
        case "group":
            return "Put on a list" if step.get("change") != "remove" else "Take off a list"
    return steps.KIND_LABELS[step["kind"]]


def question_said(step: Step) -> str:
    """What the condition asks: "Did they reply?", "Did it end with “Left a message”?"."""
    if step.get("question") == "outcome" and step.get("outcome") in OUTCOME_WORDS:
        return f"Did it end with “{OUTCOME_WORDS[step['outcome']]}”?"
    return steps.QUESTIONS.get(step.get("question", ""), ("Condition", 0))[0]


def short_title(step: Step, tree: Steps) -> str:
    """The head of the edit pane: "Email 1", "Wait"."""
    return title_of(step, tree).partition(":")[0] if step["kind"] == "email" else steps.KIND_LABELS[step["kind"]]


def sub_of(step: Step, names: Mapping[str, Mapping[int, str]]) -> str:
    """The line under the title. `names` are {"people": …, "groups": …, "campaigns": …} by id."""
    match step["kind"]:
        case "email":
            subject = str((step.get("draft") or {}).get("subject") or "")
            return f"“{subject}”" if subject else "No subject yet"
        case "condition":
            return _condition_sub(step, names)
        case "task":
            owner = names["people"].get(step.get("owner_id") or 0)
            return (
                f"Lands on {owner.split()[0]}’s Today page"
                if owner
                else "Lands on the Today page of who looks after them"
            )
        case "group":
            return names["groups"].get(step.get("group_id") or 0, "No list chosen yet")
        case "start":
            return names["campaigns"].get(step.get("campaign_id") or 0, "No campaign chosen yet")
        case "stop":
            return _after_stop(step, names)
    return ""


def _condition_sub(step: Step, names: Mapping[str, Mapping[int, str]]) -> str:
    match step.get("question"):
        case "group":
            return names["groups"].get(step.get("group_id") or 0, "No group chosen yet")
        case "field":
            return str(step.get("said") or "No field chosen yet")
        case "outcome" | "reached":
            return "As it was noted on Today"
    return NOT_COUNTED


def wait_said(step: Mapping[str, Any]) -> str:
    """ "Wait 10 days, then Tue to Thu"."""
    days = int(step.get("days") or 0)
    said = f"Wait {days} day{'' if days == 1 else 's'}"
    weekdays = list(step.get("weekdays") or ())
    return f"{said}, then {weekdays_said(weekdays)}" if weekdays else said


def stop_said(step: Mapping[str, Any]) -> str:
    """ "Stop early if they refer someone", "Stop here"."""
    reasons = [steps.STOPS[each] for each in step.get("on") or () if each in steps.STOPS]
    if not reasons:
        return "Stop here"
    words = [
        each.removeprefix("they ") if number and each.startswith("they ") else each
        for number, each in enumerate(reasons)
    ]
    return f"Stop early if {' or '.join(words)}"


def entry_said(setup: Setup) -> str:
    """The pill under the group card: "Right away, on a weekday at 9:00"."""
    begin = {"hand": "When put in by hand", "group": "Right away"}.get(setup.entry) or _event_said(setup)
    return f"{begin}, on {weekdays_said(setup.weekdays)} at {time_said(setup.minute)}"


def _event_said(setup: Setup) -> str:
    event = EVENTS[setup.entry]
    if not event.dated or not setup.days_after:
        return event.sign
    days = "1 day" if setup.days_after == 1 else f"{setup.days_after} days"
    return f"{days} {event.later}"


def _after_stop(step: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> str:
    parts = []
    if then := names["campaigns"].get(step.get("then_id") or 0):
        parts.append(f"start “{then}”")
    if step.get("tell"):
        parts.append("tell the owner")
    return f"Then {' and '.join(parts)}" if parts else "Watched from the first day on" if step.get("on") else ""
