"""100,000 people enter a campaign, and those who are due move on at the same cost however many are enrolled."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import house, under_way
from bench.measuring import Goal, Report, Series, child, interleaved

SECONDS, PER_DUE_RATIO = 5.0, 1.3
MOVING = 10_000
"""Twenty batches of the job."""
STEPS: list[dict[str, Any]] = [
    {"key": "a", "kind": "task", "task": "call", "title": "Call", "script": ""},
    {"key": "b", "kind": "wait", "days": 14, "weekdays": [], "minute": 540},
    {"key": "c", "kind": "condition", "question": "clicked-or-replied", "yes": [], "no": []},
    {"key": "d", "kind": "stop", "on": ["referred", "replied"]},
]
INSIDE = """INSERT INTO campaign_enrollment (campaign_id, version_id, contact_id, occurrence, state, step_key, due_at,
 waits_for, late, stop_reason, entered_at)
SELECT 1, 1, id, 1, 'active', 'c', CASE WHEN {whose} THEN :due ELSE '2027-06-01 16:00:00.000000' END,
 '', 0, '', '2026-02-02 16:00:00.000000' FROM contact"""
TOGETHER, SCATTERED = "id <= :moving", "id % (:many / :moving) = 0"
"""Who entered together is due together and lies side by side; scattered, each lies on a page of its own."""


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Each round: everybody enters a fresh campaign; 20 batches of due people move on at either size.

    At the larger size twice: those who entered together, and as many scattered over all who ever entered.
    """
    crowd = 10_000 if small else 100_000
    few, many = 10_000, 50_000 if small else 1_000_000
    empty = _house(folder / "empty", crowd)
    few_home = _house(folder / "few", few, due=TOGETHER)
    together, scattered = (_house(folder / f"many-{n}", many, due=due) for n, due in enumerate((TOGETHER, SCATTERED)))
    entering = Series(f"{crowd:,} people enter")
    base, near, far = (
        Series(f"{MOVING:,} of {size:,} enrolled move on{where}")
        for size, where in ((few, ""), (many, ", who entered together"), (many, ", scattered over all"))
    )

    def once(what: str, home: Path) -> dict[str, float]:
        copy = house.copied(home, folder / "round")
        return child("bench.product", what, copy, "smtp_url=smtp://127.0.0.1:9")

    contestants = [(entering, lambda: once("enroll", empty))]
    homes = ((base, few_home), (near, together), (far, scattered))
    contestants += [(series, lambda home=home: once("advance", home)) for series, home in homes]
    interleaved(rounds, contestants)
    return Report(
        "enrolling",
        "people enter a campaign and move on",
        [entering, base, near, far],
        [
            Goal(f"seconds for {crowd:,} people to enter", entering.median("seconds"), SECONDS),
            *(
                Goal(
                    f"time per due person at {many:,} ({where}), times that at {few:,}",
                    series.median("seconds") / base.median("seconds"),
                    PER_DUE_RATIO,
                )
                for where, series in (("together", near), ("scattered", far))
            ),
        ],
    )


def _house(home: Path, many: int, *, due: str | None = None) -> Path:
    if due is None:
        return under_way.build(home, many, STEPS)
    since = (house.MADE_AT - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
    return under_way.build(home, many, STEPS, INSIDE.format(whose=due), {"many": many, "moving": MOVING, "due": since})
