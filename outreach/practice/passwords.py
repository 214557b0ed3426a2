"""What a password must be, and how it is kept: argon2id, at least 12 characters, none that everybody uses."""

import re
from pathlib import Path

from argon2 import PasswordHasher

SHORTEST = 12
LONGEST = 200
TIME_COST, MEMORY_KIB, LANES = 2, 19_456, 1
"""OWASP Password Storage Cheat Sheet, Argon2id, second configuration."""

_HASHER = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES)
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890123456789", "1qaz2wsx3edc4rfv5tgb6yhn")
_COMMON = Path(__file__).with_name("common_passwords.txt").read_text("utf-8").split()
"""Words and phrases that lists of stolen passwords begin with; what is left without them must still be long."""


def objection(password: str, *, about: tuple[str, ...] = ()) -> str | None:
    """Why this password is refused, as a sentence; None when it may be used.

    `about`: words that anybody would guess first, such as the person's name, address and practice.
    """
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. A short sentence is easy to remember and hard to guess."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    forms = _plain_forms(password)
    if any(_is_common(form) for form in forms):
        return "That is one of the passwords people try first. A short sentence of your own is better."
    guessable = [word.lower() for text in about for word in re.split(r"[\W_]+", text) if len(word) > 3]
    if any(len(_without(form, guessable)) < SHORTEST // 2 for form in forms):
        return "That is too close to a name or an address. Choose words that nobody would connect with you."
    return None


def hashed(password: str) -> str:
    """The argon2id hash to keep."""
    return _HASHER.hash(password)


def _plain_forms(password: str) -> tuple[str, str]:
    plain = re.sub(r"[\W_]", "", password.lower())
    spelled = re.sub(r"[\W_]", "", password.lower().translate(str.maketrans("@$0135!", "asoiesi")))
    return plain, spelled


def _is_common(plain: str) -> bool:
    if len(set(plain)) < 5:
        return True
    if any(plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, len(plain) // 2 + 1)):
        return True
    return len(_without_runs(_without(plain, _COMMON))) < 5


def _without(plain: str, words: list[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        plain = plain.replace(word, "")
    return plain


def _without_runs(plain: str) -> str:
    rest, at = "", 0
    while at < len(plain):
        size = next((size for size in range(len(plain) - at, 2, -1) if _is_run(plain[at : at + size])), 0)
        rest += "" if size else plain[at]
        at += size or 1
    return rest


def _is_run(text: str) -> bool:
    return any(text in row or text[::-1] in row for row in _ROWS)
