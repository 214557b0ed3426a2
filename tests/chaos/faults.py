"""What the witness provider answers: decided by (seed, delivery, attempt) alone, so that a run can be replayed.

Nothing here depends on time or order. No application code.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One way to answer. `accepts`: the mail was taken over, whatever was said; `ambiguous`: the caller cannot know."""

    name: str
    accepts: bool
    ambiguous: bool


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("none", accepts=True, ambiguous=False),
        Fault("slow", accepts=True, ambiguous=False),
        Fault("busy", accepts=False, ambiguous=False),
        Fault("closed", accepts=False, ambiguous=False),
        Fault("refused", accepts=False, ambiguous=False),
        Fault("forbidden", accepts=False, ambiguous=False),
        Fault("lying", accepts=False, ambiguous=False),
        Fault("drop", accepts=True, ambiguous=True),
        Fault("accepted-500", accepts=True, ambiguous=True),
        Fault("error-500", accepts=False, ambiguous=True),
        Fault("truncated", accepts=True, ambiguous=True),
        Fault("html", accepts=False, ambiguous=True),
        Fault("portal", accepts=False, ambiguous=True),
        Fault("hang", accepts=True, ambiguous=True),
    )
}
TEN = {"busy": 0.05, "closed": 0.03, "drop": 0.007, "accepted-500": 0.006, "error-500": 0.003, "refused": 0.004}
MIXES: dict[str, dict[str, float]] = {
    "none": {},
    "ten": TEN,
    "half": {name: share * 5 for name, share in TEN.items()},
    "storm": {**{name: share * 5 for name, share in TEN.items()}, "slow": 0.05, "truncated": 0.03},
    "slow": {"slow": 1.0},
    "busy": {"busy": 1.0},
    "hang": {"hang": 1.0},
    "odd": {"html": 0.2, "portal": 0.2, "truncated": 0.2, "lying": 0.05, "drop": 0.1},
    "forbidden": {"forbidden": 1.0},
}
"""Shares of all requests. "ten" is the 10 % of the published form."""


def chance(seed: int, what: object, attempt: int) -> float:
    """A number from 0 to below 1 that is always the same for these three."""
    digest = hashlib.blake2b(f"{seed}:{what}:{attempt}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def fault_of(seed: int, mix: str, delivery: object, attempt: int) -> Fault:
    """The answer to this attempt at this delivery."""
    left = chance(seed, delivery, attempt)
    for name, share in MIXES[mix].items():
        left -= share
        if left < 0:
            return FAULTS[name]
    return FAULTS["none"]
