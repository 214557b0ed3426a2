"""A newsletter to 100,000 people over SMTP against the floor: tracked links, token, suppression check, durable rows."""

from pathlib import Path

from bench import house
from bench.measuring import Goal, Report, Series, Sink, child, interleaved

RATE, CPU = 0.40, 2.5
AIM = 0.65


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Product and floor in turn, each round on a fresh copy of the same database, the same sink."""
    many = 5_000 if small else 100_000
    made = house.build(folder / "made", many)
    house.floor_contacts(folder / "floor.db", many)
    product, floor = Series("product"), Series("floor")
    with Sink("smtp") as sink:

        def once() -> dict[str, float]:
            home = house.copied(made, folder / "round")
            before = sink.counted()[0]
            figures = child("bench.product", "send", home, f"smtp_url=smtp://127.0.0.1:{sink.port}")
            witnessed(figures, sink.counted()[0] - before, many)
            return figures

        def least() -> dict[str, float]:
            path = house.copied_file(folder / "floor.db", folder / "floor-round.db")
            before = sink.counted()[0]
            figures = child("bench.floor", path, sink.port, made / "letter.json")
            witnessed(figures, sink.counted()[0] - before, many)
            return figures

        interleaved(rounds, [(product, once), (floor, least)])
    return _reported(product, floor)


def witnessed(figures: dict[str, float], arrived: int, many: int) -> None:
    """The ledger and the sink agree on the number. Errors: RuntimeError."""
    if not figures["count"] == arrived == many:
        raise RuntimeError(f"{many} were to be sent, the ledger says {figures['count']}, the sink counted {arrived}.")


def _reported(product: Series, floor: Series) -> Report:
    ours, least = product.row(), floor.row()
    return Report(
        "newsletter",
        f"{product.row()['count']:,.0f} recipients to an SMTP sink, everything on",
        [product, floor],
        [
            Goal("rate, share of the floor's", ours["rate"] / least["rate"], RATE, at_least=True),
            Goal("CPU per mail, times the floor's", ours["cpu_per_1000"] / least["cpu_per_1000"], CPU),
        ],
        [
            f"aim for the rate: {AIM} of the floor's",
            f"of this, fan-out: {product.median('fan_out_seconds'):.2f} s",
            f"start-up of the worker process, not counted: {product.median('start_seconds'):.2f} s",
        ],
    )
