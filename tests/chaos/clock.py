"""A clock that all processes of one scene share through a small file: it runs faster than life and can be moved.

`advance` moves wall time and elapsed time together, as if the scene had waited; `jump` moves wall time alone, as a
wrong machine clock would. So leases, retries and provider waits need no patched constants.
"""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from outreach.clock import SystemClock

LAYOUT = struct.Struct("dddddd")
MACHINE = SystemClock()


class SharedClock:
    """Satisfies `outreach.clock.Clock`."""

    def __init__(self, path: Path) -> None:
        """The file was made by `create`."""
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), LAYOUT.size)

    @classmethod
    def create(cls, path: Path, start: datetime, *, speed: float = 20.0) -> "SharedClock":
        """The clock stands at `start` now and runs `speed` times as fast as the machine."""
        at = (MACHINE.monotonic(), start.timestamp(), speed, 0.0, 0.0, 0.0)
        path.write_bytes(LAYOUT.pack(*at))
        return cls(path)

    def now(self) -> datetime:
        """The scene's instant, aware, in UTC."""
        since, start, speed, moved, jumped, _ = LAYOUT.unpack(self._map[:])
        return datetime.fromtimestamp(start + (MACHINE.monotonic() - since) * speed + moved + jumped, UTC)

    def monotonic(self) -> float:
        """Seconds of the scene that never run backwards."""
        since, _, speed, moved, _, before = LAYOUT.unpack(self._map[:])
        return before + (MACHINE.monotonic() - since) * speed + moved

    def stand_still(self) -> None:
        """From now on only `advance` and `jump` move it. For scenes in which one process is left."""
        since, start, speed, moved, jumped, before = LAYOUT.unpack(self._map[:])
        machine = MACHINE.monotonic()
        run = (machine - since) * speed
        self._map[:] = LAYOUT.pack(machine, start + run, 0.0, moved, jumped, before + run)

    def advance(self, by: timedelta) -> None:
        """As if the scene had waited so long."""
        self._change(3, by)

    def jump(self, by: timedelta) -> None:
        """Only the wall clock moves."""
        self._change(4, by)

    def _change(self, which: int, by: timedelta) -> None:
        values = list(LAYOUT.unpack(self._map[:]))
        values[which] += by.total_seconds()
        self._map[:] = LAYOUT.pack(*values)
