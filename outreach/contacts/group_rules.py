"""What a group's rules mean: facts about a contact, joined by all, any and not, turned into one condition in SQL."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, not_, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Group, GroupMember

OPERATOR_LABELS = {
    "is": "is",
    "is-not": "is not",
    "contains": "contains",
    "starts-with": "starts with",
    "within-days": "within the last … days",
    "not-within-days": "not within the last … days",
    "within-miles": "within … miles of one of our locations",
    "beyond-miles": "further than … miles from all of them",
    "at-least": "at least",
    "at-most": "at most",
    "yes": "yes",
    "no": "no",
    "ever": "ever",
    "never": "never",
}
WITHOUT_VALUE = ("yes", "no", "ever", "never")
WITH_NUMBER = ("within-days", "not-within-days", "within-miles", "beyond-miles", "at-least", "at-most")
GROUP_FACT = "group"
"""The one fact that is not contributed: being in another group. Its value is a list of group ids."""
DEEPEST = 6

Rules = dict[str, Any]
Choices = Sequence[tuple[str, str]]


class GroupFact(Protocol):
    """Something that a rule can ask about a contact; rooms above offer theirs in `contributes.GROUP_FACTS`.

    `clause` answers a condition on Contact (correlated to it) and raises ValueError, with a sentence for the person
    who builds the group, when the value does not fit. `choices` is empty where the value is typed.
    """

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def from_yield(self) -> bool: ...

    @property
    def operators(self) -> tuple[str, ...]: ...

    def choices(self, session: Session) -> Choices: ...

    def clause(self, operator: str, value: Any, *, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]: ...


Make = Callable[[str, Any, datetime, ZoneInfo], ColumnElement[bool]]


def _no_choices(_session: Session) -> Choices:
    return ()


@dataclass(frozen=True)
class Fact:
    """A GroupFact made of two functions: what most rooms need.

    `seek` is the same condition in the form that finds its contacts over a whole book by an index, where that differs
    from the one that asks about contacts at hand. `by_id`: the values are ids of rows that may be gone by now.
    """

    name: str
    label: str
    operators: tuple[str, ...]
    make: Make
    choose: Callable[[Session], Choices] = _no_choices
    from_yield: bool = False
    seek: Make | None = None
    by_id: bool = False

    def choices(self, session: Session) -> Choices:
        """What the value can be, as (stored, shown); empty where it is typed."""
        return self.choose(session)

    def clause(self, operator: str, value: Any, *, now: datetime, zone: ZoneInfo) -> ColumnElement[bool]:
        """The condition on Contact. Errors: ValueError for a value that does not fit."""
        return self.make(operator, value, now, zone)


def as_list(value: Any) -> list[str]:
    """The value of an "is" rule as texts. Errors: ValueError when nothing is chosen."""
    chosen = [str(one) for one in (value if isinstance(value, list | tuple) else [value]) if one not in (None, "")]
    if not chosen:
        raise ValueError("Choose at least one value.")
    return chosen


def as_ids(value: Any) -> list[int]:
    """The value of an "is" rule as ids. Errors: ValueError when nothing is chosen, or something that is no id."""
    chosen = as_list(value)
    if not all(_is_id(one) for one in chosen):
        raise ValueError("Choose the values from the list.")
    return [int(one) for one in chosen]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def as_number(value: Any) -> int:
    """The value of a counting rule. Errors: ValueError unless it is a whole number from 0 to 36500."""
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and int(text) <= 36_500):
        raise ValueError("Type a whole number, for example 90.")
    return int(text)


def condition(
    session: Session | None,
    rules: Rules,
    *,
    now: datetime,
    zone: ZoneInfo,
    facts: Sequence[GroupFact],
    inside: tuple[int, ...] = (),
    seeking: bool = False,
) -> ColumnElement[bool]:
    """The condition on Contact that the rules stand for; no rules match nobody.

    `inside` are the groups that are being looked into, so that none is looked into twice; `seeking`: see `Fact.seek`.
    Errors: ValueError with a sentence when a rule refers to something that is gone, or the groups form a circle.
    """
    reading = _Reading(session, now, zone, {fact.name: fact for fact in facts}, inside, seeking)
    return reading.of(rules) if is_filled(rules) else false()


def in_group(
    session: Session | None,
    group: Group,
    *,
    now: datetime,
    zone: ZoneInfo,
    facts: Sequence[GroupFact],
    inside: tuple[int, ...] = (),
    seeking: bool = False,
) -> ColumnElement[bool]:
    """The condition on Contact to be in the group. Errors: as `condition`."""
    if group.deleted_at is not None:
        raise ValueError(f"The group “{group.name}” was deleted: take the rule out.")
    if group.fixed:
        return Contact.id.in_(select(GroupMember.contact_id).where(GroupMember.group_id == group.id))
    if group.id in inside:
        raise ValueError(f"The group “{group.name}” would contain itself: take that rule out.")
    path = (*inside, group.id) if group.id is not None else inside
    return condition(session, group.rules, now=now, zone=zone, facts=facts, inside=path, seeking=seeking)


@dataclass(frozen=True)
class _Reading:
    session: Session | None
    now: datetime
    zone: ZoneInfo
    facts: dict[str, GroupFact]
    inside: tuple[int, ...]
    seeking: bool

    def of(self, rule: Any, depth: int = 0) -> ColumnElement[bool]:
        if not isinstance(rule, dict) or depth > DEEPEST:
            raise ValueError("These rules cannot be read: build the group again.")
        if "all" in rule or "any" in rule:
            join, parts = (and_, rule["all"]) if "all" in rule else (or_, rule["any"])
            clauses = [self.of(part, depth + 1) for part in parts or []]
            return join(*clauses) if clauses else false()
        if "not" in rule:
            if not is_filled(rule["not"]):  # nothing is asked: its opposite would be everybody
                raise ValueError("These rules cannot be read: build the group again.")
            return not_(self.of(rule["not"], depth + 1))
        if rule.get("fact") == GROUP_FACT:
            return self._nested(rule)
        fact = self.facts.get(str(rule.get("fact")))
        if fact is None:
            raise ValueError(f"A rule asks about “{rule.get('fact')}”, which is not known any more: take it out.")
        operator, value = str(rule.get("op")), rule.get("value")
        if operator not in fact.operators:
            raise ValueError(f"“{fact.label}” cannot be asked that way any more: choose again.")
        if operator in WITH_NUMBER:
            value = as_number(value)
        elif operator not in WITHOUT_VALUE:
            value = as_list(value)
            self._none_gone(fact, value)
        seek = getattr(fact, "seek", None) if self.seeking else None
        if seek is not None:
            return cast("ColumnElement[bool]", seek(operator, value, self.now, self.zone))
        return fact.clause(operator, value, now=self.now, zone=self.zone)

    def _none_gone(self, fact: GroupFact, chosen: list[str]) -> None:
        """Errors: ValueError when a value names a row that is gone: "is not" it would be true for everybody."""
        if self.session is None or not getattr(fact, "by_id", False):
            return
        as_ids(chosen)
        # Kept for the turn: a page of groups asks once. What is missing is looked up again before it is called gone.
        known: dict[str, set[str]] = self.session.info.setdefault("group-choices", {})
        if not known.get(fact.name, set()).issuperset(chosen):
            known[fact.name] = {stored for stored, _ in fact.choices(self.session)}
        if not known[fact.name].issuperset(chosen):
            raise ValueError(f"A rule about “{fact.label}” names something that is gone: choose again.")

    def _nested(self, rule: Rules) -> ColumnElement[bool]:
        ids = as_ids(rule.get("value"))
        if self.session is None:
            raise ValueError("Groups inside groups can only be read from the database.")
        found = self.session.scalars(select(Group).where(Group.id.in_(ids))).all()
        if len(found) < len(set(ids)):
            raise ValueError("A rule asks about a group that is gone: take it out.")
        whole = or_(
            *(
                in_group(
                    self.session,
                    group,
                    now=self.now,
                    zone=self.zone,
                    facts=tuple(self.facts.values()),
                    inside=self.inside,
                    seeking=self.seeking,
                )
                for group in found
            )
        )
        return not_(whole) if rule.get("op") == "is-not" else whole


def is_filled(rules: Any) -> bool:
    """Whether the rules ask anything at all."""
    return any(True for _ in leaves(rules))


def leaves(rules: Any) -> Iterator[Rules]:
    """Every single rule, wherever it stands."""
    if isinstance(rules, dict):
        if "fact" in rules:
            yield rules
        for key in ("all", "any", "not"):
            part = rules.get(key)
            for one in part if isinstance(part, list) else [part]:
                yield from leaves(one)


def nested_ids(rules: Any) -> set[int]:
    """The groups that the rules ask about."""
    found = set()
    for leaf in leaves(rules):
        if leaf.get("fact") == GROUP_FACT:
            value = leaf.get("value")
            found |= {int(one) for one in map(str, value if isinstance(value, list) else [value]) if _is_id(one)}
    return found


def in_words(rules: Any, facts: Sequence[GroupFact], words: dict[str, dict[str, str]]) -> str:
    """The rules as a sentence part: "Kind is Physician and City is Salem". `words` maps stored values to shown ones."""
    if not isinstance(rules, dict):
        return ""
    for key, join in (("all", " and "), ("any", " or ")):
        if key in rules:
            return join.join(filter(None, (_part_in_words(part, facts, words) for part in rules[key] or [])))
    if "not" in rules:
        return f"not ({in_words(rules['not'], facts, words)})"
    labels = {fact.name: fact.label for fact in facts} | {GROUP_FACT: "Group"}
    name, operator, value = str(rules.get("fact")), str(rules.get("op")), rules.get("value")
    asked = OPERATOR_LABELS.get(operator, operator)
    if "…" in asked or operator in WITHOUT_VALUE:
        return f"{labels.get(name, name)} {asked.replace('…', str(value))}"
    shown = [words.get(name, {}).get(str(one), str(one)) for one in (value if isinstance(value, list) else [value])]
    return f"{labels.get(name, name)} {asked} {' or '.join(shown)}"


def _part_in_words(part: Any, facts: Sequence[GroupFact], words: dict[str, dict[str, str]]) -> str:
    said = in_words(part, facts, words)
    several = isinstance(part, dict) and any(len(part.get(key) or ()) > 1 for key in ("all", "any"))
    return f"({said})" if several and said else said


def problem(session: Session, group: Group, *, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact]) -> str | None:
    """The sentence that says why the group cannot be read, or None. A group with a problem matches nobody."""
    try:
        in_group(session, group, now=now, zone=zone, facts=facts)
    except ValueError as broken:
        return str(broken)
    return None
