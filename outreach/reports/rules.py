"""Did the campaign work? The verdict of the yield paper, section 8, and the periods that analytics compares. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median

import numpy as np
from scipy.stats import beta, f

WINDOW_DAYS = 90
PRIOR = 2.0
"""Gamma(2, 2): two pseudo-referrals per arm, centred on "no effect"."""
MOST_MDR = 3.0
LEAST_REFERRALS = 20
NO_EFFECT = (0.8, 1.25)
POWER = 2.8
"""1.96 + 0.84: found four times in five at the usual bar."""
NEAR_ONE = 1.1
FEW = 5
PERIODS = {"30": 30, "90": 90}
LONG_DAYS = 300
"""From here on the season matters more than the weeks just before."""


@dataclass(frozen=True)
class Case:
    """One contact as assigned: referrals in the window, and the forecast that was frozen before the first send."""

    referrals: int
    expected: float


@dataclass(frozen=True)
class Uplift:
    """What the two arms say. `ratio` is the median, `low` and `high` its 95 % interval; None without a verdict.

    `extra` are the referrals that the campaign added among those who got it, with its interval.
    """

    verdict: str
    text: str
    people: int
    held_out: int
    got: int
    got_held_out: int
    expected: float = 0.0
    expected_held_out: float = 0.0
    phi: float = 1.0
    mdr: float = math.inf
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p_up: float | None = None
    extra: tuple[float, float, float] | None = None
    exact: tuple[float, float] | None = None
    """The exact conditional interval, for auditors, where phi is near 1."""


def measure(treated: Sequence[Case], held_out: Sequence[Case]) -> Uplift:
    """The lift of a finished test, analysed as assigned, with exactly one verdict.

    Verdicts, in this order: no-hold-out, not-enough, rose, fell, no-effect, unclear.
    """
    base = Uplift(
        verdict="",
        text="",
        people=len(treated),
        held_out=len(held_out),
        got=sum(case.referrals for case in treated),
        got_held_out=sum(case.referrals for case in held_out),
    )
    if not held_out or not treated:
        text = "Before/after only: cannot separate the campaign from season and luck."
        return replace(base, verdict="no-hold-out", text=text)
    mu_t, mu_c = sum(case.expected for case in treated), sum(case.expected for case in held_out)
    seen = base.got + base.got_held_out
    if mu_t <= 0 or mu_c <= 0 or not seen:
        return replace(base, verdict="not-enough", text=_too_few(seen, 0.5, 1.0))
    c = seen / (mu_t + mu_c)
    phi = overdispersion([*treated, *held_out], c)
    mdr = smallest_ratio(c * mu_t, c * mu_c, phi)
    base = replace(base, expected=c * mu_t, expected_held_out=c * mu_c, phi=phi, mdr=mdr)
    if mdr > MOST_MDR or seen < LEAST_REFERRALS:
        return replace(base, verdict="not-enough", text=_too_few(seen, mu_t / (mu_t + mu_c), phi))
    ratio, low, high, p_up = _ratio(base.got, c * mu_t, base.got_held_out, c * mu_c, phi)
    verdict, text = _verdict(ratio, low, high, mdr)
    return replace(
        base,
        verdict=verdict,
        text=text,
        ratio=ratio,
        low=low,
        high=high,
        p_up=p_up,
        extra=((1 - 1 / ratio) * base.got, (1 - 1 / low) * base.got, (1 - 1 / high) * base.got),
        exact=_exact(base.got, base.got_held_out, mu_t / mu_c) if phi < NEAR_ONE else None,
    )


def overdispersion(cases: Sequence[Case], c: float) -> float:
    """phi = max(1, sum (y - c mu)^2 / sum c mu): how much more the counts scatter than luck alone would make them."""
    y = np.array([case.referrals for case in cases], dtype=float)
    mu = c * np.array([case.expected for case in cases], dtype=float)
    return max(1.0, float(((y - mu) ** 2).sum() / mu.sum()))


def smallest_ratio(expected_t: float, expected_c: float, phi: float) -> float:
    """MDR: the smallest ratio that this test would find four times in five."""
    return math.exp(POWER * math.sqrt(phi * (1 / expected_t + 1 / expected_c)))


def referrals_needed(ratio: float, share_treated: float, phi: float = 1.0) -> float:
    """How many expected referrals in all, at that split, would show this ratio."""
    spread = 1 / share_treated + 1 / (1 - share_treated)
    return phi * spread * (POWER / math.log(ratio)) ** 2


def _ratio(o_t: int, e_t: float, o_c: int, e_c: float, phi: float) -> tuple[float, float, float, float]:
    a_t, b_t, a_c, b_c = PRIOR + o_t / phi, PRIOR + e_t / phi, PRIOR + o_c / phi, PRIOR + e_c / phi
    k = (a_t / b_t) / (a_c / b_c)
    middle, low, high = (float(k * f.ppf(q, 2 * a_t, 2 * a_c)) for q in (0.5, 0.025, 0.975))
    return middle, low, high, float(1 - f.cdf(1 / k, 2 * a_t, 2 * a_c))


def _exact(o_t: int, o_c: int, odds: float) -> tuple[float, float]:
    """Clopper-Pearson on the share of referrals that came from the treated arm, turned into a ratio."""
    low = float(beta.ppf(0.025, o_t, o_c + 1)) if o_t else 0.0
    high = float(beta.ppf(0.975, o_t + 1, o_c)) if o_c else 1.0
    return low / (1 - low) / odds, (high / (1 - high) / odds if high < 1 else math.inf)


def _verdict(ratio: float, low: float, high: float, mdr: float) -> tuple[str, str]:
    span = f"{_change(low)} to {_change(high)}"
    if low > 1:
        return "rose", f"Referrals rose: best guess {_change(ratio)} (likely {span})."
    if high < 1:
        return "fell", f"Referrals fell: best guess {_change(ratio)} (likely {span})."
    if low >= NO_EFFECT[0] and high <= NO_EFFECT[1]:
        return "no-effect", f"No material effect (between {_change(low)} and {_change(high)})."
    seen = f"the test could only have seen a rise above about {100 * (mdr - 1):.0f}%"
    return "unclear", f"Unclear: anywhere from {span}; {seen}."


def _change(ratio: float) -> str:
    percent = round(100 * (ratio - 1))
    return f"+{percent}%" if percent > 0 else f"−{-percent}%" if percent < 0 else "0%"


def _too_few(seen: int, share: float, phi: float) -> str:
    doubling, half = (_round(referrals_needed(ratio, share, phi)) for ratio in (2.0, 1.5))
    so_far = f"{seen} referral{'' if seen == 1 else 's'} so far"
    return f"Not enough data yet: {so_far}; about {doubling} in total would show a doubling, about {half} a 50% rise."


def _round(number: float) -> int:
    """Two digits that count: 65, 190."""
    power = 10 ** max(int(math.log10(number)) - 1, 0) if number >= 1 else 1
    return round(number / power) * power


@dataclass(frozen=True)
class Span:
    """A stretch of local days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Span":
        """What it is compared with: the stretch of the same length just before, or the same days a year earlier."""
        if self.days > LONG_DAYS:
            return Span(_year_before(self.first), _year_before(self.last))
        return Span(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


def span_of(period: str, *, today: date, first: date | None = None, last: date | None = None) -> Span:
    """The days of a period: the last 30 or 90, twelve months with this one, or a custom pair (not beyond today)."""
    if period == "custom" and first and last:
        first, last = min(first, last), min(max(first, last), today)
        return Span(min(first, last), last)
    if period in PERIODS:
        return Span(today - timedelta(days=PERIODS[period] - 1), today)
    months = today.year * 12 + today.month - 12
    return Span(date(months // 12, months % 12 + 1, 1), today)


def month_span(text: str, *, today: date) -> Span:
    """The calendar month "2026-10"; last month for anything else."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = date.max
    if not date(2000, 1, 1) <= first <= today:
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return Span(first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1))


def month_before(span: Span) -> Span:
    """The calendar month before the one that the span is."""
    last = span.first - timedelta(days=1)
    return Span(last.replace(day=1), last)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def middle_of(counted: Sequence[tuple[int, int]]) -> float | None:
    """The median of values given as (value, how often); None of nothing."""
    values = [value for value, often in counted for _ in range(often)]
    return float(median(values)) if values else None


def compared(now: float, before: float, *, more: str = "more", fewer: str = "fewer") -> tuple[str, str]:
    """The change in words and whether it is good, bad or "": a percent only when there was enough to compare with."""
    if now == before:
        return "as before", ""
    way, sign = (more, "good") if now > before else (fewer, "bad")
    if before < FEW:
        return f"{abs(now - before):g} {way}", sign
    return f"{abs(100 * (now - before) / before):.0f}% {way}", sign


def points(part: int, whole: int, part_before: int, whole_before: int) -> tuple[str, str]:
    """The change of a share in points, or "" while either sample is small."""
    if whole < FEW or whole_before < FEW:
        return "", ""
    moved = round(100 * part / whole) - round(100 * part_before / whole_before)
    if not moved:
        return "as before", ""
    return f"{abs(moved)} point{'' if abs(moved) == 1 else 's'} {'up' if moved > 0 else 'down'}", (
        "good" if moved > 0 else "bad"
    )
