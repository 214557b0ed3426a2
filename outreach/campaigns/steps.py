"""The tree of steps: one vertical list; a condition has exactly two lanes that rejoin, and no fork inside a fork. Pure.

A step is a dict as kept in CampaignVersion.steps: {"key": "s3", "kind": "email", …}; a condition also has "yes" and
"no", lists of steps. All functions answer new trees and leave the given one alone.
"""

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Step = dict[str, Any]
Steps = Sequence[Step]

LANES = ("yes", "no")
KIND_LABELS = {
    "email": "Email",
    "wait": "Wait",
    "condition": "Condition",
    "task": "Task for a person",
    "group": "Group change",
    "stop": "Stop early",
    "start": "Start another campaign",
}
KINDS = tuple(KIND_LABELS)
MOST_STEPS = 60

QUESTIONS = {
    "clicked-or-replied": ("Did they click or reply?", 0.30),
    "clicked": ("Did they click a link?", 0.25),
    "replied": ("Did they reply?", 0.08),
    "answered": ("Did they answer an invitation?", 0.40),
    "referred": ("Did they refer someone?", 0.10),
    "touched": ("Did we call, visit or meet them?", 0.40),
    "reached": ("Did the call reach them?", 0.50),
    "outcome": ("How did the call or visit go?", 0.40),
    "group": ("Are they in a group?", 0.50),
    "field": ("Is something true of them?", 0.50),
}
"""What a condition can ask, and the share of yes to reckon with until there are own numbers. Opens are not offered."""
FROM_REFERRALS = ("referred",)
"""Questions that rest on referrals: what follows from them must not choose food or gifts."""
FIELD = "field:"
"""Begins the name of a fact that a question about a field asks for; behind it its rule as JSON."""
STOPS = {
    "referred": "they refer someone",
    "replied": "they reply",
    "clicked": "they click a link",
    "answered": "they answer an invitation",
    "touched": "we call, visit or meet them",
    "left-group": "they leave the group",
}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def asked(step: Step) -> tuple[str, ...]:
    """The names of the facts that answer a condition with yes, any of them (see `rules.Facts`)."""
    question = str(step.get("question"))
    match question:
        case "clicked-or-replied":
            return ("clicked", "replied")
        case "group":
            return (f"group:{step.get('group_id')}",)
        case "outcome":
            return (f"outcome:{step.get('outcome')}",)
        case "field":
            return (FIELD + json.dumps([step.get("fact"), step.get("op"), step.get("value")]),)
    return (question,)


@dataclass(frozen=True)
class Place:
    """Where a step stands: its list, its index there, and the condition around it (key, lane) when it is in a lane."""

    step: Step
    index: int
    parent: str = ""
    lane: str = ""


def walk(steps: Steps) -> Iterator[Place]:
    """Every step with its place, in the order in which it is read: a condition, its yes lane, its no lane."""
    for index, step in enumerate(steps):
        yield Place(step, index)
        for lane in LANES if step["kind"] == "condition" else ():
            for inner, each in enumerate(step.get(lane, ())):
                yield Place(each, inner, step.get("key", ""), lane)


def place_of(steps: Steps, key: str) -> Place | None:
    """The place of the step with that key, or None."""
    return next((place for place in walk(steps) if place.step["key"] == key), None)


def step_of(steps: Steps, key: str) -> Step | None:
    """The step with that key, or None."""
    place = place_of(steps, key)
    return place.step if place else None


def emails(steps: Steps) -> list[Step]:
    """The email steps in reading order."""
    return [place.step for place in walk(steps) if place.step["kind"] == "email"]


def is_watch(step: Step) -> bool:
    """Whether a stop step watches from the start (it names reasons) instead of ending the way where it stands."""
    return step["kind"] == "stop" and bool(step.get("on"))


def watched(steps: Steps) -> list[Step]:
    """The stop steps that watch from the start, wherever they stand."""
    return [place.step for place in walk(steps) if is_watch(place.step)]


def first_key(steps: Steps) -> str:
    """The key of the first step, "" when there is none."""
    return str(steps[0]["key"]) if steps else ""


def next_key(steps: Steps, key: str, branch: str = "") -> str:
    """The step after `key`; `branch` is the lane that a condition takes. Lanes rejoin. "" is the end of the way."""
    place = place_of(steps, key)
    if place is None:
        return ""
    if place.step["kind"] == "condition" and branch in LANES and place.step.get(branch):
        return str(place.step[branch][0]["key"])
    siblings = _siblings(steps, place)
    if place.index + 1 < len(siblings):
        return str(siblings[place.index + 1]["key"])
    return next_key_after_fork(steps, place.parent) if place.parent else ""


