"""A sending worker as a process of its own: `python -m tests.deliveries.worker HOME URL MINUTES POINT NTH`.

Its transport is a witness that writes each acceptance to a file, with fsync. At the NTH time that it reaches POINT the
process is gone, as if the power had failed. MINUTES is how far its clock stands after the test's Monday.
"""

import os
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.deliveries import sending
from outreach.deliveries.message import OutgoingMessage
from outreach.deliveries.transports.protocol import Accepted, GoOn, Outcome, one_by_one
from outreach.deliveries.transports.registry import Transports
from outreach.runtime import open_runtime
from tests.conftest import KEY, MONDAY


class Witness:
    """Accepts everything and remembers it on disk, independent of the application's database."""

    name = kind = "memory"
    leaves_nothing = True
    lanes = 4

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, message: OutgoingMessage) -> Accepted:
        """One line per acceptance."""
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{message.delivery_id}\n".encode())
        os.fsync(file)
        os.close(file)
        return Accepted(f"witness-{message.delivery_id}")

    def at_once(self, kind: str) -> int:
        """Each message goes by itself."""
        return 1

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """One after the other."""
        return one_by_one(self, messages, go_on)

    def close(self) -> None:
        """Nothing to give back."""


def main(home: Path, url: str, minutes: int, point: str, nth: int) -> None:
    """Send until nothing is due, or be gone."""
    settings = Settings("test", home, url, KEY, public_url="https://o.cedarlane.example")
    runtime = open_runtime(settings, clock=FrozenClock(MONDAY + timedelta(minutes=minutes)))
    runtime.transports = Transports([Witness(home / "witness")])
    left, lock = [nth], threading.Lock()

    def reached(name: str) -> None:
        with lock:
            if name == point:
                left[0] -= 1
                if left[0] == 0:
                    os._exit(9)

    sending.send_due(runtime, reached=reached)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
