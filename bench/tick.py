"""A campaign tick with nothing due costs the same at 1,000,000 enrolled people as at 1,000."""

from pathlib import Path

from bench import under_way
from bench.measuring import Goal, Report, Series, child, interleaved

RATIO, MOST_MS = 1.5, 5.0
ENROLL = """INSERT INTO campaign_enrollment (campaign_id, version_id, contact_id, occurrence, state, step_key, due_at,
 waits_for, late, stop_reason, entered_at)
SELECT 1, 1, id, 1, 'active', 'a', '2026-06-01 16:00:00.000000', '', 0, '', '2026-03-02 16:00:00.000000' FROM contact"""


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Each round: 50 ticks at either size in processes of their own; the median tick counts."""
    few, many = 1_000, 20_000 if small else 1_000_000
    homes = {size: under_way.build(folder / f"enrolled-{size}", size, [], ENROLL) for size in (few, many)}
    series = {size: Series(f"{size:,} enrolled, one tick") for size in homes}

    def once(size: int) -> dict[str, float]:
        return child("bench.product", "tick", homes[size], "smtp_url=smtp://127.0.0.1:9")

    interleaved(rounds, [(series[size], lambda size=size: once(size)) for size in homes])
    slow, quick = series[many].median("seconds"), series[few].median("seconds")
    return Report(
        "tick",
        "one campaign tick, nothing due",
        list(series.values()),
        [Goal(f"time at {many:,}, times that at {few:,}", slow / quick, RATIO), Goal("ms", 1000 * slow, MOST_MS)],
    )
