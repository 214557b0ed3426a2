"""A newsletter to 100,000 people over the mail API, many recipients per request, against a stub; durable rows."""

from pathlib import Path

from bench import house
from bench.measuring import Goal, Report, Series, Sink, child, interleaved

LEAST_PER_SECOND = 25_000


def run(folder: Path, *, rounds: int, small: bool) -> Report:
    """The worker's two jobs; the goal is about handing over, so the planner's part is told apart."""
    many = 5_000 if small else 100_000
    with Sink("http") as stub:
        way = {"sendgrid_api_key": "SG.bench", "sendgrid_base_url": f"http://127.0.0.1:{stub.port}"}
        made = house.build(folder / "made", many, way=way)
        whole, sending = Series("planned and sent"), Series("sent")

        def once() -> dict[str, float]:
            home = house.copied(made, folder / "round")
            before = stub.counted()[0]
            figures = child("bench.product", "send", home, *(f"{name}={value}" for name, value in way.items()))
            arrived = stub.counted()[0] - before
            if not figures["count"] == arrived == many:
                raise RuntimeError(f"{many} to send, the ledger says {figures['count']}, the stub counted {arrived}.")
            sent = {
                **figures,
                "seconds": figures["seconds"] - figures["fan_out_seconds"],
                "cpu": figures["cpu"] - figures["fan_out_cpu"],
            }
            sending.rounds.append(sent)
            return figures

        interleaved(rounds, [(whole, once)])
    goal = Goal("recipients per second, once planned", sending.row()["rate"], LEAST_PER_SECOND, at_least=True)
    return Report("api", f"{many:,} recipients in SendGrid batches, durable rows", [whole, sending], [goal])
