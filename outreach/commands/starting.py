"""`outreach run` and `outreach demo`: web and worker under one parent, for one machine."""

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable

from outreach.commands import serving
from outreach.commands.migrating import migrate
from outreach.config import Settings
from outreach.errors import OutreachError

SECONDS_TO_START = 60
SECONDS_TO_STOP = 30


def start(settings: Settings, *, prepare: Callable[[], str]) -> None:
    """Web and worker run until Ctrl-C or SIGTERM; then all parts have stopped.

    `prepare` is called once the database is migrated and before any part runs; what it answers is printed when the
    pages can be reached. Errors: OutreachError when a part ends by itself; the others are stopped then.
    """
    door = serving.open_door(settings)
    migrate(settings)
    words = prepare()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    reading, writing = os.pipe()
    parts = {
        "web": _part("web", settings, reading, door.fileno()),
        "worker": _part("worker", settings, reading),
    }
    os.close(reading)
    door.close()
    try:
        _wait_until_reachable(settings, parts, stop)
        if not stop.is_set():
            print(words, flush=True)
        _watch(parts, stop)
    finally:
        _stop(parts)
        os.close(writing)


def address_of(settings: Settings) -> str:
    """Where a browser on this machine finds the pages."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    return f"http://{host}:{settings.port}/"


def _part(name: str, settings: Settings, pipe: int, door: int | None = None) -> "subprocess.Popen[bytes]":
    environ = {
        **os.environ,
        "OUTREACH_MODE": settings.mode,
        "OUTREACH_HOME": str(settings.home),
        "OUTREACH_PARENT_PIPE": str(pipe),
    }
    command = [sys.executable, "-m", "outreach.cli", name]
    # Its own process group: Ctrl-C reaches only the parent, which stops the parts in order.
    return subprocess.Popen(  # noqa: S603 - our own program
        command + (["--door", str(door)] if door is not None else []),
        env=environ,
        pass_fds=[pipe] + ([door] if door is not None else []),
        start_new_session=True,
    )


def _wait_until_reachable(
    settings: Settings, parts: "dict[str, subprocess.Popen[bytes]]", stop: threading.Event
) -> None:
    for _ in range(SECONDS_TO_START * 4):
        _check(parts)
        try:
            urllib.request.urlopen(address_of(settings) + "static/mark.svg", timeout=2)  # noqa: S310 - our own address
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if stop.wait(0.25):
                return
    raise OutreachError(f"The pages did not answer within {SECONDS_TO_START} seconds; everything was stopped.")


def _watch(parts: "dict[str, subprocess.Popen[bytes]]", stop: threading.Event) -> None:
    while not stop.wait(0.5):
        _check(parts)


def _check(parts: "dict[str, subprocess.Popen[bytes]]") -> None:
    for name, part in parts.items():
        if part.poll() is not None:
            raise OutreachError(
                f"The {name} part ended by itself (exit {part.returncode}); the other part was stopped, "
                "all data is kept. The reason stands above."
            )


def _stop(parts: "dict[str, subprocess.Popen[bytes]]") -> None:
    for part in parts.values():
        if part.poll() is None:
            part.terminate()
    for part in parts.values():
        try:
            part.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()
