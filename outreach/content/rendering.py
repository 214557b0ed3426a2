"""One person's message: preview, test and sending all merge the same compiled segments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from outreach.content.compiling import Compiled
from outreach.content.models import Message
from outreach.content.segments import Segments, filler, wrapped


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one person gets."""

    subject: str
    html: str
    text: str


Merger = Callable[[Mapping[str, str]], Rendered]


def merger(message: Message | Compiled) -> Merger:
    """A function from one person's values to the finished message. Make it once per message, call it per person.

    Values: {detail name: text}; "_groups": ids joined by commas, for blocks shown to one group only;
    `segments.link_key(n)`: what the n-th link becomes. Escaping is done here, in each part as it needs it.
    """
    subject, html, text = (filler(part) for part in _parts(message))

    def merge(values: Mapping[str, str]) -> Rendered:
        return Rendered(subject(values), html(values), wrapped(text(values)))

    return merge


def render(message: Message | Compiled, values: Mapping[str, str]) -> Rendered:
    """The message of one person; for many, call `merger` once."""
    return merger(message)(values)


def _parts(message: Message | Compiled) -> Sequence[Segments]:
    if isinstance(message, Message):
        return [message.segments[name] for name in ("subject", "html", "text")]
    return [message.subject, message.html, message.text]
