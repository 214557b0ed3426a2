"""Drafts: what people write, as JSON that any room can keep in a column of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from outreach.content.blocks import Block, Data, Field
from outreach.content.languages import LANGUAGES
from outreach.content.markup import clean_html
from outreach.content.own_blocks import OWN_BLOCKS
from outreach.content.problems import Problem, blocker, warning
from outreach.content.segments import one_line

LAYOUTS = ("designed", "plain")
LAYOUT_LABELS = {"designed": "Designed", "plain": "Plain, like a note"}
MAX_BLOCKS = 60
MAX_SUBJECT_CHARS = 200
GROUP_FIELD = "only_for"
SPONSORED = ("no", "yes")


@dataclass(frozen=True)
class Draft:
    """A message while it is being written."""

    subject: str = ""
    preview_line: str = ""
    blocks: list[Data] = field(default_factory=list)
    layout: str = "designed"
    sponsored: str = ""
    """Whether somebody outside pays for the message: "yes", "no", or "" when nobody said."""
    variants: dict[str, "Draft"] = field(default_factory=dict)
    """The same message in other languages, by code; these have no variants of their own."""
    shown: str = ""
    """The language that stands in the editor; "" is the main one."""

    def to_json(self) -> dict[str, Any]:
        """As kept in a JSON column."""
        kept: dict[str, Any] = {
            "subject": self.subject,
            "preview_line": self.preview_line,
            "layout": self.layout,
            "blocks": [dict(block) for block in self.blocks],
        }
        if self.sponsored:
            kept["sponsored"] = self.sponsored
        if self.variants:
            kept["variants"] = {code: each.to_json() for code, each in self.variants.items()}
        if self.shown:
            kept["shown"] = self.shown
        return kept

    def versions(self) -> dict[str, "Draft"]:
        """The message in each language alone: {"": the main one, "es": …}."""
        return {"": replace(self, variants={}, shown=""), **self.variants}

    @staticmethod
    def from_json(kept: Mapping[str, Any] | None) -> "Draft":
        """The draft that was kept; whatever cannot be read is left out (see `clean`)."""
        return clean(kept or {})[0]


def clean(
    kept: Mapping[str, Any], offered: Iterable[Block] = (), *, inner: bool = False
) -> tuple[Draft, list[Problem]]:
    """A draft with known fields of bounded length and clean HTML only, and what was wrong. Idempotent.

    `offered` are the blocks of other rooms (`world.content_blocks`). A block of a sort that is not known here is kept,
    with its simple values, and reported: nothing that was written is lost. `inner`: it is one language of a message.
    """
    known = blocks_by_name(offered)
    problems: list[Problem] = []
    raw = kept.get("blocks")
    blocks = []
    for place, data in enumerate(raw[:MAX_BLOCKS] if isinstance(raw, list) else []):
        if not isinstance(data, Mapping) or not isinstance(data.get("type"), str):
            problems.append(warning("unreadable-block", "A block could not be read and was left out.", place))
            continue
        if data["type"] not in known:
            problems.append(blocker("unknown-block", f"The block “{data['type'][:40]}” is not known here.", place))
        blocks.append(_clean_block(data, known.get(data["type"])))
    if isinstance(raw, list) and len(raw) > MAX_BLOCKS:
        problems.append(warning("too-many-blocks", f"Only the first {MAX_BLOCKS} blocks were kept."))
    layout = kept.get("layout")
    layout = layout if layout in LAYOUTS else "designed"
    variants = {} if inner else _variants(kept.get("variants"), layout, offered)
    shown = kept.get("shown")
    sponsored = kept.get("sponsored")
    draft = Draft(
        subject=_line(kept.get("subject"), MAX_SUBJECT_CHARS),
        preview_line=_line(kept.get("preview_line"), MAX_SUBJECT_CHARS),
        blocks=blocks,
        layout=layout,
        sponsored=sponsored if sponsored in SPONSORED else "",
        variants=variants,
        shown=shown if isinstance(shown, str) and shown in variants else "",
    )
    return draft, problems


def _variants(kept: Any, layout: str, offered: Iterable[Block]) -> dict[str, Draft]:
    found = kept if isinstance(kept, Mapping) else {}
    wanted = [code for code in LANGUAGES if isinstance(found.get(code), Mapping)]
    return {code: clean({**found[code], "layout": layout}, offered, inner=True)[0] for code in wanted}


def blocks_by_name(offered: Iterable[Block] = ()) -> dict[str, Block]:
    """Every known sort of block: ours and the offered ones."""
    return {block.name: block for block in (*OWN_BLOCKS, *offered)}


def new_block(block: Block) -> Data:
    """A fresh block with its defaults."""
    return {"type": block.name, **{known.name: known.default for known in block.fields}}


def _clean_block(data: Mapping[str, Any], block: Block | None) -> Data:
    fields = block.fields if block else [Field(name, name) for name in list(data)[:40] if name != "type"]
    result: Data = {"type": data["type"][:40]}
    for known in fields:
        if known.name == GROUP_FIELD or not isinstance(data.get(known.name), str | int):
            continue
        value = str(data[known.name])
        result[known.name] = clean_html(value) if known.kind == "html" else _line(value, known.max_chars)
    group = str(data.get(GROUP_FIELD) or "")
    if group.isascii() and group.isdigit() and len(group) < 10:
        result[GROUP_FIELD] = int(group)
    return result


def _line(value: Any, most: int) -> str:
    return one_line(value)[:most].strip() if isinstance(value, str) else ""
