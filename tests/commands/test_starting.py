"""The two commands as a person meets them: real processes on a real port."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.servers import free_port

SECONDS = 180


class Installation:
    """One data folder and one port, and what is started on them."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.started: subprocess.Popen[str] | None = None

    def environ(self, **more: str) -> dict[str, str]:
        return {**os.environ, "OUTREACH_HOME": str(self.home), "OUTREACH_PORT": str(self.port), **more}

    def call(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "outreach.cli", *words],
            env=self.environ(**more), capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip

    def start(self, *words: str) -> str:
        """Starts, waits for the words on the terminal, and answers them."""
        self.started = subprocess.Popen(
            [sys.executable, "-m", "outreach.cli", *words],
            env=self.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.started.stdout
        said = ""
        for line in self.started.stdout:
            said += line
            if "Ctrl-C" in line:
                return said
        raise AssertionError(f"It ended by itself: {said}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        assert self.started
        self.started.send_signal(how)
        return self.started.wait(SECONDS)

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/setup", timeout=60)
        except OSError:
            return False
        return True


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "home")
    yield installation
    if installation.started and installation.started.poll() is None:
        installation.started.kill()
        installation.started.wait()
    if installation.started and installation.started.stdout:
        installation.started.stdout.close()


def test_run_starts_all_parts_prints_a_code_and_stops_them_at_ctrl_c(place: Installation) -> None:
    said = place.start("run")
    assert f"http://127.0.0.1:{place.port}/" in said
    assert "type this code" in said
    assert place.answers()
    assert place.stop() == 0
    assert not place.answers()
    assert place.call("setup-code").stdout.strip().count("-") == 2, "the data is still there"


def test_a_second_start_on_the_same_port_says_why_not(place: Installation) -> None:
    with socket.create_server(("127.0.0.1", place.port)):
        refused = place.call("run")
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines() == [
        f"outreach: Port {place.port} is taken by another program. Stop it, or choose another with OUTREACH_PORT."
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"OUTREACH_PORT": "eighty"}, "OUTREACH_PORT must be a number"),
        ({"OUTREACH_HOME": "/dev/null/outreach"}, "cannot be written"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must start with"),
        ({"OUTREACH_SMTP_URL": "mail.example"}, "OUTREACH_SMTP_URL must be an address"),
        ({"OUTREACH_SECRET_KEY": "short"}, "at least 32 characters"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_a_failure(place: Installation, wrong: dict[str, str], said: str) -> None:
    refused = place.call("run", **wrong)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_when_a_part_dies_the_others_are_stopped_and_the_reason_is_said(place: Installation) -> None:
    place.start("run")
    assert place.started
    worker = children_of(place.started.pid, "worker")
    os.kill(worker[0], signal.SIGKILL)
    assert place.started.wait(SECONDS) == 1
    assert place.started.stdout
    assert "The worker part ended by itself" in place.started.stdout.read()
    assert not place.answers()


def test_when_the_parent_is_killed_no_part_lives_on(place: Installation) -> None:
    place.start("run")
    assert place.started
    parts = children_of(place.started.pid)
    assert len(parts) == 2
    place.started.kill()
    deadline = time.monotonic() + SECONDS  # noqa: TID251 - real processes, real time
    while any(alive(part) for part in parts):
        assert time.monotonic() < deadline, "a part lives on"  # noqa: TID251
        time.sleep(0.1)


def children_of(pid: int, word: str = "") -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == pid and (not word or word.encode() in words):
                found.append(int(folder.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
