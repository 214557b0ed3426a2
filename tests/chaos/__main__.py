"""The published form: `python -m tests.chaos [--seed N] [--database sqlite|postgresql|both] [--only NAME] [--short]`.

200 random `kill -9` over 10,000 mails with 10 % provider faults on SQLite and on PostgreSQL, then every other scene in
its full dose, then the negative controls. Prints a line per scene and the seed; ends with 1 when a promise broke or a
control stayed green. The same seed gives the same answers of the provider and the same random choices.
"""

import argparse
import secrets
import sys

from tests.chaos.auditor import Audit, Broken
from tests.chaos.plays import BOTH, PLAYS, Play
from tests.chaos.scene import Stage, tick
from tests.postgres import find_programs

HEAD = ("scene", "database", "mails", "accepted", "twice", "lost", "unsure", "(arrived)", "(by kill)", "seconds", "")
LINE = "{:<27}{:<11}{:>7}{:>9}{:>6}{:>5}{:>7}{:>10}{:>10}{:>8}  {}"


def main() -> int:
    """The whole programme, or what was asked for; answers the exit code."""
    wanted = _wanted()
    databases = BOTH if wanted.database == "both" else (wanted.database,)
    if "postgresql" in databases and find_programs() is None:
        print("There is no PostgreSQL on this machine: half of the programme cannot run.", file=sys.stderr)
        return 1
    print(f"seed {wanted.seed}   (again with: python -m tests.chaos --seed {wanted.seed})\n")
    print(LINE.format(*HEAD), flush=True)
    since, stage, good = tick(), Stage(wanted.seed), True
    try:
        for play in PLAYS:
            for database in databases:
                if database in play.on and wanted.only in (None, play.name):
                    good &= _act(stage, play, database, published=not wanted.short)
    finally:
        stage.close()
    print(f"\n{'All promises held.' if good else 'PROMISES BROKE.'}  {tick() - since:.0f} seconds, seed {wanted.seed}")
    return 0 if good else 1


def _act(stage: Stage, play: Play, database: str, *, published: bool) -> bool:
    since, found, broken = tick(), Audit(), ""
    try:
        found = play.act(stage, database, published=published)
    except Broken as noticed:
        found, broken = noticed.audit or found, str(noticed)
    except AssertionError as failed:
        broken = f"did not run: {failed}"
    as_it_should = bool(broken) == play.red and not broken.startswith("did not run")
    words = ("noticed: " if play.red else "BROKEN: ") + broken if broken else "STAYED GREEN" if play.red else "ok"
    numbers = (found.rows, found.accepted, found.duplicates, found.never_accepted + found.shown_unsent)
    unsure = (found.unconfirmed, found.truly_accepted, found.by_kill)
    words = " ".join(words.split())[: 1000 if not as_it_should else 60]
    print(LINE.format(play.name, database, *numbers, *unsure, f"{tick() - since:.1f}", words), flush=True)
    return as_it_should


def _wanted() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="The published form of the chaos suite.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--database", choices=(*BOTH, "both"), default="both")
    parser.add_argument("--only", choices=[play.name for play in PLAYS])
    parser.add_argument("--short", action="store_true", help="the small doses of `make test`")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
