"""A durable PostgreSQL of our own for a benchmark, and the CPU that its processes have used."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from tests import postgres

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Durable:
    """A running server: fsync, synchronous_commit and full_page_writes are on, as they come."""

    server: postgres.Server
    folder: Path

    def copied(self, template: str, name: str) -> str:
        """A fresh copy of a database, and its URL."""
        engine = create_engine(self.server.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
            connection.execute(text("CHECKPOINT"))
        engine.dispose()
        return self.server.url_of(name)

    def cpu(self) -> float:
        """CPU seconds of the server and of all its processes, those that have ended as well."""
        first = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        found = [_times(first, children=True)]
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return sum(found + [_times(int(one), children=False) for one in children])


@contextmanager
def durable() -> Iterator[Durable]:
    """From start to stop. Errors: RuntimeError when this machine has no PostgreSQL programs."""
    url, keeper = postgres.start(owner=os.getpid(), durable=True)
    if url is None or keeper is None:
        raise RuntimeError("There is no PostgreSQL here: install the test requirements, which bring one.")
    folder = Path(re.sub(r".*host=", "", url))
    try:
        yield Durable(postgres.Server(url), folder)
    finally:
        keeper.terminate()
        keeper.wait(30)


def _times(process: int, *, children: bool) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11 : 15 if children else 13]) / TICKS
