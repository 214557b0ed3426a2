"""What is wrong with a draft, in words for the person who wrote it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing to look at. `block` is the place of the block (from 0), None for the subject and the whole."""

    level: str
    """blocker: keeps the message from being published. warning: does not."""
    reason: str
    text: str
    block: int | None = None
    fix: str = ""
    """The address where it is put right, when that is not the message itself."""


def blocker(reason: str, text: str, block: int | None = None, *, fix: str = "") -> Problem:
    """Something that must be put right first."""
    return Problem("blocker", reason, text, block, fix)


def warning(reason: str, text: str, block: int | None = None, *, fix: str = "") -> Problem:
    """Something worth a look."""
    return Problem("warning", reason, text, block, fix)
