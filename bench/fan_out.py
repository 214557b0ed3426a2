"""The ledger rows of a newsletter to 1,000,000 people: the planner's job, and the least that a million rows cost."""

import sqlite3
from pathlib import Path

from bench import house
from bench.measuring import Goal, Report, Series, Span, child, interleaved

MOST_SECONDS = 5.0


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """The product's planner and one bare INSERT .. SELECT, in turn, each on a fresh copy."""
    many = 50_000 if small else 1_000_000
    made = house.build(folder / "made", many)
    house.floor_contacts(folder / "floor.db", many)
    product, floor = Series("product: planner's turns"), Series("floor: one INSERT .. SELECT, narrow row")

    def once() -> dict[str, float]:
        home = house.copied(made, folder / "round")
        figures = child("bench.product", "fan-out", home, "smtp_url=smtp://127.0.0.1:9")
        if figures["count"] != many:
            raise RuntimeError(f"{many} rows were to be made, {figures['count']} are there.")
        return figures

    def least() -> dict[str, float]:
        house.copied_file(folder / "floor.db", folder / "floor-round.db")
        return _floor(folder / "floor-round.db", many)

    interleaved(rounds, [(product, once), (floor, least)])
    return Report(
        "fan-out",
        f"{many:,} ledger rows",
        [product, floor],
        [Goal("seconds", product.median("seconds"), MOST_SECONDS)],
        [
            f"CPU seconds: {product.median('cpu'):.2f}",
            f"longest turn (the writer's lock is held so long): {product.median('longest_turn'):.2f} s",
        ],
    )


def _floor(path: Path, many: int) -> dict[str, float]:
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    span = Span()
    base.execute(
        "CREATE TABLE ledger (id INTEGER PRIMARY KEY, issue INT, contact INT, state TEXT, UNIQUE (issue, contact))"
    )
    base.execute("INSERT INTO ledger (issue, contact, state) SELECT 1, id, 'scheduled' FROM contact")
    figures = {**span.figures(), "count": many}
    base.close()
    return figures
