"""The sender's memory: planning and sending to 1,000,000 people takes no more than to 10,000."""

from pathlib import Path

from bench import house
from bench.measuring import Goal, Report, Series, Sink, child, interleaved

RATIO, MOST_MB = 1.25, 150


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """Two sizes in turn; each is one long run, so one or two rounds say enough."""
    few, many = (1_000, 20_000) if small else (10_000, 1_000_000)
    homes = {size: house.build(folder / f"made-{size}", size) for size in (few, many)}
    series = {size: Series(f"{size:,} recipients") for size in homes}
    with Sink("smtp") as sink:

        def once(size: int) -> dict[str, float]:
            home = house.copied(homes[size], folder / "round")
            return child("bench.product", "send", home, f"smtp_url=smtp://127.0.0.1:{sink.port}")

        interleaved(rounds, [(series[size], lambda size=size: once(size)) for size in homes])
    small_mb, large_mb = series[few].median("rss_mb"), series[many].median("rss_mb")
    return Report(
        "memory",
        f"the sender's peak at {many:,} and at {few:,} recipients",
        list(series.values()),
        [Goal(f"peak at {many:,}, times that at {few:,}", large_mb / small_mb, RATIO), Goal("MB", large_mb, MOST_MB)],
        [f"just started, nothing sent: {series[few].median('start_rss_mb'):.0f} MB"],
    )
