"""The rule builder as a plain form: a row of fields per rule, buttons to add and take out, and back to rules."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from outreach.contacts.group_rules import (
    GROUP_FACT,
    OPERATOR_LABELS,
    WITH_NUMBER,
    WITHOUT_VALUE,
    Choices,
    GroupFact,
    Rules,
)
from outreach.contacts.models import Group

MOST_RULES = 20
FEW_CHOICES = 14
"""Up to so many are shown as boxes to tick, more as a list."""


@dataclass
class Line:
    """One rule as it stands in the form. `kept` is a nested rule that the form cannot show, carried along as JSON."""

    fact: str = ""
    op: str = ""
    values: list[str] = field(default_factory=list)
    kept: str = ""


@dataclass
class Draft:
    """The builder as it was typed."""

    join: str = "all"
    lines: list[Line] = field(default_factory=list)
    action: str = ""


@dataclass(frozen=True)
class Shown:
    """One rule ready to be drawn: what can be chosen and how the value is typed (none, number, boxes, list, text)."""

    line: Line
    operators: list[tuple[str, str]]
    choices: Choices
    how: str


def read(form: "MultiDict[str, str]") -> Draft:
    """What was typed, with the row that was to be added or taken out already added or gone."""
    draft = Draft("any" if form.get("join") == "any" else "all", action=form.get("do", ""))
    for number in range(MOST_RULES):
        if f"r{number}-fact" in form or f"r{number}-kept" in form:
            values = [one.strip() for one in form.getlist(f"r{number}-value") if one.strip()]
            fact, op = form.get(f"r{number}-fact", ""), form.get(f"r{number}-op", "")
            draft.lines.append(Line(fact, op, values, form.get(f"r{number}-kept", "")))
    verb, _, which = draft.action.partition("-")
    if verb == "remove" and which.isascii() and which.isdigit() and int(which) < len(draft.lines):
        del draft.lines[int(which)]
    if verb == "add" and len(draft.lines) < MOST_RULES:
        draft.lines.append(Line())
    return draft


def draft_of(rules: Rules) -> Draft:
    """The builder for rules that exist."""
    join = "any" if "any" in rules else "all"
    lines = []
    for part in rules.get(join, []) or []:
        if isinstance(part, dict) and "fact" in part:
            value = part.get("value")
            values = [str(one) for one in (value if isinstance(value, list) else [value]) if one is not None]
            lines.append(Line(str(part["fact"]), str(part.get("op", "")), values))
        else:
            lines.append(Line(kept=json.dumps(part)))
    return Draft(join, lines or [Line()])


def rules_of(draft: Draft) -> Rules:
    """The rules that the form stands for; rows without a fact are left out."""
    parts: list[Any] = []
    for line in draft.lines:
        if line.kept:
            parts += _kept(line.kept)
        elif line.fact:
            value: Any = line.values
            if line.op in WITHOUT_VALUE:
                value = None
            elif line.op in WITH_NUMBER:
                value = line.values[0] if line.values else ""
            parts.append({"fact": line.fact, "op": line.op, "value": value})
    return {draft.join: parts}


def _kept(text: str) -> list[Any]:
    try:
        part = json.loads(text)
    except ValueError:
        return []
    return [part] if isinstance(part, dict) else []


def shown(session: Session, draft: Draft, facts: Sequence[GroupFact], own_id: int | None) -> list[Shown]:
    """Every row ready to be drawn; an operator that does not fit the fact becomes the first that does."""
    known = {fact.name: fact for fact in facts}
    rows = []
    for line in draft.lines:
        fact = known.get(line.fact)
        names: tuple[str, ...] = ("is", "is-not") if line.fact == GROUP_FACT else fact.operators if fact else ()
        if names and line.op not in names:
            line.op, line.values = names[0], []
        choices: Choices = ()
        if line.op not in (*WITHOUT_VALUE, *WITH_NUMBER, "contains", "starts-with"):
            choices = _groups(session, own_id) if line.fact == GROUP_FACT else fact.choices(session) if fact else ()
        operators = [(name, OPERATOR_LABELS.get(name, name.replace("-", " "))) for name in names]
        rows.append(Shown(line, operators, choices, _how(line, choices)))
    return rows


def _how(line: Line, choices: Choices) -> str:
    if not line.fact or line.op in WITHOUT_VALUE:
        return "none"
    if line.op in WITH_NUMBER:
        return "number"
    if choices:
        return "boxes" if len(choices) <= FEW_CHOICES else "list"
    return "text"


def _groups(session: Session, own_id: int | None) -> Choices:
    found = select(Group.id, Group.name).where(Group.deleted_at.is_(None)).order_by(Group.name)
    return tuple((str(id_), name) for id_, name in session.execute(found) if id_ != own_id)


def fact_choices(facts: Sequence[GroupFact]) -> list[tuple[str, str]]:
    """What a rule can be about, for the first select of a row."""
    return [("", "Choose …"), *((fact.name, fact.label) for fact in facts), (GROUP_FACT, "In another group")]
