"""Newsletters for many people in one request: one shared body with tokens, and each person's own substitutions.

SendGrid replaces blindly, in html and text alike. So each place has a token of its own, already escaped for where it
stands; a token opens and closes with two different characters that stand nowhere else in the body or in any value, so
nothing can be mistaken for one. Text lines with a place in them are one token each, because they are folded per person.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from outreach.content.segments import TEXT_WIDTH, Segment, Segments, conditions, filler, shape, visible, wrapped
from outreach.deliveries.mail.message import Letter, OutgoingMessage
from outreach.deliveries.transports import sendgrid_payload
from outreach.deliveries.transports.sendgrid_limits import MAX_SUBSTITUTION_BYTES, fits

DELIMITERS = "~^`|"
"""Two of these that the body does not hold mark the tokens."""
PEOPLE_PER_REQUEST = {"newsletter": 500}
"""By kind of mail; personal mail goes alone, so that an unclear answer is about one person (reliability B4)."""
Values = Mapping[str, str]


@dataclass(frozen=True)
class Frame:
    """A letter as one set of visible blocks shows it: bodies with tokens, and what makes each token's value."""

    html: str
    text: str
    slots: tuple[tuple[str, Callable[[Values], str]], ...]
    opens: str
    closes: str

    def substitutions(self, values: Values) -> dict[str, str] | None:
        """This person's values, or None when they do not fit and the message must go alone."""
        found = {token: make(values) for token, make in self.slots}
        whole = "".join(found.values())
        if self.opens in whole or self.closes in whole:
            return None
        return found if fits(found, MAX_SUBSTITUTION_BYTES) else None


@dataclass(frozen=True)
class Person:
    """One message of a group with its personalization."""

    place: int
    """Its index in what was given."""
    message: OutgoingMessage
    personalization: dict[str, Any]


@dataclass(frozen=True)
class Group:
    """Messages that one request can carry; no address twice."""

    frame: Frame
    people: tuple[Person, ...]

    def payload(self, *, sandbox: bool) -> dict[str, Any]:
        """The body of the request. Errors: ValueError for a sender or a text that cannot leave."""
        first = self.people[0].message
        body = sendgrid_payload.shared(first, html=self.frame.html, text=self.frame.text, sandbox=sandbox)
        return {**body, "personalizations": [person.personalization for person in self.people]}

    def only(self, people: Sequence[Person]) -> "Group":
        """The same for some of them."""
        return Group(self.frame, tuple(people))


class Batches:
    """Finds out which messages can go together. Frames are kept as long as their letter is."""

    def __init__(self) -> None:
        """Empty."""
        self._letters: WeakKeyDictionary[Letter, _Shapes] = WeakKeyDictionary()

    def sorted_out(self, messages: Sequence[OutgoingMessage]) -> tuple[list[Group], list[int]]:
        """(groups, places of the messages that go alone). Raises nothing for a bad message: it goes alone."""
        bundles: dict[tuple[Any, ...], list[list[Person]]] = {}
        frames: dict[tuple[Any, ...], Frame] = {}
        addresses: dict[tuple[Any, ...], list[set[str]]] = {}
        alone: list[int] = []
        for place, message in enumerate(messages):
            fitted = self._fitted(message)
            if fitted is None:
                alone.append(place)
                continue
            frame, personalization = fitted
            key = (id(frame), message.from_email, message.from_name, message.reply_to, message.kind)
            frames[key] = frame
            person = Person(place, message, personalization)
            _put(bundles.setdefault(key, []), addresses.setdefault(key, []), person)
        groups = [Group(frames[key], tuple(people)) for key, lists in bundles.items() for people in lists]
        alone += [group.people[0].place for group in groups if len(group.people) == 1]
        return [group for group in groups if len(group.people) > 1], sorted(alone)

    def _fitted(self, message: OutgoingMessage) -> tuple[Frame, dict[str, Any]] | None:
        letter, values = message.letter, message.values
        odd = message.kind not in PEOPLE_PER_REQUEST or message.calendar is not None or message.attachments
        if letter is None or odd:
            return None
        shapes = self._letters.get(letter)
        if shapes is None:
            shapes = self._letters[letter] = _Shapes(letter)
        frame = shapes.frame_of(values)
        substitutions = frame.substitutions(values) if frame else None
        if frame is None or substitutions is None:
            return None
        try:
            personalization = sendgrid_payload.person_of(message)
        except ValueError:
            return None
        searched = f"{personalization['subject']}{message.reply_to}"
        if frame.opens in searched or frame.closes in searched:
            # SendGrid replaces tokens in the subject and the answer address too.
            return None
        if substitutions:
            personalization["substitutions"] = substitutions
        return frame, personalization


def _put(lists: list[list[Person]], taken: list[set[str]], person: Person) -> None:
    """Into the first request that has room and not this address yet."""
    address = person.message.to_email.lower()
    for people, addresses in zip(lists, taken, strict=True):
        if address not in addresses and len(people) < PEOPLE_PER_REQUEST[person.message.kind]:
            people.append(person)
            addresses.add(address)
            return
    lists.append([person])
    taken.append({address})


class _Shapes:
    """The frames of one letter, by what is visible in them."""

    def __init__(self, letter: Letter) -> None:
        self._parts = [letter.segments["html"], letter.segments["text"]]
        self._conditions = [condition for part in self._parts for condition in conditions(part)]
        self._frames: dict[tuple[bool, ...], Frame | None] = {}

    def frame_of(self, values: Values) -> Frame | None:
        """The frame that these values see; None when the body leaves no characters free for tokens."""
        seen = shape(self._conditions, values)
        if seen not in self._frames:
            self._frames[seen] = _frame([visible(part, values) for part in self._parts])
        return self._frames[seen]


def _frame(parts: Sequence[Segments]) -> Frame | None:
    literal = json.dumps(parts, ensure_ascii=False)
    free = [letter for letter in DELIMITERS if letter not in literal]
    if len(free) < 2:
        return None
    opens, closes = free[:2]
    tokens: dict[str, tuple[str, Callable[[Values], str]]] = {}

    def token(what: list[Segment], make: Callable[[Values], str]) -> str:
        known = json.dumps(what)
        if known not in tokens:
            tokens[known] = (f"{opens}{len(tokens)}{closes}", make)
        return tokens[known][0]

    html = "".join(each if isinstance(each, str) else token([each], filler([each])) for each in parts[0])
    lines = [
        "".join(map(str, line)) if all(isinstance(each, str) for each in line) else token(["line", *line], _line(line))
        for line in _lines(parts[1])
    ]
    text = "\n".join(wrapped(line) for line in lines)
    return Frame(html, text, tuple(tokens.values()), opens, closes)


def _lines(segments: Segments) -> list[list[Segment]]:
    """The text's lines, each in its segments."""
    lines: list[list[Segment]] = [[]]
    for segment in segments:
        if not isinstance(segment, str):
            lines[-1].append(segment)
            continue
        first, *others = segment.split("\n")
        lines[-1].append(first)
        lines.extend([other] for other in others)
    return lines


def _line(segments: Sequence[Segment]) -> Callable[[Values], str]:
    fill = filler(segments)

    def make(values: Values) -> str:
        line = fill(values)
        return line if len(line) <= TEXT_WIDTH else wrapped(line)

    return make
