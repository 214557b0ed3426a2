"""Sends what is due: claim, fence, hand over, record. The one module that commits around the network.

One writer loop keeps up to W messages under way per kind of mail: whenever calls finish, one transaction records them,
fences as many new rows as there are free places and claims the next. A crash leaves at most W rows unconfirmed.
"""

import logging
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy.exc import OperationalError

from outreach.clock import pause_before_again
from outreach.deliveries import claiming, fencing, merging, recording
from outreach.deliveries.caps import capping
from outreach.deliveries.guards import clock_guard, high_water
from outreach.deliveries.handing import MARGIN_SECONDS, Chunk, Lanes
from outreach.deliveries.house import House, house_of
from outreach.deliveries.mail import composing
from outreach.deliveries.mail.composing import Revision
from outreach.deliveries.mail.message import CalendarPart
from outreach.deliveries.recording import Finished
from outreach.deliveries.ways import throttling
from outreach.screen import Turn, World

log = logging.getLogger(__name__)

SMALLEST_CLAIM = 20
LARGEST_CLAIM = 1000
CANDIDATES = 20_000
"""Asked for at once and claimed in groups: what comes in meanwhile waits for no more than these."""
TURN_TRIES = 3
"""Each waits as long as a busy database may take (15 seconds): together less than a lease."""
LINGER_SECONDS = 0.05
"""After a call has finished, others that finish within this join its transaction."""
FRESH_SECONDS = 30.0
"""So old may be what was asked about all that is due."""
LONGEST_ROUND_SECONDS = 5.0
"""Then the other kinds have their turn, so that a newsletter never stands long in front of an invitation."""


SHORTEST_WAIT = timedelta(milliseconds=200)
"""So long at least waits what a way out does not take now: the loop does not spin for it."""


Stopping = Callable[[], bool]
Reached = Callable[[str], None]
"""Told at each named point, where the chaos tests stop the process: claimed, fenced (both committed), before-request,
answered (nothing recorded yet; also told as handed-over), before-commit, recorded (committed)."""


@dataclass
class _Step:
    """What one turn of the writer did; it counts only once it is committed."""

    now: datetime
    looked_at: list[Any] = field(default_factory=list)
    fenced: list[Any] = field(default_factory=list)
    claimed: list[Any] = field(default_factory=list)
    number: int | None = None
    """The high-water mark that these claims raised."""
    mine: frozenset[int] | None = None


def send_due(door: World, *, stopping: Stopping = lambda: False, reached: Reached = lambda point: None) -> int:
    """All that is due, allowed and inside its window now has been handed over once; answers how many were tried.

    Commits by itself. Stopping is asked before each message: what is under way is finished, nothing else is begun.
    """
    total, done = 0, set[str]()
    lists: dict[str, _Candidates] = {}
    swept = -FRESH_SECONDS
    with Lanes(door, stopping, reached) as lanes:
        while not stopping():
            elapsed = door.clock.monotonic()
            due = _due_kinds(door, without=done, sweep=elapsed >= swept + FRESH_SECONDS)
            swept = elapsed if elapsed >= swept + FRESH_SECONDS else swept
            if not due:
                break
            for kind, most in due:
                ids = lists.setdefault(kind, _Candidates())
                handled = 0 if stopping() else _Loop(door, kind, most, ids, lanes, stopping, reached).run()
                total += handled
                if not handled:
                    done.add(kind)
    return total


@dataclass
class _Candidates:
    """What may be claimed, in its order, as asked a while ago: a hint that saves sorting all that is due each time."""

    ids: deque[tuple[int, str]] = field(default_factory=deque)
    """Each with its way out."""
    ways: frozenset[str] = frozenset()
    there_is_more: bool = False
    """Of what goes by a way that nothing bounds, not all was asked for."""
    asked_at: float | None = None

    def refresh(self, turn: Turn, kind: str, door: World, *, bounded: Collection[str]) -> None:
        """Asked anew when all are claimed, or when it is old: somebody more important may have come."""
        elapsed = door.clock.monotonic()
        if self.asked_at is None or elapsed >= self.asked_at + FRESH_SECONDS:
            self.asked_at, self.ids = elapsed, deque()
            # A clock that jumps in mid-run would make next year's mail due.
            if not clock_guard.holds(turn.session, now=turn.now, door=door):
                self.ids.extend(
                    claiming.waiting(turn.session, now=turn.now, kind=kind, limit=CANDIDATES, bounded=bounded)
                )
            self.ways = frozenset(way for _, way in self.ids)
            self.there_is_more = sum(way not in bounded for _, way in self.ids) >= CANDIDATES

    def next(self, many: int, room: Mapping[str, int]) -> list[int]:
        """The next ids that their ways out have room for: the others keep their place, and nothing is written for them.

        Once there are none, the next look is a new one.
        """
        left, chosen, kept = dict(room), list[int](), list[tuple[int, str]]()
        while self.ids and len(chosen) < many and any(left.get(way, 1) > 0 for way in self.ways):
            row_id, way = self.ids.popleft()
            if left.get(way, 1) > 0:
                chosen.append(row_id)
                left[way] = left.get(way, many + 1) - 1
            else:
                kept.append((row_id, way))
        self.ids.extendleft(reversed(kept))
        if not self.ids or (self.there_is_more and not chosen):
            self.asked_at = None
        return chosen


