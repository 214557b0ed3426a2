"""The lanes to the ways out: fenced rows are put together and handed over in groups. No database here."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from outreach.clock import Clock
from outreach.deliveries.claiming import LEASE
from outreach.deliveries.house import House
from outreach.deliveries.mail import composing
from outreach.deliveries.mail.composing import Revision
from outreach.deliveries.mail.message import CalendarPart, OutgoingMessage
from outreach.deliveries.recording import Finished
from outreach.deliveries.transports.protocol import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    NOT_BEGUN,
    NotHandedOver,
    Outcome,
    Permanent,
    Transport,
    Unknown,
)

log = logging.getLogger(__name__)

MARGIN_SECONDS = LEASE.total_seconds() - 2 * ANSWER_SECONDS - CONNECT_SECONDS
"""A message that would begin later than this after its fence (or the last renewal) is not begun: its lease could end
under way."""
ASK_SECONDS = 0.05
GROUPS_IN_FLIGHT = 4
"""At least so many groups share W, so that one can be recorded and the next fenced while others are under way."""


class Door(Protocol):
    """What the lanes need of the worker's world."""

    key: bytes
    transports: Any
    clock: Clock


@dataclass
class Chunk:
    """Rows that one call of a way out hands over, between their fence and their record."""

    transport: str
    rows: list[Any]
    started_at: datetime
    until: float
    """By the clock's monotonic seconds: a message must have begun."""
    outcomes: list[Outcome] = field(default_factory=list)
    marks: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Message-ID and hash, of each row."""

    def finished(self) -> Iterator[Finished]:
        """Each row with its answer."""
        for row, outcome, (header, digest) in zip(self.rows, self.outcomes, self.marks, strict=True):
            yield Finished(row, header, digest, outcome, self.started_at)

    def renew(self, elapsed: float, mine: frozenset[int]) -> None:
        """Its leases were prolonged; when one of its rows is lost, nothing more of it is begun."""
        kept = all(row.id in mine for row in self.rows)
        self.until = elapsed + MARGIN_SECONDS if kept else elapsed - 1


class Lanes:
    """As many threads per way out as it takes calls at once."""

    def __init__(self, door: Door, stopping: Callable[[], bool], reached: Callable[[str], None]) -> None:
        """Threads begin when they are needed."""
        self._door, self._stopping, self._reached = door, stopping, reached
        self._asked_at, self._stopped = -ASK_SECONDS, False
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._busy: dict[str, list[Future[None]]] = defaultdict(list)

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every call under way has ended."""
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def hand_over(
        self,
        rows: Sequence[Any],
        *,
        most: int,
        revisions: Mapping[int, Revision],
        calendars: Mapping[int, CalendarPart],
        now: datetime,
        house: House,
    ) -> dict[Future[None], Chunk]:
        """The rows are on their way in groups, at most `most` (W) in all."""
        by_way: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_way[row.transport].append(row)
        until = self._door.clock.monotonic() + MARGIN_SECONDS
        flying = {}
        for name, chosen in by_way.items():
            transport = self._door.transports.get(name)
            pool = self._pool(name, transport.lanes if transport else 1)
            for group in _groups(chosen, self._size(name, transport, chosen, most)):
                chunk = Chunk(name, group, now, until)
                future = pool.submit(self._call, chunk, transport, revisions, calendars, house)
                flying[future] = chunk
                self._busy[name].append(future)
        return flying

    def _size(self, name: str, transport: Transport | None, rows: Sequence[Any], most: int) -> int:
        """How many go into one call: what the way takes, a share of W, and no more than keeps every lane busy."""
        if transport is None:
            return len(rows)
        self._busy[name] = [future for future in self._busy[name] if not future.done()]
        idle = max(transport.lanes - len(self._busy[name]), 1)
        at_once = max(transport.at_once(rows[0].kind), 1)
        return max(1, min(at_once, most // GROUPS_IN_FLIGHT, -(-len(rows) // idle)))

    def _pool(self, name: str, lanes: int) -> ThreadPoolExecutor:
        if name not in self._pools:
            self._pools[name] = ThreadPoolExecutor(max_workers=lanes, thread_name_prefix=f"hand-over-{name}")
        return self._pools[name]

    def _call(
        self,
        chunk: Chunk,
        transport: Transport | None,
        revisions: Mapping[int, Revision],
        calendars: Mapping[int, CalendarPart],
        house: House,
    ) -> None:
        """Runs in a lane."""
        messages, places = [], []
        chunk.marks = [(None, None)] * len(chunk.rows)
        chunk.outcomes = [NOT_BEGUN if transport else NotHandedOver("This way out is not set up any more.")] * len(
            chunk.rows
        )
        if transport is None or not self._goes_on(chunk):
            return
        composers: dict[Any, composing.Compose] = {}
        for place, row in enumerate(chunk.rows):
            try:
                like = composing.likeness(row)
                if like not in composers:
                    revision = revisions[row.message_id]
                    composers[like] = composing.composer(
                        row, revision, now=chunk.started_at, house=house, key=self._door.key
                    )
                message = composers[like](row, calendars.get(row.id))
                chunk.marks[place] = message.message_id, composing.digest(message)
            except Exception as broken:
                log.exception("Delivery %s could not be put together", row.id)
                chunk.outcomes[place] = Permanent(f"The message could not be put together ({type(broken).__name__}).")
            else:
                messages.append(message)
                places.append(place)
        if messages:
            for place, outcome in zip(places, self._answers(chunk, transport, messages), strict=True):
                chunk.outcomes[place] = outcome

    def _answers(self, chunk: Chunk, transport: Transport, messages: Sequence[OutgoingMessage]) -> list[Outcome]:
        self._reached("before-request")
        try:
            outcomes = transport.send_many(messages, go_on=lambda: self._goes_on(chunk))
        except Exception as broken:
            # A bug in an adapter: what the other side got is not known, so it is not sent again by itself.
            log.exception("The transport %s failed", chunk.transport)
            return [Unknown(f"The transport failed ({type(broken).__name__}).")] * len(messages)
        self._reached("answered")
        self._reached("handed-over")
        if len(outcomes) != len(messages):
            log.error("The transport %s answered %s of %s", chunk.transport, len(outcomes), len(messages))
            return [Unknown("The transport did not answer for each message.")] * len(messages)
        return outcomes

    def _goes_on(self, chunk: Chunk) -> bool:
        elapsed = self._door.clock.monotonic()
        if elapsed > chunk.until or self._stopped:
            return False
        # Asking may look at the disk: not for every mail. A clock that stands still (in tests) asks every time.
        if elapsed == self._asked_at or elapsed >= self._asked_at + ASK_SECONDS:
            self._asked_at = elapsed
            self._stopped = self._stopping()
        return not self._stopped


def _groups(rows: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Groups of at most `size`, none with one address twice."""
    left = list(rows)
    while left:
        group: list[Any] = []
        rest: list[Any] = []
        seen: set[str] = set()
        for place, row in enumerate(left):
            address = row.email.lower()
            if len(group) == size:
                rest.extend(left[place:])
                break
            if address in seen:
                rest.append(row)
            else:
                seen.add(address)
                group.append(row)
        yield group
        left = rest
