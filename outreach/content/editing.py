"""The block editor without script: a form in, a draft out. Every change is a submit button; dragging moves fields."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Group
from outreach.content import tongues
from outreach.content.blocks import Block, Data
from outreach.content.details import choices, with_fallbacks, written
from outreach.content.drafts import GROUP_FIELD, LAYOUT_LABELS, MAX_BLOCKS, Draft, blocks_by_name, clean, new_block
from outreach.content.kinds import PROVIDERS
from outreach.content.markup import as_typed
from outreach.screen import World

ACTIONS = ("add", "up", "down", "copy", "remove")
PHONE_SUBJECT_CHARS = 42
LONG_SUBJECT_CHARS = 60
PREFIX = "block"
FEW_BLOCKS = 2


class FormData(Protocol):
    """What a submitted form offers; werkzeug's MultiDict does."""

    def get(self, key: str, default: str | None = None) -> Any:
        """The first value of a field."""

    def getlist(self, key: str) -> list[str]:
        """All values of a field, in the order of the page."""


@dataclass(frozen=True)
class Action:
    """A button of the editor that was pressed: what it did, and at which block (for the focus afterwards)."""

    verb: str
    place: int


def read_form(form: FormData, offered: Iterable[Block] = ()) -> tuple[Draft, Action | None]:
    """The draft as the form has it, clean, with the pressed button already carried out.

    Fields: subject, preview_line, layout, sponsored; block (one per block, in order, its key); block-KEY-FIELD;
    language, other_languages (see `tongues`); act. `act` is "add:TYPE" (at the end), "add:TYPE:PLACE" (after that
    block), "up:PLACE", "down:PLACE", "copy:PLACE" or "remove:PLACE"; "detail:NAME" puts that detail behind the subject.
    Anything else is the owner's own button; both give None.
    """
    known = blocks_by_name(offered)
    blocks = [_block(form, key, known) for key in form.getlist(PREFIX)[:MAX_BLOCKS]]
    draft, _ = clean(
        {
            "subject": form.get("subject", ""),
            "preview_line": form.get("preview_line", ""),
            "layout": form.get("layout", "designed"),
            "sponsored": form.get("sponsored", ""),
            "blocks": blocks,
        },
        offered,
    )
    typed, action = apply(draft, form.get("act", ""), known)
    whole = tongues.put_together(typed, form.get("language", ""), form.get("other_languages", ""))
    return tongues.pressed(clean(whole, offered)[0], form.get("act", "")), action


def _block(form: FormData, key: str, known: Mapping[str, Block]) -> Data:
    names = [GROUP_FIELD, *_kept(form, key)]
    block = known.get(form.get(f"{PREFIX}-{key}-type", ""))
    if block:
        names += [field.name for field in block.fields]
    data = {name: value for name in names if (value := form.get(f"{PREFIX}-{key}-{name}", None)) is not None}
    return {"type": form.get(f"{PREFIX}-{key}-type", ""), **data}


def _kept(form: FormData, key: str) -> list[str]:
    """Names of fields that the editor cannot show (a block of an unknown sort) but carries along."""
    return form.getlist(f"{PREFIX}-{key}-kept")


def apply(draft: Draft, act: str, known: Mapping[str, Block]) -> tuple[Draft, Action | None]:
    """The draft after one button; moves beyond the ends change nothing."""
    verb, _, rest = act.partition(":")
    if verb == "detail":
        return replace(draft, subject=f"{draft.subject} {written(rest)}".strip()), None
    if verb not in ACTIONS:
        return draft, None
    blocks = list(draft.blocks)
    if verb == "add":
        name, _, after = rest.partition(":")
        if name not in known or len(blocks) >= MAX_BLOCKS:
            return draft, None
        place = _place(after, len(blocks)) + 1 if after else _end(blocks)
        blocks.insert(place, new_block(known[name]))
        return replace(draft, blocks=blocks), Action(verb, place)
    place = _place(rest, len(blocks))
    if place < 0:
        return draft, None
    place = _change(blocks, verb, place)
    return replace(draft, blocks=blocks), Action(verb, place)


def _place(text: str, length: int) -> int:
    place = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
    return place if place < length else -1


def _end(blocks: Sequence[Data]) -> int:
    """At the end, but above the signature, where people expect it."""
    signed = bool(blocks) and blocks[-1]["type"] == "signature"
    return len(blocks) - 1 if signed else len(blocks)


def _change(blocks: list[Data], verb: str, place: int) -> int:
    if verb == "remove":
        del blocks[place]
        return max(place - 1, 0)
    if verb == "copy":
        if len(blocks) < MAX_BLOCKS:
            blocks.insert(place + 1, dict(blocks[place]))
        return place + 1
    other = place - 1 if verb == "up" else place + 1
    if 0 <= other < len(blocks):
        blocks[place], blocks[other] = blocks[other], blocks[place]
        return other
    return place


