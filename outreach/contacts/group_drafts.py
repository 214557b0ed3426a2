"""Rules as they stand in the builder: blocks of rules, joined by all, any or none, to and from what is stored. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from outreach.contacts.group_rules import GROUP_FACT, WITH_NUMBER, WITHOUT_VALUE, GroupFact, Rules

MOST_RULES = 40
MOST_BLOCKS = 12
DEEPEST_BLOCK = 3
"""So many blocks stand in each other at most when they are built here."""
JOINS = {
    "all": "all of these are true",
    "any": "any of these is true",
    "none": "none of these is true",
}


@dataclass
class Line:
    """One rule as it stands in the form. `kept` is one that cannot be read, carried along as JSON."""

    fact: str = ""
    op: str = ""
    values: list[str] = field(default_factory=list)
    kept: str = ""

    @property
    def unfinished(self) -> bool:
        """Whether a value has still to be chosen or typed."""
        return bool(self.fact) and self.op not in WITHOUT_VALUE and not self.values


@dataclass
class Block:
    """Rules and further blocks, joined."""

    join: str = "all"
    lines: list[Line] = field(default_factory=list)
    blocks: list["Block"] = field(default_factory=list)

    def all_lines(self) -> Iterator[Line]:
        """Every rule in the order of the page: a block's own first, then those of the blocks in it."""
        yield from self.lines
        for block in self.blocks:
            yield from block.all_lines()


@dataclass
class Draft:
    """The builder as it was typed; `action` is the button that was pressed."""

    root: Block = field(default_factory=Block)
    action: str = ""

    def unfinished(self) -> list[int]:
        """The numbers, from 1, of the rules that have no value yet."""
        return [number for number, line in enumerate(self.root.all_lines(), 1) if line.unfinished]


def read(form: "MultiDict[str, str]") -> Draft:
    """What was typed, with the rule or block that was to be added or taken out already added or gone."""
    blocks, parents = {0: Block(_join(form.get("join")))}, {0: 0}
    for number in range(1, MOST_BLOCKS + 1):
        if f"b{number}-join" in form:
            parent = _number(form.get(f"b{number}-in"))
            parents[number] = parent if parent in blocks and parent != number else 0
            blocks[number] = Block(_join(form.get(f"b{number}-join")))
            blocks[parents[number]].blocks.append(blocks[number])
    lines = {}
    for number in range(MOST_RULES):
        if f"r{number}-fact" in form or f"r{number}-kept" in form:
            home = blocks.get(_number(form.get(f"r{number}-in")), blocks[0])
            lines[number] = home, _line(form, number)
            home.lines.append(lines[number][1])
    draft = Draft(blocks[0], form.get("do", ""))
    _act(draft.action, blocks, parents, lines)
    return draft


def _line(form: "MultiDict[str, str]", number: int) -> Line:
    fact, before = form.get(f"r{number}-fact", ""), form.get(f"r{number}-was")
    if before is not None and before != fact:
        # Another question: what was chosen for the one before is no answer to it.
        return Line(fact)
    values = [one.strip() for one in form.getlist(f"r{number}-value") if one.strip()]
    return Line(fact, form.get(f"r{number}-op", ""), values, form.get(f"r{number}-kept", ""))


def _act(action: str, blocks: dict[int, Block], parents: dict[int, int], lines: dict[int, tuple[Block, Line]]) -> None:
    verb, _, which = action.partition("-")
    number = _number(which)
    if verb == "remove" and number in lines:
        home, gone = lines[number]
        home.lines = [line for line in home.lines if line is not gone]
    elif verb == "drop" and number in blocks and number:
        home = blocks[parents[number]]
        home.blocks = [block for block in home.blocks if block is not blocks[number]]
    elif verb == "add" and number in blocks and len(lines) < MOST_RULES:
        blocks[number].lines.append(Line())
    elif verb == "block" and number in blocks and len(blocks) <= MOST_BLOCKS:
        home = blocks[number]
        home.blocks.append(Block("all" if home.join == "any" else "any", [Line()]))


def _join(text: str | None) -> str:
    return text if text in JOINS else "all"


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else 0


def draft_of(rules: Rules) -> Draft:
    """The builder for rules that exist; one empty rule for none."""
    root = _block(rules)
    if not root.lines and not root.blocks:
        root.lines.append(Line())
    return Draft(root)


def _block(rule: Any) -> Block:
    if isinstance(rule, dict) and isinstance(inner := rule.get("not"), dict):
        return Block("none", *_parts(inner["any"] if isinstance(inner.get("any"), list) else [inner]))
    for join in ("all", "any"):
        if isinstance(rule, dict) and isinstance(rule.get(join), list):
            return Block(join, *_parts(rule[join]))
    return Block("all", *_parts([rule] if rule else []))


def _parts(parts: list[Any]) -> tuple[list[Line], list[Block]]:
    lines, blocks = [], []
    for part in parts:
        if isinstance(part, dict) and "fact" in part:
            value = part.get("value")
            values = [str(one) for one in (value if isinstance(value, list) else [value]) if one not in (None, "")]
            lines.append(Line(str(part["fact"]), str(part.get("op", "")), values))
        elif isinstance(part, dict) and part.keys() & {"all", "any", "not"}:
            blocks.append(_block(part))
        else:
            lines.append(Line(kept=json.dumps(part)))
    return lines, blocks


def settle(draft: Draft, facts: Sequence[GroupFact]) -> None:
    """An operator that does not fit its fact becomes the first that does, without the value of the other."""
    known = {fact.name: fact.operators for fact in facts} | {GROUP_FACT: ("is", "is-not")}
    for line in draft.root.all_lines():
        operators = known.get(line.fact, ())
        if operators and line.op not in operators:
            line.op, line.values = operators[0], []


def rules_of(draft: Draft, *, finished: bool = False) -> Rules:
    """The rules that the form stands for; rows without a fact are left out, with `finished` those without a value."""
    return _rules(draft.root, finished) or {"all": []}


def _rules(block: Block, finished: bool) -> Rules:
    parts = [one for line in block.lines if not (finished and line.unfinished) for one in _rule(line)]
    parts += [inside for one in block.blocks if (inside := _rules(one, finished))]
    if not parts:
        return {}
    return {"not": {"any": parts}} if block.join == "none" else {block.join: parts}


def _rule(line: Line) -> list[Any]:
    if line.kept:
        try:
            return [json.loads(line.kept)]
        except ValueError:
            return []
    if not line.fact:
        return []
    value: Any = line.values
    if line.op in WITHOUT_VALUE:
        value = None
    elif line.op in WITH_NUMBER:
        value = line.values[0] if line.values else ""
    return [{"fact": line.fact, "op": line.op, "value": value}]
