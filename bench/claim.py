"""Claiming costs the same with 10,000,000 rows of history in the ledger as with none."""

import sqlite3
from pathlib import Path

from bench import house
from bench.measuring import Goal, Report, Series, child, interleaved

RATIO = 1.3
WAITING = 20_000
CHUNK = 500_000
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)"
HISTORY = f"""{NUMBERS} INSERT INTO delivery (source, source_id, step, contact_id, occurrence, message_id, kind,
 mail_class, topic, audience_class, email, to_name, state, reason, priority, zone, not_before_at, due_at, transport,
 attempts, sent_at, fact_rank, last_error, created_at, updated_at)
SELECT 'old', i / 20000, '', i % 20000 + 1, '', 1, 'newsletter', 'commercial', 'newsletter', 'provider', '', '',
 'delivered', '', 0, 'UTC', '2025-03-02', '2025-03-02', 'smtp', 1, '2025-03-02', 0, '', '2025-03-02', '2025-03-02'
FROM n"""  # noqa: S608 - nothing typed


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Each round: 20 claims of 1,000 rows, each in a turn of its own, with history and without; then given back."""
    many = 200_000 if small else 10_000_000
    bare = house.build(folder / "bare", WAITING)
    child("bench.product", "fan-out", bare, WAY)
    old = house.copied(bare, folder / "old")
    _add_history(old / "outreach.db", many)
    homes = {f"{many:,} rows of history": old, "no history": bare}
    series = {name: Series(name) for name in homes}

    def once(name: str) -> dict[str, float]:
        return child("bench.product", "claim", homes[name], WAY)

    interleaved(rounds, [(series[name], lambda name=name: once(name)) for name in homes])
    slow, quick = (each.median("seconds") for each in series.values())
    size = (old / "outreach.db").stat().st_size / 1e9
    return Report(
        "claim",
        f"{WAITING:,} waiting rows claimed by 1,000, sweep included",
        list(series.values()),
        [Goal("time with history, times that without", slow / quick, RATIO)],
        [f"the database with history: {size:.1f} GB"],
    )


WAY = "smtp_url=smtp://127.0.0.1:9"


def _add_history(path: Path, many: int) -> None:
    """Rows in one statement each CHUNK; indexes are built after them, which is faster by far."""
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA synchronous=OFF")
    base.execute("PRAGMA cache_size=-400000")
    kept = base.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'delivery' AND type = 'index' AND sql > ''"
    )
    indexes = kept.fetchall()
    for name, _ in indexes:
        base.execute(f"DROP INDEX {name}")
    for start in range(0, many, CHUNK):
        base.execute(HISTORY, (start, min(start + CHUNK, many) - 1))
    for _, sql in indexes:
        base.execute(sql)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
