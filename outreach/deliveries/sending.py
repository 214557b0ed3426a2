"""Sends what is due: claim, fence, hand over, record. The one module that commits around the network.

One writer loop keeps up to W calls in flight per kind of mail: whenever calls finish, one transaction records them and
fences as many new rows as there are free slots. A crash leaves at most W rows unconfirmed, each of them named.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.exc import OperationalError

from outreach.clock import Clock
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import claiming, clock_guard, composing, fencing, recording
from outreach.deliveries.claiming import LEASE
from outreach.deliveries.composing import Revision
from outreach.deliveries.fencing import Fenced
from outreach.deliveries.house import House, house_of
from outreach.deliveries.message import CalendarPart
from outreach.deliveries.recording import Finished
from outreach.deliveries.transports.protocol import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    NotHandedOver,
    Outcome,
    Permanent,
    Unknown,
)
from outreach.screen import Turn, World

log = logging.getLogger(__name__)

SMALLEST_CLAIM = 20
LARGEST_CLAIM = 1000
TURN_TRIES = 3
"""Each waits as long as a busy database may take (15 seconds): together less than a lease."""
LINGER_SECONDS = 0.02
"""After a call has finished, others that finish within this join its transaction."""
MARGIN_SECONDS = LEASE.total_seconds() - 2 * ANSWER_SECONDS - CONNECT_SECONDS
"""A call that would begin later than this after its fence is not made: its lease could end under way."""


class Door(World, Protocol):
    """What the worker's door opened: the world, its clock and its turns."""

    clock: Clock

    def turn(self, *, write: bool = True) -> AbstractContextManager[Turn]:
        """One committed unit of work."""


Stopping = Callable[[], bool]
Reached = Callable[[str], None]
"""Told at each named point: claimed, fenced, handed-over, recorded. The chaos tests stop the process there."""


@dataclass
class _Flight:
    """One delivery between its fence and its record."""

    row: Any
    started_at: datetime
    until: float
    """By the clock's monotonic seconds: the call must have begun."""
    header: str | None = None
    digest: str | None = None


@dataclass
class _Load:
    """What was claimed in one turn, with everything needed to build it."""

    rows: list[Any]
    house: House
    revisions: dict[int, Revision] = field(default_factory=dict)
    calendars: dict[int, CalendarPart] = field(default_factory=dict)


def send_due(door: Door, *, stopping: Stopping = lambda: False, reached: Reached = lambda point: None) -> int:
    """All that is due, allowed and inside its window now has been handed over once; answers how many were tried.

    Commits by itself. Stopping is asked between hand-overs: calls in flight are finished, nothing else is begun.
    """
    with door.turn() as turn:
        if clock_guard.holds(turn.session, now=turn.now, door=door):
            return 0
        house = house_of(turn.session, now=turn.now, transports=door.transports, settings=door.settings)
        claiming.sweep(turn.session, now=turn.now, house=house)
        kinds = list(claiming.due_kinds(turn.session, now=turn.now))
    total = 0
    # Kinds take turns, the most personal first, so that a newsletter never stands in front of an invitation.
    kinds.sort(key=lambda kind: MESSAGE_KINDS[kind].in_flight)
    while kinds and not stopping():
        for kind in tuple(kinds):
            handled = 0 if stopping() else _send_batch(door, kind, stopping, reached)
            total += handled
            if not handled:
                kinds.remove(kind)
    return total


def _send_batch(door: Door, kind: str, stopping: Stopping, reached: Reached) -> int:
    most = MESSAGE_KINDS[kind].in_flight
    with door.turn() as turn:
        load = _claimed(turn, door, kind, min(max(SMALLEST_CLAIM, 2 * most), LARGEST_CLAIM))
    if not load.rows:
        return 0
    reached("claimed")
    lanes = min(most, door.transports.most_lanes)
    with ThreadPoolExecutor(max_workers=lanes, thread_name_prefix="hand-over") as pool:
        return _Loop(door, load, most, pool, stopping, reached).run()


def _claimed(turn: Turn, door: Door, kind: str, limit: int) -> _Load:
    house = house_of(turn.session, now=turn.now, transports=door.transports, settings=door.settings)
    rows = claiming.claim(turn.session, now=turn.now, kind=kind, limit=limit)
    return _Load(
        rows=rows,
        house=house,
        revisions=composing.revisions_of(turn.session, {row.message_id for row in rows}),
        calendars=composing.calendars_of(turn.session, [row.id for row in rows]),
    )


