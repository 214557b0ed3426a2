"""One scene: a database, a home, a shared clock, a witness and the processes that run over them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.chaos import auditor
from tests.chaos.clock import MACHINE, SharedClock
from tests.chaos.servers import Server

ROOT = Path(__file__).resolve().parents[2]
ENOUGH_SECONDS = 120
LONGEST_DRAIN_SECONDS = 600
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_names = count(1)


def tick() -> float:
    """The machine's monotonic counter, as the witness writes it."""
    return time.perf_counter()


class Nursery:
    """The process that forks the application's processes; one per suite."""

    def __init__(self) -> None:
        """Started; the application is imported in it."""
        environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def order(self, **order: Any) -> dict[str, Any]:
        """One order, and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """Gone, and everything that it started."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(ENOUGH_SECONDS)
        self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery is gone"
        found: dict[str, Any] = json.loads(line)
        return found


class Part:
    """One process of a scene."""

    def __init__(self, scene: "Scene", pid: int) -> None:
        """Running."""
        self._scene, self.pid, self.code = scene, pid, None

    def kill(self) -> None:
        """`kill -9`, and it is gone."""
        self._signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """SIGTERM; `wait` tells how it ended."""
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def is_frozen(self) -> bool:
        """Whether the process stands still."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def wait(self, seconds: float = ENOUGH_SECONDS) -> int:
        """Its exit code; negative for a signal. Fails when it still runs after so long."""
        if self.code is None:
            self.code = self._scene.stage.nursery.order(wait=self.pid, seconds=seconds)["code"]
        assert self.code is not None, f"a process still runs after {seconds} seconds:\n{self._scene.log()}"
        return self.code

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Stage:
    """What all scenes of a run share: the nursery, furnished databases to copy, and PostgreSQL once it is needed."""

    def __init__(self, seed: int) -> None:
        """The seed decides every answer of the witness and every random moment."""
        self.seed = seed
        self.nursery = Nursery()
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self._server: Server | None = None
        self._templates: dict[tuple[Any, ...], Any] = {}

    @property
    def server(self) -> Server:
        """The suite's own PostgreSQL."""
        self._server = self._server or Server()
        return self._server

    def scene(self, database: str, many: int, **more: Any) -> "Scene":
        """A fresh scene over a furnished database with `many` deliveries that are due."""
        return Scene(self, database, many, **more)

    def furnished(self, database: str, many: int, kind: str, without: str | None, way: str) -> Any:
        """The template of such a database (a file, or a name on the server); made once."""
        without = without if without in ("unique", "fence") else None
        key = (database, many, kind, without, way)
        if key not in self._templates:
            home = Path(tempfile.mkdtemp(dir=self.folder))
            name = f"template_{len(self._templates)}"
            url = f"sqlite:///{home / 'outreach.db'}" if database == "sqlite" else self.server.create(name)
            # It stands still: however slow the machine, all is due when a scene begins.
            SharedClock.create(home / "clock", MONDAY, speed=0)
            order = {"home": str(home), "database": url, "many": many, "kind": kind, "without": without}
            order |= {"settings": WAYS[way](1, 1), "log": str(home / "log")}
            made = self.nursery.order(job="furnish", **order)["pid"]
            code = self.nursery.order(wait=made, seconds=ENOUGH_SECONDS)["code"]
            assert code == 0, (home / "log").read_text()[-3000:]
            self._templates[key] = home / "outreach.db" if database == "sqlite" else name
        return self._templates[key]

    def close(self) -> None:
        """Everything is stopped and removed."""
        self.nursery.close()
        if self._server is not None:
            self._server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


WAYS: dict[str, Any] = {
    "http": lambda http, smtp: {"sendgrid_api_key": "a-key", "sendgrid_base_url": f"http://127.0.0.1:{http}"},
    "smtp": lambda http, smtp: {"smtp_url": f"smtp://127.0.0.1:{smtp}"},
}


