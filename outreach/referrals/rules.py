"""How a referral moves: stages, the dates that go with them, and what counts as an outcome. Pure."""

from dataclasses import dataclass
from datetime import date

DIRECTIONS = ("in", "out")
SOURCE_TYPES = (
    "contact",
    "event",
    "website",
    "search",
    "review-site",
    "social",
    "directory",
    "payer-list",
    "self",
    "word-of-mouth",
    "unmatched",
)
STAGES = ("received", "contacted", "scheduled", "evaluated", "started", "completed", "closed")
STAGE_LABELS = {
    "received": "Referral received",
    "contacted": "Contacted",
    "scheduled": "Evaluation booked",
    "evaluated": "Evaluation attended",
    "started": "Plan of care started",
    "completed": "Plan of care completed",
    "closed": "Closed",
}
STAGE_DATES = {
    "contacted": "contacted_on",
    "scheduled": "scheduled_on",
    "evaluated": "evaluated_on",
    "started": "started_on",
    "completed": "completed_on",
    "closed": "closed_on",
}
CLOSE_REASONS = (
    "chose-other-provider",
    "out-of-network",
    "never-scheduled",
    "did-not-show",
    "unreachable",
    "no-capacity",
    "not-appropriate",
    "duplicate",
    "other",
)
BARRIERS = ("language", "culture", "transport", "insurance", "convenience", "preference", "awareness", "other")
RHYTHM_DAYS = {"A": 30, "B": 60, "C": 120}
"""How often each tier hears from a person: monthly, every two months, three times a year."""
OPEN_STAGES = ("received", "contacted", "scheduled", "evaluated")
STARTED_STAGES = ("started", "completed")


@dataclass(frozen=True)
class Move:
    """A step of a referral that is allowed: the stage, and the local day it happened."""

    stage: str
    on: date
    close_reason: str | None = None
    barrier: str | None = None


def refuse_move(move: Move, *, received_on: date, today: date) -> str | None:
    """Why a referral cannot take this step, as a sentence, or None when it can."""
    if move.stage not in STAGES:
        return "That stage does not exist."
    if move.on > today:
        return "A stage is entered when it happened: the day lies in the future."
    if move.on < received_on:
        return f"The referral was received on {received_on:%B %-d, %Y}; nothing can have happened before."
    if move.stage == "closed" and move.close_reason not in CLOSE_REASONS:
        return "Say why the referral is closed: it shows what to mend."
    return None


def outcome_of(stage: str, *, started: bool) -> str:
    """What the yield counts: "started", "lost" or "open". A client who started care and left stays started."""
    if stage in STARTED_STAGES or started:
        return "started"
    return "lost" if stage == "closed" else "open"
