"""Is the effort for a source well spent? Keep, adjust or pause, with the reason; or too few to judge. Pure.

Staff minutes and touches against referrals that started. What was given to anybody, meals or gifts, is not in here:
setting it against referrals would be what the law forbids (42 CFR 411.357(k)).
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from outreach.referrals.judging.gathering import SourceFacts

LEAST_TOUCHES = 3
PAUSE_TOUCHES = 6
LEAST_FINISHED = 5
LEAST_COMPARED = 5
TIMES_THE_MIDDLE = 3.0
WORDS = {"keep": "Keep", "adjust": "Adjust", "pause": "Pause", "too-few": "Too few to judge"}
TONES = {"keep": "leaf", "adjust": "gold", "pause": "clay", "too-few": "plain"}


@dataclass(frozen=True)
class Effort:
    """A verdict about twelve months: one word of WORDS, and why."""

    verdict: str
    reason: str

    @property
    def label(self) -> str:
        """As screens say it."""
        return WORDS[self.verdict]

    @property
    def tone(self) -> str:
        """The colour of its chip."""
        return TONES[self.verdict]


def judge(of: SourceFacts, *, typical_minutes: float | None, quiet: bool = False) -> Effort:
    """The verdict about one source, from its own twelve months.

    *Units*: `typical_minutes` are the staff minutes per started referral in the middle of all sources, or None while
    too few are known. `quiet`: their silence is unusual for them, so what was done before it is no reason to go on.
    """
    met = f"{_count(of.touches, 'touch', 'touches')}{_time(of)}"
    sent = _count(of.year, "referral")
    if of.touches < LEAST_TOUCHES:
        if of.year >= LEAST_TOUCHES:
            return Effort(
                "adjust", f"{_count(of.year, 'referral')} and only {met} in 12 months: thank them more often."
            )
        return Effort("too-few", f"{met} and {_count(of.year, 'referral')} in 12 months.")
    if of.year == 0:
        if of.touches >= PAUSE_TOUCHES:
            return Effort("pause", f"{met} in 12 months and no referral: leave it to the newsletter for now.")
        return Effort(
            "too-few", f"{met} and no referral in 12 months; from {PAUSE_TOUCHES} touches on it says something."
        )
    if of.finished >= LEAST_FINISHED and of.started * 4 <= of.finished:
        return Effort(
            "adjust", f"{of.started} of {of.finished} finished referrals started care: talk about when to refer."
        )
    each = minutes_each(of)
    if each is not None and typical_minutes is not None and each > TIMES_THE_MIDDLE * typical_minutes:
        return Effort(
            "adjust",
            f"{_span(each)} for each client that started; the middle of all sources is {_span(typical_minutes)}. "
            "Try shorter touches.",
        )
    if quiet and of.started_year:
        return Effort(
            "adjust", f"{_count(of.started_year, 'client')} started from {met}, then silence: ask before going on."
        )
    if of.started_year == 0:
        return Effort("too-few", f"{met} and {sent} in 12 months; none has started care yet.")
    return Effort("keep", f"{_count(of.started_year, 'client')} started from {met} in 12 months.")


def minutes_each(of: SourceFacts) -> float | None:
    """Staff minutes per started referral of twelve months; None unless at least half of the touches carry minutes."""
    if not of.started_year or not of.timed or of.timed * 2 < of.touches:
        return None
    return of.minutes * of.touches / of.timed / of.started_year


def middle(facts: Iterable[SourceFacts]) -> float | None:
    """The middle of `minutes_each`; None while fewer than five sources have one."""
    known = [each for each in map(minutes_each, facts) if each is not None]
    return statistics.median(known) if len(known) >= LEAST_COMPARED else None


def _time(of: SourceFacts) -> str:
    if not of.timed:
        return ""
    return f" ({_span(of.minutes)}{'' if of.timed == of.touches else ' at least'})"


def _span(minutes: float) -> str:
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _count(number: int, noun: str, many: str = "") -> str:
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
