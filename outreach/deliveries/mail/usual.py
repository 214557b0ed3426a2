"""The usual mail: an encoded letter as one template, for those whose details need neither encoding nor folding. Pure.

What it writes is what `letters` writes place by place; whoever has a detail that is long or not plain goes that way.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

HEAD, BOUNDARY, NUMBER, SIGN = range(4)
"""What differs in every mail: its first lines, what stands between its parts, its number, its signature."""
_OWN: Final = 4
PLAIN = r"(?!\.)[ !#-%(-;?-~]{0,73}[!#-%(-;?-~]"
"""One line of a body as it is, and nothing in it that HTML would have to escape."""
_ALL_PLAIN = re.compile(rf"(?:{PLAIN}\n)*{PLAIN}")


class Word(NamedTuple):
    """A detail, and what stands in for it."""

    name: str
    fallback: str


Part = bytes | int | Word
"""Literal, one of the four numbers above, or a detail."""


class Form:
    """A mail with open places, filled in one go."""

    def __init__(self, parts: Sequence[Part], lines: Sequence[tuple[Sequence[Word], int]]) -> None:
        """`parts` in their order. `lines`: details that stand in one line, and the characters they have together."""
        self._words = list(dict.fromkeys(part for part in parts if isinstance(part, Word)))
        place: dict[Part, int] = {word: _OWN + number for number, word in enumerate(self._words)}
        self._template = b"".join([part.replace(b"%", b"%%") if isinstance(part, bytes) else b"%b" for part in parts])
        # Two places at least: a boundary opens every mail, so that the getter answers a tuple.
        opened = [part if isinstance(part, int) else place[part] for part in parts if not isinstance(part, bytes)]
        self._chosen: Callable[[tuple[bytes, ...]], tuple[bytes, ...]] = itemgetter(*opened)
        self._rooms = sorted({(tuple(place[word] - _OWN for word in words), room) for words, room in lines})

    def filled(self, own: tuple[bytes, bytes, bytes, bytes], values: Mapping[str, str]) -> bytes | None:
        """One person's mail; None when it is not the usual one."""
        words = [values.get(name) or fallback for name, fallback in self._words]
        joined = "\n".join(words)
        if words and (not _ALL_PLAIN.fullmatch(joined) or joined.count("\n") >= len(words)):
            return None
        for places, room in self._rooms:
            if sum([len(words[place]) for place in places]) > room:
                return None
        return self._template % self._chosen((*own, *joined.encode().split(b"\n")))
