"""What recipes are written with. Keys of steps are given when a campaign is made of them. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from outreach.campaigns.steps import Step


@dataclass(frozen=True)
class Recipe:
    """A campaign to start from. `group` is (name, rules) of the group that it is made for."""

    key: str
    name: str
    text: str
    icon: str
    tone: str
    group: tuple[str, dict[str, Any]]
    steps: Callable[[], list[Step]]
    setup: Mapping[str, Any] = field(default_factory=dict)


def rule(fact: str, op: str, value: Any = None) -> dict[str, Any]:
    """One rule of a group."""
    return {"fact": fact, "op": op, "value": value}


def email(title: str, subject: str, line: str, *paragraphs: str, button: str = "", plain: bool = False) -> Step:
    """An email: greeting, paragraphs, perhaps a button to the practice's website, signature."""
    blocks = [
        {"type": "greeting", "word": "Dear", "fallback": "colleague"},
        {"type": "text", "html": "".join(f"<p>{words}</p>" for words in paragraphs)},
        *([{"type": "button", "label": button, "url": ""}] if button else []),
        {"type": "signature", "person_id": ""},
    ]
    layout = "plain" if plain else "designed"
    return {
        "kind": "email",
        "title": title,
        "draft": {"subject": subject, "preview_line": line, "layout": layout, "blocks": blocks},
    }


def to_client(step: Step) -> Step:
    """The same email with a greeting that suits somebody who was a client."""
    greeting = {"type": "greeting", "word": "Hello", "fallback": "there"}
    draft = step["draft"]
    return {**step, "draft": {**draft, "blocks": [greeting, *draft["blocks"][1:]]}}


def wait(days: int, *weekdays: int) -> Step:
    """So many days, then one of the weekdays at 9:00."""
    return {"kind": "wait", "days": days, "weekdays": list(weekdays), "minute": 540}


def ask(question: str, yes: list[Step], no: list[Step]) -> Step:
    """A condition with its lanes."""
    return {"kind": "condition", "question": question, "yes": yes, "no": no}


def task(kind: str, title: str, script: str) -> Step:
    """A duty on somebody's Today page."""
    return {"kind": "task", "task": kind, "title": title, "script": script, "owner_id": None, "has_value": False}


def stop(*reasons: str, tell: bool = True) -> Step:
    """Watched from the first day on."""
    return {"kind": "stop", "on": list(reasons), "then_id": None, "tell": tell}
