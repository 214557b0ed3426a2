"""`python -m bench NAME [--rounds N] [--small] [--keep FILE] [--database postgresql]`; without a name: the list."""

import argparse
import json
import platform
import sys
import tempfile
from importlib import import_module
from pathlib import Path

NAMES = {
    "newsletter": "100,000 mails over SMTP against the floor (with --database postgresql: against our own SQLite)",
    "api": "SendGrid batches against the stub",
    "memory": "the sender's memory at 1,000,000 recipients and at 10,000",
    "fan-out": "1,000,000 ledger rows from an approved issue",
    "claim": "claiming with 10,000,000 rows of history and with none",
    "imports": "100,000 people from a CSV file against the floor, and the memory of 1,000,000",
    "tick": "a campaign tick with nothing due, 1,000,000 and 1,000 enrolled",
    "enrolling": "100,000 people enter a campaign; those who are due move on at 1,000,000 enrolled and at 10,000",
    "groups": "counts, left-out reasons, list pages and search at 1,000,000 contacts and at 10,000",
    "yields": "yields of 2,000 and of 1,000,000 contacts with 3,000,000 referrals: model, refresh, one referral more",
}


def main() -> int:
    """Runs one benchmark in a temporary folder; 1 when a goal was missed."""
    asked = _arguments()
    if asked.name is None:
        for name, text in NAMES.items():
            print(f"{name:12}{text}")
        return 0
    module = import_module(f"bench.{_module(asked)}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        report = module.run(Path(folder), rounds=asked.rounds, small=asked.small)
    print("\n".join(report.lines()))
    if asked.keep:
        found = {"python": platform.python_version(), "small": asked.small, **report.to_json()}
        asked.keep.write_text(json.dumps(found, indent=2))
        asked.keep.with_suffix(".md").write_text("\n".join(report.lines()).strip() + "\n")
    return 0 if all(goal.met for goal in report.goals) else 1


def _module(asked: argparse.Namespace) -> str:
    if asked.database == "postgresql":
        return f"{asked.name.replace('-', '_')}_postgresql"
    return asked.name.replace("-", "_")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks with a floor beside them.")
    parser.add_argument("name", nargs="?", choices=NAMES)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of every contestant, in turn (median counts)")
    parser.add_argument("--small", action="store_true", help="a quick look at a smaller size; goals do not count")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="also write FILE (JSON) and its Markdown table")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
