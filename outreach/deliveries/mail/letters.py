"""The bodies of a message revision, encoded once as quoted-printable pieces: a person's mail is these pieces joined.

Every place that differs stands between two soft line breaks, so no piece is ever cut by one (RFC 2045 section 6.7) and
no line grows over 76 characters. In the plain part a line with such a place is folded as `content.segments.wrapped`
folds it. Tracked links differ by the delivery's number and signature only: both are filled into finished addresses.
No line begins with a dot (it is written as =2E), so that nobody has to look for one when the mail leaves over SMTP.
"""

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from outreach.content.segments import (
    TEXT_WIDTH,
    Segment,
    Segments,
    conditions,
    filler,
    joined,
    shape,
    visible,
    wrapped,
)
from outreach.deliveries.mail.usual import BOUNDARY, HEAD, NUMBER, PLAIN, SIGN, Form, Part, Word

PART_HEAD = b"\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
LINE = 76
SOFT = b"=\r\n"
EASY = re.compile(r"(?:(?!\.)[ -<>-~]{0,73}[!-<>-~])?")
"""Needs no encoding and fits into one line, soft break included. Neither a space at its end nor a dot before it."""
IS_PLAIN = re.compile(PLAIN)
"""The same, not empty, and nothing in it that HTML would have to escape."""
MOST_IN_A_LINE = 74
"""Letters of an easy line."""
DOT = re.compile(rb"^\.(.*)$", re.MULTILINE)
LONG_END = re.compile(rb"^([^\n]{74,75})(=20|=09)$", re.MULTILINE)
"""A line that binascii makes too long: it counts a space before the line end as one letter and writes three."""
NUMBER_ROOM = 6
"""The largest id that a column holds (`links.LARGEST_ID`), in base 36."""
SIGN_ROOM = 22
MOST_FRAMES = 100

Values = Mapping[str, str]
Fill = Callable[[Values], bytes]


@dataclass(frozen=True)
class Slot:
    """A place that a function fills. `usual` says the same where all its details are plain, and where those of a line
    have no more letters together than there is `room`; empty when that cannot be said."""

    fill: Fill
    usual: tuple[Part, ...] = ()
    room: int | None = None


@dataclass
class Pieces:
    """An encoded text with its open places, by index into `parts`."""

    parts: list[bytes] = field(default_factory=list)
    boundaries: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    slots: list[tuple[int, Slot]] = field(default_factory=list)
    asks_links: bool = False
    """A slot asks the values for a tracked link: it stands where its length matters."""

    def add(self, more: bytes) -> None:
        """Literal bytes."""
        if self.parts and not self._ends_open():
            self.parts[-1] += more
        else:
            self.parts.append(more)

    def open(self, places: list[int]) -> None:
        """A place of one of the lists."""
        places.append(len(self.parts))
        self.parts.append(b"")

    def open_slot(self, slot: Slot) -> None:
        """A place that a function fills."""
        self.slots.append((len(self.parts), slot))
        self.parts.append(b"")

    def extend(self, other: "Pieces") -> None:
        """The other text follows."""
        start = len(self.parts)
        self.parts += other.parts
        self.numbers += [start + place for place in other.numbers]
        self.signs += [start + place for place in other.signs]
        self.slots += [(start + place, slot) for place, slot in other.slots]
        self.asks_links |= other.asks_links

    def filled(self, head: bytes, boundary: bytes, values: Values, number: bytes, sign: bytes) -> bytes:
        """One person's mail: `head` and then the text."""
        usual = self._form.filled((head, boundary, number, sign), values) if self._form else None
        if usual is not None:
            return usual
        parts = [head, *self.parts]
        for place in self.boundaries:
            parts[place + 1] = boundary
        for place in self.numbers:
            parts[place + 1] = number
        for place in self.signs:
            parts[place + 1] = sign
        for place, slot in self.slots:
            parts[place + 1] = slot.fill(values)
        return b"".join(parts)

    @cached_property
    def _form(self) -> Form | None:
        """The whole text as the usual mail has it; asked for when nothing more is added."""
        if not all(slot.usual for _, slot in self.slots):
            return None
        parts: list[tuple[Part, ...]] = [(part,) for part in self.parts]
        for mark, places in ((BOUNDARY, self.boundaries), (NUMBER, self.numbers), (SIGN, self.signs)):
            for place in places:
                parts[place] = (mark,)
        for place, slot in self.slots:
            parts[place] = slot.usual
        lines = [
            ([part for part in slot.usual if isinstance(part, Word)], slot.room)
            for _, slot in self.slots
            if slot.room is not None
        ]
        return Form([HEAD, *(part for each in parts for part in each)], lines)

    def _ends_open(self) -> bool:
        """Whether the last part is a place: those of each sort stand in their order."""
        slots = [place for place, _ in self.slots[-1:]]
        return len(self.parts) - 1 in (*self.boundaries[-1:], *self.numbers[-1:], *self.signs[-1:], *slots)


