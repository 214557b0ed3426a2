"""Lines of text written as mail HTML (inline styles, our tags only) and as plain text (folded, links written out)."""

from collections.abc import Sequence

from outreach.content.blocks import Context, Paragraph
from outreach.content.markup import Line
from outreach.content.segments import HTML, TEXT, TEXT_WIDTH, Segment, Segments

PARAGRAPH = '<p style="margin:0 0 16px">'
LIST = {"ul": '<ul style="margin:0 0 16px;padding-left:24px">', "ol": '<ol style="margin:0 0 16px;padding-left:24px">'}
INNER_LIST = {"ul": '<ul style="margin:0;padding-left:24px">', "ol": '<ol style="margin:0;padding-left:24px">'}
ITEM = '<li style="margin:0 0 6px">'
EXPECTED_DETAIL_CHARS = 16
EXPECTED_LINK_CHARS = 60


def html_of(lines: Sequence[Line], context: Context) -> Segments:
    """The lines as HTML segments."""
    result: Segments = []
    open_lists: list[str] = []
    for line in lines:
        while len(open_lists) > line.depth:
            result.append(_close(open_lists))
        if line.marker:
            if len(open_lists) == line.depth and open_lists[-1] != line.marker:
                result.append(_close(open_lists))
            while len(open_lists) < line.depth:
                result.append((INNER_LIST if open_lists else LIST)[line.marker])
                open_lists.append(line.marker)
        result.append(ITEM if line.marker else PARAGRAPH)
        result.extend(_inline(line.runs, context))
        result.append("</li>" if line.marker else "</p>")
    while open_lists:
        result.append(_close(open_lists))
    return result


def _close(open_lists: list[str]) -> str:
    return f"</{open_lists.pop()}>"


def _inline(runs: Sequence[tuple[str, str]], context: Context) -> Segments:
    result: Segments = []
    opened: list[str] = []
    for kind, words in _trimmed(runs):
        if kind == "text":
            result.extend(context.parsed(words, HTML))
        elif kind == "br":
            result.append("<br>")
        elif kind.startswith("/"):
            if kind[1:] in opened:
                while opened and (last := opened.pop()):
                    result.append(f"</{last}>")
                    if last == kind[1:]:
                        break
        elif kind != "a":
            opened.append(kind)
            result.append(f"<{kind}>")
        elif words:
            opened.append("a")
            style = f'" class="link" style="color:{context.colour};text-decoration:underline">'
            result.extend(['<a href="', *context.link(words, HTML), style])
    return [*result, *(f"</{tag}>" for tag in reversed(opened))]


def _trimmed(runs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without line breaks at the end, where they would only add an empty line."""
    kept = list(runs)
    while kept and (kept[-1][0] == "br" or (kept[-1][0] == "text" and not kept[-1][1].strip())):
        kept.pop()
    return kept


def paragraphs_of(lines: Sequence[Line], context: Context) -> list[Paragraph]:
    """The lines as paragraphs of plain text; list items get a dash or their number."""
    result = []
    before = Line()
    for line in lines:
        indent = "  " * (line.depth - 1) if line.marker else ""
        first = indent + (f"{line.number}. " if line.marker == "ol" else "- ") if line.marker else ""
        segments = _plain(_trimmed(line.runs), context)
        close = bool(line.marker and before.marker)
        result.append(Paragraph(segments, first=first, rest=" " * len(first), close=close))
        before = line
    return result


def _plain(runs: Sequence[tuple[str, str]], context: Context) -> Segments:
    result: Segments = []
    href, label = "", ""
    for kind, words in runs:
        if kind == "text":
            result.extend(context.parsed(words, TEXT))
            label += words
        elif kind == "br":
            result.append("\n")
        elif kind == "a":
            href, label = words, ""
        elif kind == "/a" and href:
            result.extend(_address(href, label, context))
            href = ""
    return result


def _address(href: str, label: str, context: Context) -> Segments:
    bare = href.removeprefix("mailto:").removeprefix("tel:")
    if bare in label:
        return []
    return [" (", *(context.link(href, TEXT) if bare == href else [bare]), ")"]


def text_of(paragraphs: Sequence[Paragraph]) -> Segments:
    """The paragraphs folded to 76 columns, an empty line between them; details count as their usual length."""
    result: Segments = []
    for paragraph in paragraphs:
        if not paragraph.close or not result:
            result.append("\n" if result else "")
        for line in _folded(paragraph):
            result.extend([*line, "\n"])
    return result


def _folded(paragraph: Paragraph) -> list[Segments]:
    lines: list[Segments] = [[paragraph.first]]
    width = len(paragraph.first)
    fresh = True
    for word in _words(paragraph.segments):
        if word == ["\n"]:
            lines.append([paragraph.rest])
            width, fresh = len(paragraph.rest), True
            continue
        length = sum(map(_expected, word))
        if not fresh and width + 1 + length > TEXT_WIDTH:
            lines.append([paragraph.rest])
            width, fresh = len(paragraph.rest), True
        if not fresh:
            lines[-1].append(" ")
            width += 1
        lines[-1].extend(word)
        width, fresh = width + length, False
    return lines


def _words(segments: Sequence[Segment]) -> list[Segments]:
    """The segments cut at spaces: a word is what stays on one line. A line break is a word of its own."""
    words: list[Segments] = []
    glue = False
    for segment in segments:
        if isinstance(segment, list):
            if glue:
                words[-1].append(segment)
            else:
                words.append([segment])
            glue = True
            continue
        for number, line in enumerate(segment.split("\n")):
            if number:
                words.append(["\n"])
                glue = False
            parts = line.split(" ")
            for place, part in enumerate(parts):
                glue = glue and place == 0
                if not part:
                    continue
                if glue:
                    words[-1].append(part)
                else:
                    words.append([part])
                glue = True
            if len(parts) > 1 and not parts[-1]:
                glue = False
    return words


def _expected(piece: Segment) -> int:
    if isinstance(piece, str):
        return len(piece)
    return max(EXPECTED_DETAIL_CHARS, len(piece[2])) if piece[0] == "d" else EXPECTED_LINK_CHARS