def next_key_after_fork(steps: Steps, condition_key: str) -> str:
    """The step at which the lanes of a condition rejoin, "" at the end."""
    place = place_of(steps, condition_key)
    return str(steps[place.index + 1]["key"]) if place and place.index + 1 < len(steps) else ""


def surviving_key(old: Steps, new: Steps, key: str) -> str:
    """Where somebody who waits at `key` of the old tree goes on in the new one: there, else at the next step that
    still exists, else "" (the end)."""
    kept = {place.step["key"] for place in walk(new)}
    while key and key not in kept:
        key = next_key(old, key)
    return key


def insert(steps: Steps, step: Step, *, after: str = "", parent: str = "", lane: str = "") -> list[Step]:
    """The tree with the step behind `after`, or at the head of a lane, or at the head of the list.

    Errors: ValueError with a sentence for a fork inside a fork, too many steps, or a place that is gone.
    """
    tree = copy.deepcopy(list(steps))
    if sum(1 for _ in walk(tree)) >= MOST_STEPS:
        raise ValueError(f"A campaign has at most {MOST_STEPS} steps. Start a second campaign from this one.")
    place = place_of(tree, after) if after else None
    if after and place is None:
        raise ValueError("The step before it was removed meanwhile. Nothing was changed.")
    inside = place.parent if place else parent
    if inside and step["kind"] == "condition":
        raise ValueError("A condition cannot stand inside another one. Start a second campaign instead.")
    siblings = _siblings(tree, place) if place else _lane(tree, parent, lane)
    siblings.insert(place.index + 1 if place else 0, copy.deepcopy(step))
    return tree


def remove(steps: Steps, key: str) -> list[Step]:
    """The tree without the step (and without the lanes of a condition)."""
    tree = copy.deepcopy(list(steps))
    if place := place_of(tree, key):
        del _siblings(tree, place)[place.index]
    return tree


def change(steps: Steps, key: str, **fields: Any) -> list[Step]:
    """The tree with these fields of the step set."""
    tree = copy.deepcopy(list(steps))
    if place := place_of(tree, key):
        place.step.update(copy.deepcopy(fields))
    return tree


def move(steps: Steps, key: str, by: int) -> list[Step]:
    """The tree with the step one place up (-1) or down (1). At the edge of a lane it leaves the lane; beside a
    condition a step goes past the whole fork."""
    tree = copy.deepcopy(list(steps))
    place = place_of(tree, key)
    if place is None:
        return tree
    siblings = _siblings(tree, place)
    target = place.index + by
    step = siblings.pop(place.index)
    if 0 <= target <= len(siblings):
        siblings.insert(target, step)
    elif place.parent:
        around = place_of(tree, place.parent)
        assert around is not None
        tree.insert(around.index + (1 if by > 0 else 0), step)
    else:
        siblings.insert(place.index, step)
    return tree


def relocate(steps: Steps, key: str, *, after: str = "", parent: str = "", lane: str = "") -> list[Step]:
    """The tree with the step taken out and put behind `after`, or at the head of a lane, or at the head of the list.

    Errors: ValueError as `insert`, and when the step would stand inside itself.
    """
    place = place_of(steps, key)
    if place is None:
        raise ValueError("This step was removed meanwhile. Nothing was changed.")
    if after == key:
        return copy.deepcopy(list(steps))
    if parent == key or any(each.step["key"] == after for each in walk([place.step])):
        raise ValueError("A condition cannot stand in its own lane. Nothing was changed.")
    return insert(remove(steps, key), place.step, after=after, parent=parent, lane=lane)


def copied(step: Step, keys: Iterator[str]) -> Step:
    """A copy with new keys, lanes included."""
    fresh = copy.deepcopy(step)
    for place in walk([fresh]):
        place.step["key"] = next(keys)
    return fresh


def _siblings(tree: Steps, place: Place) -> list[Step]:
    if not place.parent:
        return tree  # type: ignore[return-value]
    return _lane(tree, place.parent, place.lane)


def _lane(tree: Steps, parent: str, lane: str) -> list[Step]:
    if not parent:
        return tree  # type: ignore[return-value]
    step = step_of(tree, parent)
    if step is None or step["kind"] != "condition" or lane not in LANES:
        raise ValueError("That place was removed meanwhile. Nothing was changed.")
    found: list[Step] = step.setdefault(lane, [])
    return found
