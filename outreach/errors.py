"""Broken promises. A "no" that a person can understand is not an error: it is a Refusal, returned and shown."""

from dataclasses import dataclass, field


class OutreachError(Exception):
    """Something that must not happen did; the message says what happened, what was kept and what to do."""


class SettingsError(OutreachError):
    """The installation cannot start with these settings; one sentence for the person at the terminal."""


class NotFound(OutreachError):
    """The thing asked for does not exist, or this person may not know that it does: answered as 404."""


@dataclass(frozen=True)
class Refusal:
    """A "no" with a name: `reason` is stored and counted, `text` is what a person reads."""

    reason: str
    text: str
    details: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        """Neither true nor false: either reading of `if refusal` has hidden a "no" before."""
        raise TypeError("Ask `isinstance(result, Refusal)` or `refusal is not None`: a refusal has no truth value")