class Scene:
    """A context: the witness runs inside it, and every process that was started is gone afterwards."""

    def __init__(
        self,
        stage: Stage,
        database: str,
        many: int,
        *,
        mix: str = "none",
        kind: str = "drip",
        way: str = "http",
        speed: float = 20,
        today: bool = False,
        without: str | None = None,
        settings: dict[str, Any] | None = None,
        constants: dict[str, Any] | None = None,
    ) -> None:
        """Nothing runs yet. `constants` stand in every process of the scene (`tests.chaos.worker`)."""
        self.stage, self.many, self.without = stage, many, without
        self.database, self._mix, self._kind, self._way, self._speed = database, mix, kind, way, speed
        self._start = MACHINE.now() if today else MONDAY
        self._more, self._constants = settings or {}, constants or {}
        self._parts: list[Part] = []

    def __enter__(self) -> "Scene":
        """The database is copied and the witness listens."""
        template = self.stage.furnished(self.database, self.many, self._kind, self.without, self._way)
        self.home = Path(tempfile.mkdtemp(dir=self.stage.folder))
        self.name = f"scene_{next(_names)}"
        if self.database == "sqlite":
            shutil.copy(template, self.home / "outreach.db")
            self.url = f"sqlite:///{self.home / 'outreach.db'}"
        else:
            self.url = self.stage.server.create(self.name, template)
        self.clock = SharedClock.create(self.home / "clock", self._start, speed=self._speed)
        self.record = self.home / "witness"
        self._witness = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.witness", str(self.record), str(self.stage.seed), self._mix],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._witness.stdout is not None
        self.ports = [int(port) for port in self._witness.stdout.readline().split()]
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts:
            if part.code is None:
                part.kill()
        assert self._witness.stdin
        assert self._witness.stdout
        self._witness.stdin.close()
        self._witness.wait(ENOUGH_SECONDS)
        self._witness.stdout.close()
        if self.database != "sqlite":
            # Dropping waits for a checkpoint; the server goes as a whole in the end.
            self.stage.server.cut(self.name)
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self, job: str, **order: Any) -> Part:
        """A process of the application does that job (`tests.chaos.worker`)."""
        settings = {**WAYS[self._way](*self.ports), **self._more, **order.pop("settings", {})}
        order = {"home": str(self.home), "database": self.url, "without": self.without, "kind": self._kind, **order}
        order["constants"] = {**self._constants, **order.get("constants", {})}
        started = self.stage.nursery.order(job=job, log=str(self.home / "log"), settings=settings, **order)
        part = Part(self, started["pid"])
        self._parts.append(part)
        return part

    def run(self, job: str, **order: Any) -> None:
        """The same, and it has ended well."""
        code = self.start(job, **order).wait()
        assert code == 0, f"{job} ended with {code}:\n{self.log()}"

    def leases_end(self) -> None:
        """As if a minute had passed: whoever held rows then and is gone has lost them."""
        self.clock.advance(timedelta(seconds=61))

    def drain(self, **order: Any) -> None:
        """Everything that can still leave has left; nothing is under way any more."""
        self.leases_end()
        self.clock.stand_still()
        part = self.start("drain", **order)
        code = part.wait(LONGEST_DRAIN_SECONDS)
        assert code == 0, f"the rest was not sent ({code}):\n{self.log()}"

    def tell(self, **control: Any) -> dict[str, Any]:
        """The witness answers otherwise from now on: mix, delay, retry_after, seed, hold (None: no more)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[0]}/control", json.dumps(control).encode(), method="PUT"
        )
        found: dict[str, Any] = json.loads(urllib.request.urlopen(request, timeout=ENOUGH_SECONDS).read())
        return found

    def heard_out(self) -> None:
        """What processes said that are gone has been read: the witness accepts nothing more of them."""
        self.wait_for(lambda: not self.tell()["others"], "the witness to read what was sent")

    def until(self, accepted: int, seconds: float = ENOUGH_SECONDS) -> None:
        """The witness has accepted so many. Fails after so many seconds."""
        self.wait_for(lambda: self.accepted() >= accepted, f"{accepted} acceptances", seconds)

    def wait_for(self, true: Any, what: str, seconds: float = ENOUGH_SECONDS) -> None:
        """Until that is so. Fails after so many seconds."""
        end = tick() + seconds
        while not true():
            assert tick() < end, f"waited {seconds} seconds for {what}:\n{self.log()}"
            time.sleep(0.01)

    def accepted(self) -> int:
        """How many the witness has accepted so far."""
        return self.record.read_bytes().count(b'"accepted": true') if self.record.exists() else 0

    def audit(self, **more: Any) -> auditor.Audit:
        """What the auditor finds."""
        return auditor.audit(self.url, self.record, **{"rows": self.many, **more})

    def log(self) -> str:
        """The end of what the processes said."""
        path = self.home / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""