@dataclass(frozen=True)
class ShownField:
    """One field of a block as the editor shows it."""

    name: str
    label: str
    kind: str
    value: str
    help: str
    max_chars: int
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ShownBlock:
    """One block as the editor shows it."""

    type: str
    title: str
    icon: str
    fields: Sequence[ShownField]
    only_for: int | None
    kept: Sequence[tuple[str, str]] = ()
    """What a block of an unknown sort holds: carried along, not shown."""


@dataclass(frozen=True)
class Editor:
    """All that the `editor` macro needs."""

    draft: Draft
    blocks: Sequence[ShownBlock]
    offered: Sequence[tuple[str, str, str]]
    """(type, label, icon) of the blocks that can be added."""
    details: Sequence[tuple[str, str, str]]
    groups: Sequence[tuple[str, str]]
    layouts: Sequence[tuple[str, str]]
    focus: int | None = None
    languages: Sequence[tuple[str, str, bool]] = ()
    """(code, label, whether shown)."""
    more_languages: Sequence[tuple[str, str]] = ()
    other_languages: str = ""
    """What stands in the languages that are not shown: carried along."""
    asks_sponsor: bool = False

    def is_open(self, place: int) -> bool:
        """Whether a block stands open: the one just touched, else the first text; in a short message all of them."""
        if self.focus is not None:
            return place == self.focus
        texts = [number for number, block in enumerate(self.blocks) if block.type == "text"]
        return len(self.blocks) <= FEW_BLOCKS or place == (texts[0] if texts else 0)

    @property
    def subject_details(self) -> list[tuple[str, str, str]]:
        """(name, label, as it is typed) of what may be put into the subject."""
        return [(name, label, written(name)) for name, label, _ in self.details]

    @property
    def subject_hint(self) -> str:
        """The length of the subject in words."""
        return subject_hint(self.draft.subject)


def editor_for(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    audiences: Collection[str] = PROVIDERS,
    action: Action | None = None,
    focus: int | None = None,
) -> Editor:
    """The editor of a draft: fields with their choices, blocks and details on offer, groups for "only for".

    The block that stands open is the one of `action`, or `focus` (after a redirect to "?at=2#block-2").
    """
    whole, draft = draft, tongues.shown_of(draft)
    known = blocks_by_name(world.content_blocks)
    rows = session.execute(select(Group.id, Group.name).where(Group.deleted_at.is_(None)).order_by(Group.name))
    groups = [(str(row.id), row.name) for row in rows]
    return Editor(
        draft=draft,
        blocks=[_shown(data, known.get(data["type"]), session, now) for data in draft.blocks],
        offered=[(b.name, b.label, b.icon) for b in known.values() if not b.offered_for or kind in b.offered_for],
        details=choices(audiences),
        groups=[("", "Everyone"), *groups],
        layouts=list(LAYOUT_LABELS.items()),
        focus=action.place if action else focus,
        languages=tongues.tabs(whole),
        more_languages=tongues.to_add(whole),
        other_languages=tongues.carried(whole),
        asks_sponsor="client" in audiences,
    )


def _shown(data: Data, block: Block | None, session: Session, now: datetime) -> ShownBlock:
    if block is None:
        kept = [(name, str(value)) for name, value in data.items() if name not in ("type", GROUP_FIELD)]
        return ShownBlock(data["type"], "A block that is not known here", "alert-triangle", (), None, kept)
    fields = [
        ShownField(
            name=field.name,
            label=field.label,
            kind="choice" if field.kind == "asset" else field.kind,
            value=_typed(str(data.get(field.name, field.default)), field.kind),
            help=field.help,
            max_chars=field.max_chars,
            options=_options(field.choices or block.options(field.name, session, now=now), data.get(field.name))
            if field.kind in ("choice", "asset")
            else (),
        )
        for field in block.fields
    ]
    return ShownBlock(data["type"], block.title(data), block.icon, fields, data.get(GROUP_FIELD))


def _typed(value: str, kind: str) -> str:
    """What stands in the field: a text without formatting as plain paragraphs, for people without script."""
    return as_typed(value) if kind == "html" else value


def _options(offered: Sequence[tuple[str, str]], chosen: object) -> Sequence[tuple[str, str]]:
    """The choices, with what was chosen before even when it is no longer offered: an edit never changes it unseen."""
    value = str(chosen or "")
    if value and value not in {key for key, _ in offered}:
        return [*offered, (value, "The one chosen before (no longer available)")]
    return offered


def subject_hint(subject: str) -> str:
    """ "34 characters. Fits a phone screen." """
    length = len(with_fallbacks(subject))
    if not length:
        return "Say what is inside in a few words."
    fits = "Fits a phone screen." if length <= PHONE_SUBJECT_CHARS else "A phone may cut its end."
    if length > LONG_SUBJECT_CHARS:
        fits = f"Over {LONG_SUBJECT_CHARS}: the end will often not be seen."
    return f"{length} character{'' if length == 1 else 's'}. {fits}"
