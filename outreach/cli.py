"""The command line: reads the words, calls what they mean, and says in one sentence why not."""

import argparse
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.exc import DatabaseError

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
    except DatabaseError as broken:
        kind = type(broken).__name__
        print(f"outreach: The database did not answer as it should ({kind}). Try: outreach migrate", file=sys.stderr)
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
    web.add_argument("--with-worker", action="store_true", help="one web process with a worker beside it")
    add("worker", _worker, "Start only the worker.")
    add("migrate", _migrate, "Bring the database up to date.")
    add("setup-code", _setup_code, "Print a new one-time code for the first-run pages.")
    backup = add("backup", _backup, "Copy the database while everything goes on.")
    backup.add_argument("--to", type=Path, metavar="FILE", help="where to (default: backups/ in the data folder)")
    restore = add("restore", _restore, "Put a backup in the place of the database; all mail is on hold then.")
    restore.add_argument("file", type=Path)
    restore.add_argument(
        "--hold", action="store_true", required=True, help="say that you know: nothing leaves at first"
    )
    bring = add("import", _import, "Bring the contacts of a file in.")
    bring.add_argument("file", type=Path)
    bring.add_argument("--kind", default="", help="what they are when the file does not say, as in physician")
    bring.add_argument(
        "--permission", required=True, metavar="WHENCE", help="signed-up, written, spoken, none, unknown"
    )
    bring.add_argument("--known", default="fill", help="contacts that are there already: fill, update or skip")
    only = bring.add_argument_group("of the national provider file only")
    only.add_argument("--specialty", action="append", default=[], metavar="GROUP", help="a group as on the screen")
    only.add_argument("--zip", default="", metavar="ZIPS", help="12545,12601, or 125 for all that begin so")
    only.add_argument("--miles", default="", help="so far from the practice")
    only.add_argument("--people", action="store_true", help="no organizations")
    bring.add_argument("--check", action="store_true", help="only say what would happen")
    for name, command, text in (("pause", _pause, "Hold all mail."), ("resume", _resume, "Let mail leave again.")):
        add(name, command, text).add_argument("--campaign", type=int, metavar="NUMBER")
    settle = add("unconfirmed", _unconfirmed, "List emails of which nobody knows, or settle them.")
    settle.add_argument("words", nargs="*", metavar="list | resolve NUMBER sent|again|abandoned")
    settle.add_argument("--policy", action="store_true", help="with resolve: all at once, by the practice's rules")
    add("rotate-keys", _rotate_keys, "Encrypt the kept keys of transports under a new data key.")
    add("doctor", _doctor, "Say what is well and what is not.")
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
    serving.serve(settings, door, with_worker=words.with_worker)


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

    settings = _settings()
    print(backing_up.told(settings, backing_up.back_up(settings, now=SystemClock().now(), to=words.to)))


def _restore(words: argparse.Namespace) -> None:
    from outreach.commands import restoring

    print(restoring.restore(_settings(), words.file, now=SystemClock().now()))


def _import(words: argparse.Namespace) -> None:
    from outreach.commands import bringing

    chosen = {"kind": words.kind, "permission": words.permission, "duplicates": words.known}
    only = bringing.Narrowing(tuple(words.specialty), words.zip, words.miles, words.people)
    print(bringing.bring(_settings(), words.file, only_check=words.check, only=only, **chosen))


def _pause(words: argparse.Namespace) -> None:
    from outreach.commands import holding

    print(holding.pause(_settings(), words.campaign))


def _resume(words: argparse.Namespace) -> None:
    from outreach.commands import holding

    print(holding.resume(_settings(), words.campaign))


def _unconfirmed(given: argparse.Namespace) -> None:
    from outreach.commands import holding

    match given.words:
        case [] | ["list"] if not given.policy:
            print(holding.unconfirmed(_settings()))
        case ["resolve"] if given.policy:
            print(holding.settle_by_policy(_settings()))
        case ["resolve", number, how] | [number, how] if (
            not given.policy and number.isascii() and number.isdigit() and how in ("sent", "again", "abandoned")
        ):
            print(holding.settle(_settings(), int(number), how))
        case _:
            raise OutreachError(
                "Say: outreach unconfirmed list, outreach unconfirmed resolve NUMBER sent (or again, or abandoned), "
                "or outreach unconfirmed resolve --policy."
            )


def _rotate_keys(_words: argparse.Namespace) -> None:
    from outreach.commands import rotating

    print(rotating.rotate(_settings()))


def _doctor(_words: argparse.Namespace) -> None:
    from outreach.commands import examining

    well, findings = examining.examine(_settings())
    print(findings)
    if not well:
        raise OutreachError("Some things need a look.")


if __name__ == "__main__":
    sys.exit(main())
