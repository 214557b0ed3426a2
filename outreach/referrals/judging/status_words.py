"""The statuses that a source can have, and how screens say them. Pure; loads no library of numbers."""

from dataclasses import dataclass

STATUSES = ("stopped", "lapsing", "new", "few-start", "falling", "rising", "dormant", "occasional", "steady")
QUIET = ("stopped", "lapsing")
NEVER = "never-referred"
"""The stage before all statuses: somebody who could refer and never did. Not kept in a row, known by its absence."""


@dataclass(frozen=True)
class StatusWords:
    """A status as screens say it: its name, what it means, and the one thing to do next, with the action for Today."""

    label: str
    meaning: str
    next_step: str
    action: str
    tone: str


WORDS: dict[str, StatusWords] = {
    "stopped": StatusWords(
        "Probably stopped",
        "Silent for so long that they have probably stopped referring.",
        "Visit once and ask what changed.",
        "Visit",
        "clay",
    ),
    "lapsing": StatusWords(
        "Unusually quiet",
        "Silent for longer than their own rhythm explains.",
        "Call for a friendly check-in.",
        "Call",
        "clay",
    ),
    "new": StatusWords(
        "New source", "Sent their first client in the last 90 days.", "Thank them and meet in person.", "Thank", "leaf"
    ),
    "few-start": StatusWords(
        "Few start care",
        "Sends clients, but fewer of them start care than with similar contacts.",
        "Bring the page on when to refer and agree on it.",
        "Visit",
        "gold",
    ),
    "falling": StatusWords(
        "Falling", "Sent clearly less in the last 90 days than their own average.", "Call and ask how it goes.", "Call",
        "gold",
    ),
    "rising": StatusWords(
        "Rising", "Sent clearly more in the last 90 days than their own average.", "Thank them in person.", "Thank",
        "leaf",
    ),
    "dormant": StatusWords(
        "Dormant", "No client for a year.", "Write a short hello; otherwise leave it to the newsletter.", "Write",
        "plain",
    ),
    "occasional": StatusWords(
        "Occasional", "Has sent one or two clients so far.", "Tell them what you do, by mail or newsletter.", "Send",
        "sky",
    ),
    "steady": StatusWords(
        "Steady", "Sends at their own usual rhythm.", "Keep the rhythm, thank them now and then.", "Thank", "pine"
    ),
    NEVER: StatusWords(
        "Never referred", "Could refer and never did.", "Introduce yourselves.", "Visit", "iris"
    ),
}  # fmt: skip
