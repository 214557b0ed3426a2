"""What a block is: the protocol that rooms implement to contribute one, and the context it is compiled in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from outreach.content import details
from outreach.content.kinds import MessageKind
from outreach.content.languages import MAIN
from outreach.content.look import DEFAULT_COLOUR
from outreach.content.look_models import EmailLook
from outreach.content.problems import Problem
from outreach.content.segments import HTML, TEXT, Segments, link
from outreach.practice.models import Practice

Data = dict[str, Any]
"""The fields of one block, as kept in a draft: {"type": name, "only_for": group id or absent, field: text, …}."""
MAX_LINE_CHARS = 300


@dataclass(frozen=True)
class Field:
    """One thing to type or choose in a block. kind: line, html, url, choice, asset. Values are always text."""

    name: str
    label: str
    kind: str = "line"
    help: str = ""
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    """(value, label) of a choice; () asks `Block.options`."""
    max_chars: int = MAX_LINE_CHARS


@dataclass
class Paragraph:
    """One paragraph of the plain-text part; `first` stands before its first line, `rest` before the others."""

    segments: Segments
    first: str = ""
    rest: str = ""
    close: bool = False
    """No empty line between this one and the one before."""


@dataclass(frozen=True)
class Quoted:
    """A story that a block quotes or shows, and the line that tells a person where."""

    authorization_id: int
    line: str


@dataclass
class Context:
    """What a block may use while a message is compiled. Collects slots and links; `compiling` reads them."""

    session: Session
    now: datetime
    practice: Practice
    kind: MessageKind
    audiences: tuple[str, ...]
    base_url: str
    layout: str = "designed"
    colour: str = DEFAULT_COLOUR
    look: EmailLook | None = None
    language: str = MAIN
    fixed: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    slots: list[Segments] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The practice's local day."""
        return self.now.astimezone(ZoneInfo(self.practice.time_zone)).date()

    @property
    def plain(self) -> bool:
        """Whether this is the layout without header, buttons and pictures."""
        return self.layout == "plain"

    def slot(self, segments: Segments) -> str:
        """A marker to put into MJML; it becomes the segments afterwards. Typed text gets into MJML no other way."""
        self.slots.append(segments)
        return f"~~{len(self.slots) - 1}~~"

    def words(self, text: str) -> str:
        """A marker for a line of text that may hold details."""
        return self.slot(self.parsed(text, HTML))

    def address(self, url: str) -> str:
        """A marker for the value of an href."""
        return self.slot(self.link(url, HTML))

    def parsed(self, text: str, mode: str = TEXT) -> Segments:
        """Text with details as segments; the practice's own details are filled."""
        return details.parsed(text, mode, self.fixed)

    def paragraph(self, text: str, **more: Any) -> Paragraph:
        """A paragraph of the plain-text part."""
        return Paragraph(self.parsed(text), **more)

    def link(self, url: str, mode: str) -> Segments:
        """The place of an address. https ones are numbered so that deliveries can track them."""
        url = url.strip()
        if details.is_url_detail(url) or not url.lower().startswith("https://"):
            return self.parsed(url, mode)
        if url not in self.links:
            self.links.append(url)
        return [link(self.links.index(url), url, mode)]


class Block:
    """One sort of block. Subclass it and offer an instance in `contributes.CONTENT_BLOCKS`."""

    name: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]] = ()
    details: ClassVar[tuple[str, ...]] = ()
    """Names of further details that it writes and that its room fills per person."""
    section: ClassVar[bool] = False
    """Writes whole <mj-section> elements instead of what stands in a column."""
    offered_for: ClassVar[tuple[str, ...]] = ()
    """Message kinds in whose editor it is offered; () for all."""

    def to_mjml(self, data: Data, context: Context) -> str:
        """MJML made of our own markup and `context.words`, `context.address`, `context.slot` markers only."""
        raise NotImplementedError

    def to_text(self, data: Data, context: Context) -> list[Paragraph]:
        """The same as paragraphs of plain text."""
        raise NotImplementedError

    def problems(self, data: Data, context: Context) -> list[Problem]:
        """What must or should be put right before this can go."""
        return []

    def quotes(self, data: Data, context: Context) -> list[Quoted]:
        """The stories it quotes or shows."""
        return []

    def options(self, field_name: str, session: Session, *, now: datetime) -> Sequence[tuple[str, str]]:
        """(value, label) to choose from, for a choice field without fixed choices."""
        return ()

    def title(self, data: Data) -> str:
        """What its head in the editor says."""
        return self.label
