"""Codes on cards, the words of the page, and how often somebody may be asked. Pure."""

from collections.abc import Callable
from datetime import timedelta

CODE_LETTERS = "23456789BCDFGHJKMNPQRTVWXY"
"""No vowels, so that no code is a word, and nothing that is mistaken for something else on paper."""
CODE_LENGTH = 8
MISREAD = str.maketrans({"O": "Q", "0": "Q", "U": "V", "L": "K", "S": "5", "Z": "2"})
TOUCH = "friend-asked"
"""What stands on the timeline of who passed the card on."""
KEPT_AFTER_CLOSING = timedelta(days=90)
"""Architecture 9.9."""
MAX_NAME_CHARS = 200
BEST_TIME_WORDS = {
    "any": "Any time",
    "morning": "In the morning",
    "midday": "Around noon",
    "afternoon": "In the afternoon",
    "evening": "In the evening",
}
OUTCOME_WORDS = {
    "booked": "Has an appointment",
    "not-now": "Not now",
    "not-reached": "Could not be reached",
    "not-a-fit": "Better off elsewhere",
    "mistake": "A mistake, or spam",
}
STATE_WORDS = {"new": "To be called", "reached": "Reached", "closed": "Closed"}
MACHINE_WORDS = ("bot", "crawl", "spider", "scan", "preview", "proofpoint", "barracuda", "mimecast", "curl", "python")


def new_code(choose: Callable[[str], str]) -> str:
    """Eight letters, each chosen by `choose` (secrets.choice)."""
    return "".join(choose(CODE_LETTERS) for _ in range(CODE_LENGTH))


def printed_code(code: str) -> str:
    """As it stands on paper: "K7PM-3QXR"."""
    return f"{code[:4]}-{code[4:]}"


def read_code(typed: str) -> str:
    """The code that somebody typed, in any case, with or without the dash; "" for what cannot be one."""
    plain = "".join(letter for letter in typed.upper() if letter.isascii() and letter.isalnum()).translate(MISREAD)
    return plain if len(plain) == CODE_LENGTH and set(plain) <= set(CODE_LETTERS) else ""


def is_machine(user_agent: str) -> bool:
    """Whether a page was opened by a program that opens every link. Only counted apart, never refused."""
    said = user_agent.lower()
    return not said or any(word in said for word in MACHINE_WORDS)


def plain_line(text: str, most: int) -> str:
    """One line without control characters, at most so long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]
