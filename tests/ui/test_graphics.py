"""The geometry of the pulse, the yield meter and the other small graphics."""

from types import SimpleNamespace

import pytest

from outreach import ui

YEAR = [(1, 1), (0, 0), (1, 1), (2, 1), (1, 0), (1, 2), (2, 0), (1, 1), (2, 1), (3, 1), (2, 2), (2, 1)]


def test_the_pulse_says_in_words_what_it_draws() -> None:
    assert ui.pulse_small(YEAR).label == "18 referrals and 11 touches in 12 months"
    assert ui.pulse_small([(1, 1)], "Dr. Raman").label == "Dr. Raman: 1 referral and 1 touch in 12 months"


@pytest.mark.parametrize("draw", [ui.pulse_small, ui.pulse_large])
@pytest.mark.parametrize("months", [YEAR, [(40, 9)] * 12, [(0, 0)] * 12, []])
def test_the_pulse_never_leaves_its_frame(draw: object, months: list[tuple[int, int]]) -> None:
    p = draw(months)  # type: ignore[operator]
    for bar in p.bars:
        assert bar.x >= 0
        assert bar.y >= 0
        assert bar.x + bar.width <= p.width
        assert bar.y + bar.height == pytest.approx(p.base)
    for x, y in p.dots:
        assert 3 < x < p.width - 3
        assert p.base < y < p.height - 3


def test_months_may_be_pairs_mappings_or_objects() -> None:
    pairs = ui.pulse_small([(2, 1, "Dec")])
    assert ui.pulse_small([{"referrals": 2, "touches": 1, "label": "Dec"}]) == pairs
    assert ui.pulse_small([SimpleNamespace(referrals=2, touches=1, label="Dec")]) == pairs


def test_the_large_pulse_draws_three_touches_at_most() -> None:
    assert len(ui.pulse_large([(0, 9)] * 12).dots) == 36


@pytest.mark.parametrize(
    ("rank", "fifths"),
    [(100, [1, 1, 1, 1, 1]), (50, [1, 1, 0.5, 0, 0]), (0, [0] * 5), (None, [0] * 5), (140, [1] * 5)],
)
def test_the_meter_shows_fifths_of_the_rank(rank: float | None, fifths: list[float]) -> None:
    assert ui.meter_fifths(rank) == fifths


@pytest.mark.parametrize(("expected", "said"), [(0.94, "0.9"), (0.02, "<0.1"), (0, "0.0"), (12.3, "12"), (None, "–")])
def test_expected_referrals_are_said_without_false_precision(expected: float | None, said: str) -> None:
    assert ui.expected_words(expected) == said


def test_bars_are_shares_of_the_longest_by_size() -> None:
    assert ui.bar_widths([38, 19, -3.8]) == [100, 50, 10]
    assert ui.bar_widths([]) == []
    assert ui.bar_widths([0, 0]) == [0, 0]


def test_sparks_and_rings_survive_empty_and_flat_data() -> None:
    assert ui.spark_points([]) == ""
    assert ui.spark_points([0]) == "2.0,22.0"
    assert ui.ring_arc(1, 0).startswith("0.0 ")
    assert ui.ring_arc(30, 20).split()[0] == ui.ring_arc(20, 20).split()[1]
