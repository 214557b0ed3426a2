"""What people type in a text block: cleaned to a few tags, read into lines, written as mail HTML and as plain text.

The HTML of a message is written by us from the lines that were read; nothing a person typed is passed through.
"""

import re
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

import nh3

from outreach.content.details import is_url_detail

TAGS = {"p", "br", "strong", "b", "em", "i", "a", "ul", "ol", "li"}
SCHEMES = {"https", "mailto", "tel"}
DROPPED_WITH_CONTENT = {"script", "style", "iframe", "object", "embed", "template", "noscript", "svg", "math", "title"}
MAX_HTML_CHARS = 20_000
MAX_LIST_DEPTH = 3
_BLOCK_TAG = re.compile(r"<(?:p|br|ul|ol|li|div|h[1-6])\b", re.IGNORECASE)
_EMPTY_PARAGRAPH = re.compile(r"<p>\s*</p>")
_INLINE_TAG = re.compile(r"</?(?:strong|b|em|i|a)\b[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r"(?:https://[^\s/?#]+\S*|mailto:[^\s@]+@[^\s@]+|tel:[+0-9().\- ]+)", re.IGNORECASE)


def clean_html(typed: str) -> str:
    """Only the allowed tags and links are left; text typed without any tag becomes paragraphs. Idempotent."""
    text = typed.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")[:MAX_HTML_CHARS]
    if not _BLOCK_TAG.search(text):
        text = _paragraphs(text if _INLINE_TAG.search(text) else escape(text, quote=False))
    cleaned = nh3.clean(
        text,
        tags=TAGS,
        clean_content_tags=DROPPED_WITH_CONTENT,
        attributes={"a": {"href"}},
        attribute_filter=_keep_href,
        url_schemes=SCHEMES,
        link_rel=None,
    ).strip()
    # Cleaning may leave a paragraph with nothing in it, for example where only an unfinished tag stood.
    cleaned = _EMPTY_PARAGRAPH.sub("", cleaned)
    return cleaned if _BLOCK_TAG.search(cleaned) else _paragraphs(cleaned)


def _paragraphs(text: str) -> str:
    parts = ["<br>".join(line.strip() for line in part.strip().split("\n")) for part in re.split(r"\n[ \t]*\n", text)]
    return "".join(f"<p>{part}</p>" for part in parts if part)


def _keep_href(tag: str, name: str, value: str) -> str | None:
    return value if name == "href" and is_link(value) else None


def is_link(address: str) -> bool:
    """Whether an address may be linked: https, mailto, tel, or one of the person's own pages as a detail."""
    return bool(_HREF.fullmatch(address.strip())) or is_url_detail(address)


def as_typed(cleaned: str) -> str:
    """Cleaned HTML that is only paragraphs, as plain text that `clean_html` reads back to the same; else unchanged."""
    if re.search(r"<(?!/?p>|br>)", cleaned):
        return cleaned
    text = unescape(re.sub(r"\s*</p>\s*<p>\s*", "\n\n", cleaned.replace("<br>", "\n")))
    text = re.sub(r"</?p>", "", text).strip()
    return cleaned if "<" in text else text


@dataclass
class Line:
    """A paragraph or a list item: its runs are ("text", words), ("br", ""), ("b", ""), ("/b", ""), ("a", href), …"""

    depth: int = 0
    marker: str = ""
    """"ul" or "ol" for items."""
    number: int = 0
    runs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing would be seen."""
        return not any(kind == "text" and words.strip() for kind, words in self.runs)


def lines_of(cleaned: str) -> list[Line]:
    """The lines of cleaned HTML, empty ones left out."""
    reader = _Reader()
    reader.feed(cleaned)
    reader.close()
    return [line for line in reader.lines if not line.empty]


def plain_text(cleaned: str) -> str:
    """The words only, for linters: one line of text per line."""
    return "\n".join(
        "".join(words if kind == "text" else "\n" if kind == "br" else "" for kind, words in line.runs).strip()
        for line in lines_of(cleaned)
    )


class _Reader(HTMLParser):
    """Reads the balanced output of the cleaner; inline tags are closed at the end of each line by the writer."""

    _NAMES = {"strong": "b", "b": "b", "em": "i", "i": "i"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = [Line()]
        self.lists: list[list[int | str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        if tag in ("ul", "ol"):
            self.lists.append([tag, 0])
        elif tag == "li":
            self._item()
        elif tag == "p":
            self._paragraph()
        elif tag == "br":
            self.lines[-1].runs.append(("br", ""))
        elif tag == "a":
            self.lines[-1].runs.append(("a", dict(attrs).get("href") or ""))
        elif tag in self._NAMES:
            self.lines[-1].runs.append((self._NAMES[tag], ""))

    def handle_endtag(self, tag: str) -> None:
        """A tag closes."""
        if tag in ("ul", "ol") and self.lists:
            self.lists.pop()
            self.lines.append(Line())
        elif tag in ("p", "li"):
            self._paragraph()
        elif tag == "a" or tag in self._NAMES:
            self.lines[-1].runs.append(("/" + self._NAMES.get(tag, tag), ""))

    def handle_data(self, data: str) -> None:
        """Words."""
        self.lines[-1].runs.append(("text", re.sub(r"\s+", " ", data)))

    def _item(self) -> None:
        marker, number = self.lists[-1] if self.lists else ("ul", 0)
        if self.lists:
            self.lists[-1][1] = int(number) + 1
        depth = min(max(len(self.lists), 1), MAX_LIST_DEPTH)
        self.lines.append(Line(depth=depth, marker=str(marker), number=int(number) + 1))

    def _paragraph(self) -> None:
        current = self.lines[-1]
        if current.empty:
            return
        if current.marker and self.lists:
            current.runs.append(("br", ""))
        else:
            self.lines.append(Line())
