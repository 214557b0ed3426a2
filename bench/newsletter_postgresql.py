"""The newsletter of `bench newsletter` on PostgreSQL, against our own figure on SQLite."""

from pathlib import Path

from bench import house
from bench.measuring import Goal, Report, Series, Sink, child, interleaved
from bench.newsletter import witnessed
from bench.postgresql import durable

RATE = 0.6


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Both databases in turn, the same people and letter, each round on a fresh copy."""
    many = 5_000 if small else 100_000
    here, there = Series("SQLite"), Series("PostgreSQL, server's CPU included")
    with durable() as base, Sink("smtp") as sink:
        way = f"smtp_url=smtp://127.0.0.1:{sink.port}"
        made = house.build(folder / "made", many)
        house.build(folder / "pg", many, database_url=base.server.create("made"))

        def on_sqlite() -> dict[str, float]:
            before = sink.counted()[0]
            figures = child("bench.product", "send", house.copied(made, folder / "round"), way)
            witnessed(figures, sink.counted()[0] - before, many)
            return figures

        def on_postgresql() -> dict[str, float]:
            url = base.copied("made", "round")
            before, cpu = sink.counted()[0], base.cpu()
            figures = child("bench.product", "send", folder / "pg", way, f"database_url={url}")
            figures["cpu"] += base.cpu() - cpu
            witnessed(figures, sink.counted()[0] - before, many)
            return figures

        interleaved(rounds, [(here, on_sqlite), (there, on_postgresql)])
    share = there.row()["rate"] / here.row()["rate"]
    return Report(
        "newsletter --database postgresql",
        f"{many:,} recipients to an SMTP sink, everything on",
        [here, there],
        [Goal("rate, share of our own on SQLite", share, RATE, at_least=True)],
        [
            "the server runs on the same machine, over a Unix socket, with fsync and synchronous_commit on",
            f"of this, fan-out: {there.median('fan_out_seconds'):.2f} s",
        ],
    )
