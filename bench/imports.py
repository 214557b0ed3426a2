"""A CSV file of 100,000 people: parsed, checked cell by cell, recognised, written; against two floors.

The floor is `import_floor.py`: csv.reader, one expression for the address, an upsert into a table of eight columns
(reference/performance.md 1.5). The second floor writes the same rows raw into the product's own contact table, with
its indexes and triggers and nothing beside: what the schema alone costs.
"""

import csv
from pathlib import Path

from bench import house
from bench.measuring import Goal, Report, Series, child, interleaved

SHARE, INDEXED_SHARE, MOST_MB = 0.25, 0.4, 180.0
HEADER = ("First Name", "Last Name", "Email", "Phone", "Organization", "City", "State", "ZIP")


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Each round: the floors and the product on the same file, each on a fresh database; then 1,000,000 once."""
    few, many = (5_000, 20_000) if small else (100_000, 1_000_000)
    file, large = written(folder / "people.csv", few), written(folder / "many.csv", many)
    home = house.build(folder / "house", 0, issue=False)
    series = {name: Series(name) for name in ("floor", "floor, product's table", "import", "check before it")}

    def once(name: str) -> dict[str, float]:
        if name == "floor":
            return child("bench.import_floor", "plain", folder / "floor.db", file)
        fresh = house.copied(home, folder / "round")
        if name.startswith("floor"):
            return child("bench.import_floor", "product", fresh / "outreach.db", file)
        return child("bench.importing", fresh, file, "check" if name.startswith("check") else "run")

    interleaved(rounds, [(series[name], lambda name=name: once(name)) for name in series])
    million = Series(f"import of {many:,}")
    interleaved(1, [(million, lambda: child("bench.importing", house.copied(home, folder / "round"), large, "run"))])
    per_row = {name: one.median("cpu") / one.median("count") for name, one in series.items()}
    return Report(
        "imports",
        f"{few:,} people from a CSV file of eight columns, CPU seconds",
        [*series.values(), million],
        [
            Goal("share of the floor", per_row["floor"] / per_row["import"], SHARE, at_least=True),
            Goal(
                "share of the floor with the product's table",
                per_row["floor, product's table"] / per_row["import"],
                INDEXED_SHARE,
                at_least=True,
            ),
            Goal(f"MB for {many:,} rows, check and import", million.median("rss_mb"), MOST_MB),
        ],
        ["The import writes contact, membership, permission, timeline, and what undo needs; rates are of wall time."],
    )


def written(path: Path, many: int) -> Path:
    """A file of so many people; the first thousand offices hold them all."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for each in range(1, many + 1):
            first, last = f"Ann{each % 977}", f"Li{each % 4999}"
            office = f"Practice {each % 1000}"
            phone, zip5 = f"(555) 014-{each % 10_000:04}", f"{12_000 + each % 900:05}"
            writer.writerow((first, last, house.address(each), phone, office, "Millbrook", "NY", zip5))
    return path
