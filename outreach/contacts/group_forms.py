"""The rule builder as a plain form: what can be asked, in which ways, and what there is to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.group_drafts import DEEPEST_BLOCK, Block, Draft, Line, settle
from outreach.contacts.group_rules import (
    GROUP_FACT,
    OPERATOR_LABELS,
    WITH_NUMBER,
    WITHOUT_VALUE,
    Choices,
    GroupFact,
)
from outreach.contacts.models import Group

FEW_CHOICES = 14
"""Up to so many are shown as boxes to tick, more as a list."""


@dataclass(frozen=True)
class Shown:
    """One rule ready to be drawn: what can be chosen and how the value is typed (none, number, boxes, list, text)."""

    number: int
    line: Line
    operators: list[tuple[str, str]]
    choices: Choices
    how: str


@dataclass(frozen=True)
class ShownBlock:
    """One block ready to be drawn; the outermost has the number 0 and is its own parent."""

    number: int
    parent: int
    join: str
    may_hold_blocks: bool
    rules: list[Shown] = field(default_factory=list)
    blocks: list["ShownBlock"] = field(default_factory=list)


def shown(session: Session, draft: Draft, facts: Sequence[GroupFact], own_id: int | None) -> ShownBlock:
    """Every block and rule ready to be drawn, numbered in the order of the page."""
    settle(draft, facts)
    return _Drawing(session, {fact.name: fact for fact in facts}, own_id).block(draft.root)


@dataclass
class _Drawing:
    session: Session
    facts: dict[str, GroupFact]
    own_id: int | None
    blocks: int = 0
    rules: int = 0
    known: dict[str, Choices] = field(default_factory=dict)

    def block(self, block: Block, parent: int = 0, depth: int = 1) -> ShownBlock:
        drawn = ShownBlock(self.blocks, parent, block.join, depth < DEEPEST_BLOCK)
        self.blocks += 1
        drawn.rules.extend(self.rule(line) for line in block.lines)
        drawn.blocks.extend(self.block(one, drawn.number, depth + 1) for one in block.blocks)
        return drawn

    def rule(self, line: Line) -> Shown:
        fact = self.facts.get(line.fact)
        names: tuple[str, ...] = ("is", "is-not") if line.fact == GROUP_FACT else fact.operators if fact else ()
        choices: Choices = ()
        if names and line.op not in (*WITHOUT_VALUE, *WITH_NUMBER, "contains", "starts-with"):
            choices = self.choices(line.fact)
        operators = [(name, OPERATOR_LABELS.get(name, name.replace("-", " "))) for name in names]
        self.rules += 1
        return Shown(self.rules - 1, line, operators, choices, _how(line, choices))

    def choices(self, name: str) -> Choices:
        if name not in self.known:
            fact = self.facts.get(name)
            self.known[name] = fact.choices(self.session) if fact else _groups(self.session, self.own_id)
        return self.known[name]


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
