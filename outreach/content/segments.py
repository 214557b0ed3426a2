"""A compiled message: literal text and the few places that differ per person, split once and joined per person.

A segment is a string, or a list: ["d", name, fallback, mode] a detail, ["l", index, url, mode] the n-th link,
["g", group id, segments] shown to one group only, ["v", name, segments] shown when the detail has a value, and with
"!" before its name when it has none.
Mode "h" escapes for HTML, "t" is plain text on one line. Segments are JSON, so a message can be stored compiled.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

Segment = str | list[Any]
Segments = list[Segment]

HTML = "h"
TEXT = "t"
TEXT_WIDTH = 76
GROUPS_KEY = "_groups"
"""In the values of a person: the ids of the groups it is in, joined by commas."""


def link_key(index: int) -> str:
    """The key under which values may replace the n-th link of a message."""
    return f"_link_{index}"


def detail(name: str, fallback: str, mode: str) -> Segment:
    """The place of a detail."""
    return ["d", name, fallback, mode]


def link(index: int, url: str, mode: str) -> Segment:
    """The place of the n-th link; the url is what stands there unless the values replace it."""
    return ["l", index, url, mode]


def only_for(group_id: int, inner: Segments) -> Segment:
    """A part that only members of one group see."""
    return ["g", group_id, inner]


def given(name: str, inner: Segments) -> Segment:
    """A part that is there only when the detail has a value; with "!" before the name, only when it has none."""
    return ["v", name, inner]


def walk(segments: Sequence[Segment]) -> Iterator[list[Any]]:
    """All segments that are not literal, inner ones too."""
    for segment in segments:
        if isinstance(segment, list):
            yield segment
            if segment[0] in "gv":
                yield from walk(segment[2])


def visible(segments: Sequence[Segment], values: Mapping[str, str]) -> Segments:
    """The same segments without conditions: what somebody with these values sees, details and links still open."""
    return joined(list(_visible(segments, values)))


def _visible(segments: Sequence[Segment], values: Mapping[str, str]) -> Iterator[Segment]:
    for segment in segments:
        if isinstance(segment, str) or segment[0] not in "gv":
            yield segment
        elif is_shown(segment, values):
            yield from _visible(segment[2], values)


def is_shown(segment: list[Any], values: Mapping[str, str]) -> bool:
    """Whether somebody with these values sees a conditional part."""
    if segment[0] == "g":
        return str(segment[1]) in values.get(GROUPS_KEY, "").split(",")
    name: str = segment[1]
    return not values.get(name[1:]) if name.startswith("!") else bool(values.get(name))


def conditions(segments: Sequence[Segment]) -> list[list[Any]]:
    """The parts that not everybody sees, each condition once; `shape` tells which of them somebody does see."""
    found = {(each[0], each[1]): each for each in walk(segments) if each[0] in "gv"}
    return list(found.values())


def shape(conditions: Sequence[list[Any]], values: Mapping[str, str]) -> tuple[bool, ...]:
    """Who has the same shape sees the same segments."""
    return tuple([is_shown(each, values) for each in conditions])


def joined(segments: Sequence[Segment]) -> Segments:
    """The same segments with neighbouring literals joined, so that merging has fewer parts."""
    result: Segments = []
    for segment in segments:
        if isinstance(segment, list) and segment[0] in "gv":
            result.append([segment[0], segment[1], joined(segment[2])])
        elif isinstance(segment, str) and result and isinstance(result[-1], str):
            result[-1] += segment
        elif segment != "":
            result.append(segment)
    return result


def one_line(text: str) -> str:
    """The text without line breaks and control characters: safe in a header, and no line of its own in a text."""
    if text.isprintable():
        return text
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


Fill = Callable[[Mapping[str, str]], str]


def filler(segments: Sequence[Segment]) -> Fill:
    """A function from one person's values to the finished text; all that can be done once is done here."""
    parts: list[str] = []
    slots: list[tuple[int, Fill]] = []
    for place, segment in enumerate(joined(segments)):
        if isinstance(segment, str):
            parts.append(segment)
        else:
            parts.append("")
            slots.append((place, _slot(segment)))
    if slots and len(parts) == 1:
        return slots[0][1]

    def fill(values: Mapping[str, str]) -> str:
        filled = parts.copy()
        for place, slot in slots:
            filled[place] = slot(values)
        return "".join(filled)

    return fill


def _slot(segment: list[Any]) -> Fill:
    sort = segment[0]
    if sort == "d":
        return _detail_slot(segment[1], segment[2], segment[3] == HTML)
    if sort == "l":
        return _link_slot(link_key(segment[1]), segment[2], segment[3] == HTML)
    inner = filler(segment[2])
    return lambda values: inner(values) if is_shown(segment, values) else ""


def _detail_slot(name: str, fallback: str, as_html: bool) -> Fill:
    if as_html:
        otherwise = escape(fallback)
        return lambda values: escape(one_line(value)) if (value := values.get(name)) else otherwise
    return lambda values: one_line(value) if (value := values.get(name)) else fallback


def _link_slot(key: str, url: str, as_html: bool) -> Fill:
    otherwise = escape(url) if as_html else url
    if as_html:
        return lambda values: escape(value) if (value := values.get(key)) else otherwise
    return lambda values: values.get(key) or otherwise


def wrapped(text: str) -> str:
    """The text with lines that a long detail made too long folded again; addresses of pages are never broken."""
    lines = text.split("\n")
    if max(map(len, lines)) <= TEXT_WIDTH:
        return text
    return "\n".join(_fold(line) if len(line) > TEXT_WIDTH else line for line in lines)


def _fold(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return textwrap.fill(
        line.strip(),
        TEXT_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