def _due_kinds(door: World, *, without: Collection[str], sweep: bool) -> list[tuple[str, int]]:
    """Kinds that have their turn now, each with its W, the most personal first; what others left behind is settled."""
    with door.turn() as turn:
        if clock_guard.holds(turn.session, now=turn.now, door=door):
            return []
        most = throttling.in_flight(turn.session)
        if sweep:
            house = house_of(turn.session, now=turn.now, transports=door.transports, settings=door.settings)
            claiming.sweep(turn.session, now=turn.now, house=house)
        kinds = [kind for kind in claiming.due_kinds(turn.session, now=turn.now) if kind not in without]
    return sorted(((kind, most[kind]) for kind in kinds), key=lambda each: each[1])


class _Loop:
    """The writer loop over one kind of mail."""

    def __init__(
        self,
        door: World,
        kind: str,
        most: int,
        candidates: _Candidates,
        lanes: Lanes,
        stopping: Stopping,
        reached: Reached,
    ) -> None:
        self._door, self._kind, self._most, self._lanes = door, kind, most, lanes
        self._candidates, self._dry = candidates, False
        self._stopping, self._reached = stopping, reached
        self._house: House | None = None
        self._revisions: dict[int, Revision] = {}
        self._calendars: dict[int, CalendarPart] = {}
        self._waiting: deque[Any] = deque()
        self._flying: dict[Future[None], Chunk] = {}
        self._begun = self._renewed = door.clock.monotonic()

    def run(self) -> int:
        """What was claimed is recorded, or given back when stopping; answers how many were looked at."""
        looked_at = 0
        while True:
            finished = self._collect()
            stopped = self._stopping()
            step = self._write_down(finished, stopped=stopped, wants_more=not stopped and self._wants_more())
            self._keep(step, stopped=stopped)
            looked_at += len(step.looked_at)
            self._tell(finished, step)
            self._hand_over(step)
            if not (self._flying or self._waiting):
                return looked_at

    def _wants_more(self) -> bool:
        """Enough is claimed ahead that no lane waits for the database, until it is another kind's turn."""
        if self._dry:
            return False
        elapsed = self._door.clock.monotonic() - self._begun
        return len(self._waiting) < self._most and elapsed < LONGEST_ROUND_SECONDS

    def _collect(self) -> list[Finished]:
        if not self._flying:
            return []
        if self._under_way() >= self._most or not self._waiting:
            # Not for ever: leases are kept while a slow server answers.
            wait(self._flying, timeout=MARGIN_SECONDS / 2, return_when=FIRST_COMPLETED)
            wait(self._flying, timeout=LINGER_SECONDS)
        done = [future for future in self._flying if future.done()]
        return [finished for future in done for finished in self._flying.pop(future).finished()]

    def _under_way(self) -> int:
        return sum(len(chunk.rows) for chunk in self._flying.values())

    def _write_down(self, finished: Sequence[Finished], *, stopped: bool, wants_more: bool) -> _Step:
        """Answers recorded, leases kept, the next rows fenced and claimed, unwanted ones given back: one turn.

        What a provider answered is known here only, so a database that is busy for a moment is asked again.
        """
        for tries_made in range(1, TURN_TRIES + 1):
            try:
                with self._door.turn() as turn:
                    step = self._turn(turn, finished, stopped=stopped, wants_more=wants_more)
                    if finished:
                        self._reached("before-commit")
                return step
            except OperationalError:
                if tries_made == TURN_TRIES:
                    raise
                log.warning("The database is busy; %s answers wait to be written down", len(finished))
            pause_before_again(tries_made)
        raise AssertionError("unreachable")

    def _turn(self, turn: Turn, finished: Sequence[Finished], *, stopped: bool, wants_more: bool) -> _Step:
        session, step = turn.session, _Step(turn.now)
        recording.record(session, finished, now=turn.now)
        step.mine = self._kept_leases(turn)
        if stopped:
            claiming.give_back(session, self._waiting, now=turn.now)
            return step
        step.looked_at = list(islice(self._waiting, max(self._most - self._under_way(), 0)))
        if step.looked_at and self._house is not None:
            granted = self._granted(turn, step.looked_at)
            fenced = fencing.fence(session, granted, now=turn.now, house=self._house)
            step.fenced = [row for row in granted if row.id in fenced.ids]
        if wants_more:
            step.claimed = self._claimed(turn, ahead=islice(self._waiting, len(step.looked_at), None))
        if step.fenced:
            # In the fence's own turn: a database that forgets the fence forgets the number with it.
            step.number = high_water.reserve(session, len(step.fenced))
        return step

    def _granted(self, turn: Turn, rows: Sequence[Any]) -> list[Any]:
        """Those that their ways out may take now; the others wait until then."""
        by_way: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_way[row.transport or ""].append(row)
        wanted = {name: len(chosen) for name, chosen in by_way.items()}
        allowed = throttling.take(turn.session, wanted, now=turn.now)
        granted: list[Any] = []
        for name, chosen in by_way.items():
            granted += chosen[: allowed[name]]
            if later := chosen[allowed[name] :]:
                due_at = throttling.next_at(turn.session, name, now=turn.now)
                claiming.give_back(turn.session, later, now=turn.now, due_at=max(due_at, turn.now + SHORTEST_WAIT))
        return granted

    def _claimed(self, turn: Turn, *, ahead: Iterable[Any]) -> list[Any]:
        """The next rows, no more than their ways out take now: those `ahead` have no token yet."""
        limit = min(max(SMALLEST_CLAIM, 2 * self._most), LARGEST_CLAIM)
        session, now = turn.session, turn.now
        room = throttling.room(session, limit, now=now)
        self._candidates.refresh(turn, self._kind, self._door, bounded=room.keys())
        house = house_of(session, now=now, transports=self._door.transports, settings=self._door.settings)
        self._house = house

        def merge(found: Sequence[Any]) -> dict[int, dict[str, str]]:
            unknown = {row.message_id for row in found} - self._revisions.keys()
            self._revisions.update(composing.revisions_of(session, unknown))
            return merging.merged(session, found, self._revisions, now=now, world=self._door, house=house)

        def hold_back(found: Sequence[Any]) -> frozenset[int]:
            return capping.hold_back(session, found, kind=self._kind, now=now, house=house)

        before = Counter(row.transport or "" for row in ahead)
        room = {name: many - before[name] for name, many in room.items()}
        rows: list[Any] = []
        while not rows and (among := self._candidates.next(limit, room)):
            rows = claiming.claim(
                session, now=now, kind=self._kind, limit=limit, among=among, merge=merge, hold_back=hold_back
            )
        # Once all that were asked for are claimed, this round ends: the next asks anew.
        self._dry = not rows or not self._candidates.ids
        self._calendars.update(composing.calendars_of(session, [row.id for row in rows]))
        return rows

    def _kept_leases(self, turn: Turn) -> frozenset[int] | None:
        """Rows that wait stay ours while others are slow; None when it is not time yet."""
        if self._door.clock.monotonic() - self._renewed < MARGIN_SECONDS / 2:
            return None
        held = [row for chunk in self._flying.values() for row in chunk.rows]
        return fencing.renew(turn.session, [*held, *self._waiting], now=turn.now)

    def _keep(self, step: _Step, *, stopped: bool) -> None:
        """The turn is committed: what it did is so."""
        if step.mine is not None:
            self._renewed = self._door.clock.monotonic()
            for chunk in self._flying.values():
                chunk.renew(self._renewed, step.mine)
        for _ in step.looked_at:
            self._waiting.popleft()
        if stopped:
            self._waiting.clear()
        self._waiting.extend(step.claimed)

    def _tell(self, finished: Sequence[Finished], step: _Step) -> None:
        if step.number is not None:
            high_water.write(self._door.settings.home, step.number)
        for point, happened in (("recorded", finished), ("claimed", step.claimed), ("fenced", step.fenced)):
            if happened:
                self._reached(point)

    def _hand_over(self, step: _Step) -> None:
        if step.fenced and self._house is not None:
            self._flying.update(
                self._lanes.hand_over(
                    step.fenced,
                    most=self._most,
                    revisions=self._revisions,
                    calendars=self._calendars,
                    now=step.now,
                    house=self._house,
                )
            )
