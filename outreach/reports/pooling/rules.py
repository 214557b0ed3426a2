"""What one touch of each sort adds: the assumption of the yield paper, section 10, moved by the practice's own tests.

Tests with the same sorts of touches are pooled as section 8 says (referrals and forecasts are summed). Each pool tells
the log ratio of its arms; a way through a campaign is several touches, so that log ratio is the sum of theirs. The
assumption (5 % with a deviation of 5 % for each sort) and the pools are weighted by their precision. Pure, and without
numpy: a worker that only sends must stay small.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TOUCHES = ("Thank", "Call", "Visit", "Send", "Write")
ASSUMED = 0.05
ASSUMED_DEVIATION = 0.05
"""Yield paper, section 10: lift of one touch 5 % (s.d. 5 %) until measured."""
HALF = 0.5
"""Added to what came and to what was expected of an arm: a side without a referral still has a logarithm."""


@dataclass
class Arm:
    """One side of a test, folded person by person. *Units*: referrals in the window; forecasts per window."""

    people: int = 0
    got: int = 0
    expected: float = 0.0
    got_squared: int = 0
    got_by_expected: float = 0.0
    expected_squared: float = 0.0

    def add(self, got: int, expected: float) -> None:
        """One more person as assigned."""
        self.people += 1
        self.got += got
        self.expected += expected
        self.got_squared += got * got
        self.got_by_expected += got * expected
        self.expected_squared += expected * expected


@dataclass
class HoldOut:
    """One campaign that held people out, over everyone whose window is over.

    `touches` is how many of each sort one treated person got on the average.
    """

    treated: Arm = field(default_factory=Arm)
    held_out: Arm = field(default_factory=Arm)
    touches: Mapping[str, float] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """Both arms."""
        return self.treated.people + self.held_out.people

    @property
    def got(self) -> int:
        """Referrals of both arms."""
        return self.treated.got + self.held_out.got

    @property
    def tells(self) -> bool:
        """Whether both arms were there, somebody was touched, and something was to be expected and came."""
        arms = self.treated.expected > 0 and self.held_out.expected > 0
        return arms and self.got > 0 and any(number > 0 for number in self.touches.values())


@dataclass(frozen=True)
class Lift:
    """What one touch adds. `told` is the share that the tests say: 0 is assumed, near 1 is measured."""

    lift: float = ASSUMED
    told: float = 0.0
    people: int = 0
    campaigns: int = 0
    referrals: int = 0


def pooled(tests: Iterable[HoldOut]) -> dict[str, Lift]:
    """{sort of touch: its lift}, all of TOUCHES, whatever was measured. The order of the tests does not matter."""
    by_sorts: dict[frozenset[str], list[HoldOut]] = {}
    for test in tests:
        if test.tells:
            by_sorts.setdefault(frozenset(t for t in TOUCHES if test.touches.get(t, 0) > 0), []).append(test)
    belief = _Belief()
    for sorts in sorted(by_sorts, key=sorted):
        if sorts:
            belief.learn(*_pool(by_sorts[sorts]))
    return {touch: _lift(touch, belief, by_sorts) for touch in TOUCHES}


def _pool(tests: Sequence[HoldOut]) -> tuple[list[float], float, float]:
    """Touches of each sort per person, the log ratio of the arms, and its variance (section 8: that of the MDR)."""
    got_t = got_c = expected_t = expected_c = scatter = 0.0
    touches = dict.fromkeys(TOUCHES, 0.0)
    for test in tests:
        # Each test has its own level: its forecast is scaled to what came from both arms together.
        c = test.got / (test.treated.expected + test.held_out.expected)
        got_t, got_c = got_t + test.treated.got, got_c + test.held_out.got
        expected_t, expected_c = expected_t + c * test.treated.expected, expected_c + c * test.held_out.expected
        scatter += sum(
            arm.got_squared - 2 * c * arm.got_by_expected + c * c * arm.expected_squared
            for arm in (test.treated, test.held_out)
        )
        for touch in TOUCHES:
            touches[touch] += c * test.treated.expected * test.touches.get(touch, 0.0)
    phi = max(1.0, scatter / (expected_t + expected_c))
    log_ratio = math.log((got_t + HALF) / (expected_t + HALF)) - math.log((got_c + HALF) / (expected_c + HALF))
    variance = phi * (1 / expected_t + 1 / expected_c)
    return [touches[touch] / expected_t for touch in TOUCHES], log_ratio, variance


class _Belief:
    """The log ratio of one touch of each sort: a normal distribution, at first the assumption."""

    def __init__(self) -> None:
        self.before = (ASSUMED_DEVIATION / (1 + ASSUMED)) ** 2
        self.mean = [math.log(1 + ASSUMED)] * len(TOUCHES)
        self.cover = [[self.before * (row == column) for column in range(len(TOUCHES))] for row in range(len(TOUCHES))]

    def learn(self, touches: Sequence[float], log_ratio: float, variance: float) -> None:
        """Somebody got these touches and the ratio of the arms was this: weighted by precision."""
        moved = [sum(part * number for part, number in zip(row, touches, strict=True)) for row in self.cover]
        spread = sum(number * part for number, part in zip(touches, moved, strict=True)) + variance
        missed = log_ratio - sum(number * mean for number, mean in zip(touches, self.mean, strict=True))
        self.mean = [mean + part / spread * missed for mean, part in zip(self.mean, moved, strict=True)]
        self.cover = [
            [value - moved[row] * moved[column] / spread for column, value in enumerate(values)]
            for row, values in enumerate(self.cover)
        ]


def _lift(touch: str, belief: _Belief, by_sorts: Mapping[frozenset[str], Sequence[HoldOut]]) -> Lift:
    place = TOUCHES.index(touch)
    tests = [test for sorts, same in by_sorts.items() if touch in sorts for test in same]
    if not tests:
        return Lift()
    return Lift(
        lift=math.exp(belief.mean[place]) - 1,
        told=min(max(1 - belief.cover[place][place] / belief.before, 0.0), 1.0),
        people=sum(test.people for test in tests),
        campaigns=len(tests),
        referrals=sum(test.got for test in tests),
    )
