"""The command line: reads the words, calls what they mean, and says in one sentence why not."""

import argparse
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from outreach.clock import SystemClock
from outreach.config import Mode, Settings, settings_from
from outreach.errors import OutreachError

Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when done, 1 with one sentence on stderr when not, 2 when the words are off."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    words = _parser().parse_args(arguments)
    try:
        words.command(words)
    except OutreachError as no:
        print(f"outreach: {no}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="outreach", description="Relationship software for physical, occupational and speech therapy practices."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    add("run", _run, "Start the practice's installation: web and worker under one parent.")
    demo = add("demo", _demo, "Start a seeded practice to try everything; no mail leaves the machine.")
    demo.add_argument("--advance", metavar="3d", help="push the running demo's clock forward, as in 3d, 6h or 30m")
    web = add("web", _web, "Start only the web part.")
    web.add_argument("--door", type=int, help=argparse.SUPPRESS)
    add("worker", _worker, "Start only the worker.")
    add("migrate", _migrate, "Bring the database up to date.")
    add("setup-code", _setup_code, "Print a new one-time code for the first-run pages.")
    backup = add("backup", _backup, "Copy the database while everything goes on.")
    backup.add_argument("--to", type=Path, metavar="FILE", help="where to (default: backups/ in the data folder)")
    return parser


def _settings(mode: Mode | None = None) -> Settings:
    return settings_from(mode=mode or ("demo" if os.environ.get("OUTREACH_MODE") == "demo" else "run"))


def _run(_words: argparse.Namespace) -> None:
    from outreach.commands import first_run, starting

    settings = _settings("run")
    starting.start(settings, prepare=lambda: first_run.prepare(settings))


def _demo(words: argparse.Namespace) -> None:
    from outreach.commands import demonstrating, starting

    settings = _settings("demo")
    if words.advance:
        print(demonstrating.advance(settings, words.advance))
    else:
        starting.start(settings, prepare=lambda: demonstrating.prepare(settings))


def _web(words: argparse.Namespace) -> None:
    from outreach.commands import serving

    settings = _settings()
    door = socket.socket(fileno=words.door) if words.door is not None else serving.open_door(settings)
    serving.serve(settings, door)


def _worker(_words: argparse.Namespace) -> None:
    from outreach.commands import working

    working.work(_settings())


def _migrate(_words: argparse.Namespace) -> None:
    from outreach.commands import migrating

    print(migrating.migrate(_settings()))


def _setup_code(_words: argparse.Namespace) -> None:
    from outreach.commands import first_run

    print(first_run.new_code(_settings()))


def _backup(words: argparse.Namespace) -> None:
    from outreach.commands import backing_up

    print(f"The backup is in {backing_up.back_up(_settings(), now=SystemClock().now(), to=words.to)}.")


if __name__ == "__main__":
    sys.exit(main())
