"""What a benchmark measures: wall time, CPU seconds, peak memory; medians over interleaved rounds; goals."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Span:
    """From now until `figures`: wall seconds, CPU seconds of this process and its children, peak memory so far."""

    def __init__(self) -> None:
        """Starts the clock."""
        self._cpu, self._wall = _cpu(), time.perf_counter()

    def figures(self) -> dict[str, float]:
        """{"seconds", "cpu", "rss_mb"}; the peak is that of the process since its start."""
        wall = time.perf_counter() - self._wall
        return {"seconds": wall, "cpu": _cpu() - self._cpu, "rss_mb": peak_mb()}


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_mb() -> float:
    """The peak memory of this process. Not `ru_maxrss`, which inherits the parent's size from before the exec."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(*arguments: object) -> dict[str, Any]:
    """The figures that `python -m …` in a process of its own prints as its last line. Errors: RuntimeError."""
    asked = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=3600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(asked[1:4])} failed:\n{done.stderr[-3000:]}")
    figures = json.loads(done.stdout.splitlines()[-1])
    if os.environ.get("BENCH_SHOW"):
        sys.stderr.write(f"{asked[2]} {figures}\n")
    return figures


@dataclass
class Sink:
    """A sink in its own process."""

    what: str
    port: int = 0
    _process: Any = None

    def __enter__(self) -> "Sink":
        """Listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sink", self.what],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        """Is gone."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def counted(self) -> tuple[int, int]:
        """(mails or recipients, bytes) that have arrived so far."""
        import http.client
        import smtplib

        if self.what == "smtp":
            with smtplib.SMTP("127.0.0.1", self.port) as session:
                mails, size = session.noop()[1].split()
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            connection.request("GET", "/")
            mails, size = connection.getresponse().read().split()
            connection.close()
        return int(mails), int(size)


@dataclass
class Series:
    """One contestant's rounds."""

    name: str
    rounds: list[dict[str, float]] = field(default_factory=list)

    def median(self, what: str) -> float:
        """The median of one figure."""
        return statistics.median(each[what] for each in self.rounds)

    def row(self) -> dict[str, float]:
        """{"count", "rate", "cpu_per_1000", "rss_mb", "seconds", "slowest", "fastest"}, medians."""
        rates = [each["count"] / each["seconds"] for each in self.rounds]
        return {
            "count": self.median("count"),
            "seconds": self.median("seconds"),
            "rate": statistics.median(rates),
            "slowest": min(rates),
            "fastest": max(rates),
            "cpu_per_1000": statistics.median(1000 * each["cpu"] / each["count"] for each in self.rounds),
            "rss_mb": self.median("rss_mb"),
        }


@dataclass(frozen=True)
class Goal:
    """One promise: a figure and its bound. `at_least` or else at most."""

    text: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it holds."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def said(self) -> str:
        """As the table says it."""
        bound = f"{'at least' if self.at_least else 'at most'} {self.bound:g}"
        return f"{self.text}: {self.value:.3g} ({bound}): {'pass' if self.met else 'missed by ' + self._by()}"

    def _by(self) -> str:
        share = abs(self.value - self.bound) / self.bound
        return f"{share:.0%}"


@dataclass
class Report:
    """What a benchmark found."""

    name: str
    what: str
    series: list[Series]
    goals: list[Goal]
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Everything, rounds included."""
        return {
            "name": self.name,
            "what": self.what,
            "series": [{"name": each.name, "median": each.row(), "rounds": each.rounds} for each in self.series],
            "goals": [{"text": goal.said(), "met": goal.met, "value": goal.value} for goal in self.goals],
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """A Markdown table and the goals below it."""
        head = ["", f"### {self.name}: {self.what}", ""]
        table = ["| | count | seconds | per second (slowest to fastest) | CPU s/1000 | peak MB |"]
        table.append("| --- | ---: | ---: | ---: | ---: | ---: |")
        for each in self.series:
            row = each.row()
            spread = f"{row['rate']:,.0f} ({row['slowest']:,.0f} to {row['fastest']:,.0f})"
            table.append(
                f"| {each.name} | {row['count']:,.0f} | {row['seconds']:.3g} | {spread} "
                f"| {row['cpu_per_1000']:.3f} | {row['rss_mb']:.0f} |"
            )
        return [*head, *table, "", *(f"- {goal.said()}" for goal in self.goals), *(f"- {note}" for note in self.notes)]


def interleaved(rounds: int, contestants: Sequence[tuple[Series, Callable[[], dict[str, float]]]]) -> None:
    """Every contestant once per round, in turn, so that a change of the machine's mood meets all of them."""
    for number in range(rounds):
        for series, once in contestants:
            figures = once()
            series.rounds.append(figures)
            sys.stderr.write(
                f"  round {number + 1}/{rounds} {series.name}: {figures['count'] / figures['seconds']:,.0f}/s\n"
            )
