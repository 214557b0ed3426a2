"""Ready-made groups to copy: what most practices ask for first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from outreach.contacts.group_rules import GroupFact, leaves
from outreach.contacts.specialties import SPECIALTIES, Specialty


@dataclass(frozen=True)
class ReadyGroup:
    """A recipe: a name, what it is for, and its rules."""

    key: str
    name: str
    text: str
    rules: dict[str, Any]


def _rule(fact: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"fact": fact, "op": op, "value": value}


READY = (
    ReadyGroup(
        "new-physicians",
        "New physicians",
        "Added in the last 90 days: for a welcome.",
        {"all": [_rule("kind", "is", ["physician", "provider"]), _rule("added", "within-days", "90")]},
    ),
    ReadyGroup(
        "never-contacted",
        "Physicians nobody has talked to",
        "No call, visit, note or meeting yet.",
        {"all": [_rule("kind", "is", ["physician", "provider", "office"]), _rule("touched", "never")]},
    ),
    ReadyGroup(
        "lapsing",
        "Lapsing referrers",
        "Quiet for longer than is usual for them.",
        {"all": [_rule("lapsing", "is", ["yes"])]},
    ),
    ReadyGroup(
        "community",
        "Community organizations",
        "Schools, senior centers, employers, clubs.",
        {"all": [_rule("kind", "is", ["community-organization"])]},
    ),
    ReadyGroup(
        "peers",
        "Peer therapists",
        "Therapists we can refer to and who refer to us.",
        {"all": [_rule("kind", "is", ["peer-therapist"])]},
    ),
    ReadyGroup(
        "former-clients",
        "Former clients who said yes",
        "With permission: for cards, news and asking for a review.",
        {"all": [_rule("kind", "is", ["former-client"]), _rule("permission", "yes")]},
    ),
)


def _of_specialty(one: Specialty) -> ReadyGroup:
    spelled = [one.label, one.label.replace("rthopedic", "rthopaedic")]
    rules = {"all": [_rule("specialty", "is", list(dict.fromkeys(spelled)))]}
    return ReadyGroup(f"specialty-{one.code}", one.label, f"{one.group}, {one.code}", rules)


BY_SPECIALTY = tuple(_of_specialty(one) for one in SPECIALTIES.values())
"""One group for each specialty of the code set."""


def ready_groups(facts: Sequence[GroupFact]) -> list[ReadyGroup]:
    """The recipes whose every rule can be asked in this installation."""
    known = {fact.name for fact in facts}
    return [ready for ready in READY if all(leaf["fact"] in known for leaf in leaves(ready.rules))]
