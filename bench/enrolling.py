"""100,000 people enter a campaign, and those who are due move on at the same cost however many are enrolled."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench import house
from bench.measuring import Goal, Report, Series, child, interleaved
from outreach.campaigns.models import Campaign, CampaignVersion
from outreach.db import make_engine

SECONDS, PER_DUE_RATIO = 5.0, 1.3
DUE = 500
"""One batch of the job."""
STEPS: list[dict[str, Any]] = [
    {"key": "a", "kind": "task", "task": "call", "title": "Call", "script": ""},
    {"key": "b", "kind": "wait", "days": 14, "weekdays": [], "minute": 540},
    {"key": "c", "kind": "condition", "question": "clicked-or-replied", "yes": [], "no": []},
    {"key": "d", "kind": "stop", "on": ["referred", "replied"]},
]
INSIDE = """INSERT INTO campaign_enrollment (campaign_id, version_id, contact_id, occurrence, state, step_key, due_at,
 waits_for, late, stop_reason, entered_at)
SELECT 1, 1, id, 1, 'active', 'c', CASE WHEN id % :each = 0 THEN :due ELSE '2027-06-01 16:00:00.000000' END,
 '', 0, '', '2026-02-02 16:00:00.000000' FROM contact"""


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Each round: everybody enters a fresh campaign; 20 batches of due people move on at either size."""
    crowd = 10_000 if small else 100_000
    few, many = 10_000, 50_000 if small else 1_000_000
    empty = _house(folder / "empty", crowd, inside=False)
    homes = {size: _house(folder / f"enrolled-{size}", size, inside=True) for size in (few, many)}
    entering = Series(f"{crowd:,} people enter")
    moving = {size: Series(f"{size:,} enrolled, {20 * DUE:,} of them move on") for size in homes}

    def once(what: str, home: Path) -> dict[str, float]:
        copy = house.copied(home, folder / "round")
        return child("bench.product", what, copy, "smtp_url=smtp://127.0.0.1:9")

    contestants = [(entering, lambda: once("enroll", empty))]
    contestants += [(moving[size], lambda size=size: once("advance", homes[size])) for size in homes]
    interleaved(rounds, contestants)
    per_due = {size: series.median("seconds") / (20 * DUE) for size, series in moving.items()}
    return Report(
        "enrolling",
        "people enter a campaign and move on",
        [entering, *moving.values()],
        [
            Goal(f"seconds for {crowd:,} people to enter", entering.median("seconds"), SECONDS),
            Goal(
                f"time per due person at {many:,}, times that at {few:,}", per_due[many] / per_due[few], PER_DUE_RATIO
            ),
        ],
    )


def _house(home: Path, many: int, *, inside: bool) -> Path:
    house.build(home, many, issue=False)
    engine = make_engine(f"sqlite:///{home / 'outreach.db'}")
    now = house.MADE_AT
    with Session(engine) as session:
        session.add(Campaign(id=1, name="Bench", status="live", group_id=1, seed=1, created_at=now, published_at=now))
        session.flush()
        session.add(
            CampaignVersion(
                id=1,
                campaign_id=1,
                number=1,
                state="published",
                settings={"group_id": 1},
                steps=STEPS,
                audiences=["provider"],
                made_at=now,
                edited_at=now,
                published_at=now,
            )
        )
        session.flush()
        if inside:
            due = (now - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
            session.execute(text(INSIDE), {"each": many // (20 * DUE), "due": due})
        session.commit()
    engine.dispose()
    return home