class Frames:
    """The bodies of one letter, one per set of conditional parts that somebody sees, made when first needed."""

    def __init__(self, segments: Mapping[str, Segments], link_base: str, tracked: frozenset[int]) -> None:
        """`link_base` stands before a tracked link's token; `tracked` are the indexes of such links."""
        self._segments, self._link = segments, _Links(link_base, tracked)
        self._conditions = [each for part in ("html", "text") for each in conditions(segments[part])]
        self._made: dict[tuple[bool, ...], Pieces] = {}

    def of(self, values: Values) -> Pieces:
        """Both parts, as somebody with these values sees them."""
        seen = shape(self._conditions, values) if self._conditions else ()
        frame = self._made.get(seen)
        if frame is None:
            if len(self._made) >= MOST_FRAMES:
                self._made.clear()
            text, html = (visible(self._segments[part], values) for part in ("text", "html"))
            frame = self._made[seen] = _mail(_text(text, self._link), _html(html, self._link))
        return frame


@dataclass(frozen=True)
class _Links:
    base: str
    tracked: frozenset[int]

    def is_bounded(self, segment: Segment) -> bool:
        """Whether it is a tracked link that surely fits into a line."""
        return self.is_tracked(segment) and bool(EASY.fullmatch(self.example(segment)))

    def is_tracked(self, segment: Segment) -> bool:
        return not isinstance(segment, str) and segment[0] == "l" and segment[1] in self.tracked

    def example(self, segment: Segment) -> str:
        """An address of the greatest length."""
        return f"{self.base}{'z' * NUMBER_ROOM}-{segment[1]}-{'z' * SIGN_ROOM}"

    def write(self, pieces: Pieces, segment: Segment) -> None:
        pieces.add(self.base.encode())
        pieces.open(pieces.numbers)
        pieces.add(f"-{segment[1]}-".encode())
        pieces.open(pieces.signs)


def _mail(text: Pieces, html: Pieces) -> Pieces:
    """Everything after the headers that `mime` writes, from the type on."""
    pieces = Pieces()
    pieces.add(b'Content-Type: multipart/alternative;\r\n boundary="')
    pieces.open(pieces.boundaries)
    pieces.add(b'"\r\n\r\n')
    for subtype, body in ((b"plain", text), (b"html", html)):
        pieces.add(b"--")
        pieces.open(pieces.boundaries)
        pieces.parts.append(PART_HEAD % subtype)
        pieces.extend(body)
        pieces.parts.append(b"\r\n")
    pieces.add(b"--")
    pieces.open(pieces.boundaries)
    pieces.parts.append(b"--\r\n")
    return pieces


def _html(segments: Segments, links: _Links) -> Pieces:
    pieces = Pieces()
    begins_line = True
    for segment in segments:
        if isinstance(segment, str):
            pieces.add(_with_room(quoted(segment)))
            begins_line = segment.endswith("\n")
            continue
        if not begins_line:
            pieces.add(SOFT)
        begins_line = True
        if links.is_bounded(segment):
            links.write(pieces, segment)
            pieces.add(SOFT)
        else:
            pieces.asks_links |= links.is_tracked(segment)
            pieces.open_slot(_detail(segment) if segment[0] == "d" else Slot(_then_soft(filler([segment]))))
    return pieces


def _detail(segment: list[Any]) -> Slot:
    """Most details are short and plain: those are taken as they are."""
    _, name, fallback, _ = segment
    careful = _then_soft(filler([segment]))

    def filled(values: Values) -> bytes:
        value = values.get(name) or fallback
        return value.encode() + SOFT if IS_PLAIN.fullmatch(value) else careful(values)

    return Slot(filled, (Word(name, fallback), SOFT))