class _Loop:
    """The writer loop over one claimed load."""

    def __init__(
        self, door: Door, load: _Load, most: int, pool: ThreadPoolExecutor, stopping: Stopping, reached: Reached
    ) -> None:
        self._door, self._load, self._most, self._pool = door, load, most, pool
        self._stopping, self._reached = stopping, reached
        self._waiting = deque(load.rows)
        self._flying: dict[Future[Outcome], _Flight] = {}
        self._renewed = door.clock.monotonic()

    def run(self) -> int:
        """Everything claimed is recorded, or given back when stopping; answers how many were looked at."""
        looked_at = 0
        while self._waiting or self._flying:
            finished = self._collect()
            stopped = self._stopping()
            batch = [] if stopped else self._take(self._most - len(self._flying))
            looked_at += len(batch)
            fenced, now = self._write_down(finished, batch, self._waiting if stopped else ())
            if stopped:
                self._waiting.clear()
            if finished:
                self._reached("recorded")
            self._hand_over([row for row in batch if row.id in fenced.ids], now=now)
        return looked_at

    def _write_down(
        self, finished: Sequence[Finished], batch: Sequence[Any], unwanted: Collection[Any]
    ) -> tuple[Fenced, datetime]:
        """Answers recorded, leases kept, the next rows fenced, unwanted ones given back: one turn.

        What a provider answered is known here only, so a database that is busy for a moment is asked again.
        """
        for tries_left in reversed(range(TURN_TRIES)):
            try:
                with self._door.turn() as turn:
                    recording.record(turn.session, finished, now=turn.now)
                    self._keep_leases(turn)
                    fenced = fencing.fence(turn.session, batch, now=turn.now, house=self._load.house)
                    claiming.give_back(turn.session, list(unwanted), now=turn.now)
                return fenced, turn.now
            except OperationalError:
                if not tries_left:
                    raise
                log.warning("The database is busy; %s answers wait to be written down", len(finished))
        raise AssertionError("unreachable")

    def _collect(self) -> list[Finished]:
        if not self._flying:
            return []
        if len(self._flying) >= self._most or not self._waiting:
            wait(self._flying, return_when=FIRST_COMPLETED)
            wait(self._flying, timeout=LINGER_SECONDS)
        done = [future for future in self._flying if future.done()]
        flights = [(self._flying.pop(future), future.result()) for future in done]
        return [Finished(each.row, each.header, each.digest, outcome, each.started_at) for each, outcome in flights]

    def _take(self, free: int) -> list[Any]:
        return [self._waiting.popleft() for _ in range(min(free, len(self._waiting)))]

    def _keep_leases(self, turn: Turn) -> None:
        """Calls that wait for a lane keep their rows; one that lost its row is not begun any more."""
        elapsed = self._door.clock.monotonic()
        if not self._flying or elapsed - self._renewed < MARGIN_SECONDS / 2:
            return
        self._renewed = elapsed
        mine = fencing.renew(turn.session, [each.row for each in self._flying.values()], now=turn.now)
        for each in self._flying.values():
            each.until = elapsed + MARGIN_SECONDS if each.row.id in mine else elapsed - 1

    def _hand_over(self, rows: Sequence[Any], *, now: datetime) -> None:
        if rows:
            self._reached("fenced")
        until = self._door.clock.monotonic() + MARGIN_SECONDS
        for row in rows:
            flight = _Flight(row, now, until)
            self._flying[self._pool.submit(self._call, flight)] = flight

    def _call(self, flight: _Flight) -> Outcome:
        """Runs in a lane. Nothing here touches the database."""
        row = flight.row
        transport = self._door.transports.get(row.transport)
        if transport is None or self._door.clock.monotonic() > flight.until:
            return NotHandedOver("The worker was too slow to hand it over.")
        try:
            message = composing.compose(
                row,
                self._load.revisions[row.message_id],
                self._load.calendars.get(row.id),
                now=flight.started_at,
                house=self._load.house,
                key=self._door.key,
            )
            flight.header, flight.digest = message.message_id, composing.digest(message)
        except Exception as broken:
            log.exception("Delivery %s could not be put together", row.id)
            return Permanent(f"The message could not be put together ({type(broken).__name__}).")
        try:
            outcome: Outcome = transport.send(message)
        except Exception as broken:
            # A bug in an adapter: what the other side got is not known, so it is not sent again by itself.
            log.exception("The transport failed on delivery %s", row.id)
            return Unknown(f"The transport failed ({type(broken).__name__}).")
        self._reached("handed-over")
        return outcome