def _then_soft(fill: Callable[[Values], str]) -> Fill:
    def filled(values: Values) -> bytes:
        value = fill(values)
        if EASY.fullmatch(value):
            return value.encode() + SOFT if value else b""
        return _with_room(quoted(value)) + SOFT

    return filled


def _text(segments: Segments, links: _Links) -> Pieces:
    """Line by line: those without open places are folded and encoded now."""
    pieces, literal = Pieces(), ""
    for line in _lines(segments):
        end = "\n" if line and line[-1] == "\n" else ""
        body = joined(line[:-1] if end else line)
        if all(isinstance(part, str) for part in body):
            literal += wrapped("".join(str(part) for part in body)) + end
            continue
        pieces.add(quoted(literal))
        literal = ""
        if _is_fixed(body, links):
            _write_fixed(pieces, body, links)
        else:
            pieces.asks_links |= any(links.is_tracked(part) for part in body)
            details = all(isinstance(part, str) or part[0] == "d" for part in body)
            pieces.open_slot(_short(body) if details else Slot(_folded(filler(body))))
        pieces.add(b"\r\n" if end else b"")
    pieces.add(quoted(literal))
    return pieces


def _lines(segments: Segments) -> Iterator[Segments]:
    """The segments line by line, each with its line end as the last part."""
    line: Segments = []
    for segment in segments:
        if not isinstance(segment, str):
            line.append(segment)
            continue
        *whole, rest = segment.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for part in whole:
            yield [*line, part, "\n"]
            line = []
        if rest:
            line.append(rest)
    if line:
        yield line


def _is_fixed(line: Segments, links: _Links) -> bool:
    """Only tracked links are open, and neither folding nor encoding can depend on them."""
    longest = ""
    for part in line:
        if not isinstance(part, str) and not links.is_tracked(part):
            return False
        longest += part if isinstance(part, str) else links.example(part)
    return len(longest) <= TEXT_WIDTH and bool(EASY.fullmatch(longest))


def _write_fixed(pieces: Pieces, line: Segments, links: _Links) -> None:
    for part in line:
        if isinstance(part, str):
            pieces.add(part.encode())
        else:
            links.write(pieces, part)


def _short(line: Segments) -> Slot:
    """A line with details and nothing else that is open: mostly it stays short and plain, and is taken as it is."""
    careful = _folded(filler(line))
    form = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in line)
    wanted = [(part[1], part[2]) for part in line if not isinstance(part, str)]

    def filled(values: Values) -> bytes:
        short = form % tuple([values.get(name) or fallback for name, fallback in wanted])
        return short.encode() if EASY.fullmatch(short) else careful(values)

    if not EASY.fullmatch("".join(part if isinstance(part, str) else "x" for part in line)):
        return Slot(filled)
    usual = tuple(part.encode() if isinstance(part, str) else Word(part[1], part[2]) for part in line)
    return Slot(filled, usual, MOST_IN_A_LINE - sum(len(part) for part in line if isinstance(part, str)))


def _folded(fill: Callable[[Values], str]) -> Fill:
    def filled(values: Values) -> bytes:
        line = fill(values)
        return line.encode() if EASY.fullmatch(line) else quoted(wrapped(line))

    return filled


def quoted(text: str) -> bytes:
    """Canonical CRLF text, quoted-printable (RFC 2045 section 6.7), no line of it with a dot in front."""
    # Encoded with LF and turned into CRLF afterwards: binascii writes bare LF soft breaks into text without a CRLF.
    lines = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    coded = binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True)
    coded = DOT.sub(_undotted, coded) if b"." in coded else coded
    return LONG_END.sub(rb"\1=\n\2", coded).replace(b"\n", b"\r\n")


def _undotted(line: re.Match[bytes]) -> bytes:
    rest = line[1]
    if len(rest) + 3 <= LINE:
        return b"=2E" + rest
    return b"=2E=\n" + DOT.sub(_undotted, rest)


def _with_room(encoded: bytes) -> bytes:
    """The same, with room for a soft break in its last line."""
    if len(encoded) - (encoded.rfind(b"\n") + 1) < LINE:
        return encoded
    cut = -3 if encoded[-3:-2] == b"=" else -1
    last = encoded[cut:]
    return encoded[:cut] + SOFT + (b"=2E" if last == b"." else last)
