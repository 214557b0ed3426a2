"""Scenes in which workers die, freeze, are asked to stop, or are started too often."""

import random
import signal
import time
from collections import Counter
from typing import Any

from tests.chaos.auditor import Audit, Broken, answers, execute, select
from tests.chaos.scene import Part, Scene, Stage, tick

W = {"drip": 8, "newsletter": 500}
"""Architecture 9.4: what one crash may leave unconfirmed."""
IN_FLIGHT = W["drip"]
"""All scenes but one send this kind of mail."""
POINTS = ("claimed", "fenced", "before-request", "answered", "before-commit", "recorded")
NOT_SLOWED = {"SLOWEST": 64.0}
"""A way that says "busy" to one mail in twenty would be slowed to one mail in three seconds: here at most to 64 a
second, so that the kills fall on a busy system. The scenes of tests.chaos.providers keep the real brake."""
LONGEST_WAIT = 1.5
"""A kill comes at latest so many seconds after the one before: a stalled run is killed as well."""
ANNOUNCED_AGAIN = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args) VALUES
    ('outreach', 'work', 0, '{"work": "send"}'), ('outreach', 'work', 0, '{"work": "what nobody knows"}')
"""
SLOTS = "SELECT job, slot_at FROM job_run ORDER BY job, slot_at"
SECONDS_TO_STOP = 22
"""The provider's timeout and two seconds (reliability F3)."""


def random_kills(
    stage: Stage, database: str, *, mails: int, kills: int, way: str = "http", kind: str = "drip", workers: int = 3
) -> Audit:
    """`kill -9` of a random worker at a random moment, again and again while mail is on its way, with 10 % faults.

    Newsletters go as many people in one request (SendGrid) and have a larger W.
    """
    chance = random.Random(f"{stage.seed}:kills:{database}")
    with stage.scene(database, mails, mix="ten", way=way, kind=kind, constants=NOT_SLOWED) as scene:
        running = [scene.start("send") for _ in range(workers)]
        for number in range(kills):
            _next_moment(scene, chance, mails * 0.95 * (number + chance.random()) / kills)
            victim = chance.randrange(workers)
            running[victim].kill()
            running[victim] = scene.start("send")
        _stop_all(running)
        scene.drain()
        return scene.audit(kills=kills, in_flight=W[kind]).must_hold()


def at_every_point(
    stage: Stage, database: str, *, mails: int, rounds: int = 1, points: tuple[str, ...] = POINTS, **more: str
) -> Audit:
    """`kill -9` at each named point; the rows are in exactly the states that the point allows."""
    with stage.scene(database, mails, **more) as scene:
        for turn in range(rounds):
            for point in points:
                scene.leases_end()
                code = scene.start("send", point=point, nth=1 + turn % 3).wait()
                if code != -signal.SIGKILL:
                    raise Broken(f"the worker never reached {point!r} (exit {code}):\n{scene.log()}")
                if "without" not in more:
                    _as_drawn(scene, point, first=turn % 3 == 0)
        scene.drain()
        return scene.audit(kills=rounds * len(points), in_flight=IN_FLIGHT).must_hold()


def asked_to_stop(stage: Stage, database: str, *, mails: int, times: int) -> Audit:
    """SIGTERM under load: calls in flight are finished, nothing is unconfirmed, the worker ends in time."""
    with stage.scene(database, mails) as scene:
        scene.tell(delay=0.03)
        for number in range(times):
            part = scene.start("send")
            scene.until(int(mails * 0.8 * (number + 1) / times))
            part.terminate()
            since = tick()
            code = part.wait(SECONDS_TO_STOP)
            left = Counter(row[0] for row in select(scene.url, "SELECT state FROM delivery"))
            if code or left["claimed"] or left["sending"] or left["unconfirmed"]:
                raise Broken(f"after SIGTERM ({tick() - since:.1f} s, exit {code}) the ledger has {dict(left)}")
        scene.drain()
        return scene.audit(kills=0).must_hold()


def frozen(stage: Stage, database: str, *, mails: int, rounds: int = 1) -> Audit:
    """Workers frozen at three points beyond their lease; what they write late is refused by its token."""
    return [_frozen(stage, database, mails) for _ in range(rounds)][-1]


def _frozen(stage: Stage, database: str, mails: int) -> Audit:
    with stage.scene(database, mails) as scene:
        points = ("claimed", "fenced", "answered")
        asleep = [scene.start("send", point=point, signal=signal.SIGSTOP) for point in points]
        for part in asleep:
            scene.wait_for(part.is_frozen, "a worker to freeze")
        scene.leases_end()
        scene.run("send", once=True)
        before = _unconfirmed(scene)
        for part in asleep:
            part.thaw()
        time.sleep(0.3)
        _stop_all(asleep)
        settled = before - _unconfirmed(scene)
        # A late "accepted" ends a doubt, and nothing else that is written late changes anything.
        if not before or settled - {each.id for each in answers(scene.record) if each.accepted}:
            raise Broken(f"late writes changed rows that were given up: {sorted(settled)}")
        scene.drain()
        return scene.audit(kills=2, in_flight=IN_FLIGHT).must_hold()


def late_write(stage: Stage, database: str, *, without: str | None = None) -> Audit:
    """A worker wakes with an old "come back later" while another sends the same rows on an operator's word."""
    with stage.scene(database, IN_FLIGHT, mix="busy", without=without) as scene:
        late = scene.start("send", point="answered", nth=IN_FLIGHT, signal=signal.SIGSTOP)
        scene.wait_for(late.is_frozen, "a worker to freeze")
        scene.leases_end()
        scene.run("send", once=True, without=None)
        scene.run("call", function="send_again", without=None)
        scene.tell(mix="none", delay=0.6)
        other = scene.start("send")
        scene.until(IN_FLIGHT // 2)
        late.thaw()
        time.sleep(0.9)
        _stop_all([late, other])
        scene.tell(delay=0)
        scene.drain()
        return scene.audit().must_hold()


def too_many_workers(stage: Stage, database: str, *, mails: int, seconds: float, workers: int = 4) -> Audit:
    """Four `outreach worker` at once, one of them killed: one row per slot, no slot missing, nobody gets it twice."""
    with stage.scene(database, mails, speed=1, today=True) as scene:
        running = [scene.start("service", every=1.0) for _ in range(workers)]
        scene.until(1)
        time.sleep(seconds)
        running[0].kill()
        before = set(select(scene.url, SLOTS))
        scene.wait_for(lambda: _no_slot_missing(scene, before), "slots without a gap after a worker died")
        _stop_all(running[1:])
        slots = select(scene.url, SLOTS)
        if len(slots) != len(set(slots)):
            raise Broken("a slot was won twice")
        scene.drain()
        return scene.audit(kills=1, in_flight=IN_FLIGHT).must_hold()


def engine_faults(stage: Stage, database: str, *, mails: int, rounds: int) -> Audit:
    """Two spread workers whose announcements are deleted, or come twice, in mid-run: the ledger alone counts."""
    with stage.scene(database, mails, speed=1, today=True) as scene:
        scene.tell(delay=0.02)
        running = [scene.start("service", every=1.0) for _ in range(2)]
        for number in range(rounds):
            scene.until(int(mails * 0.8 * (number + 0.5) / rounds))
            execute(scene.url, "UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE status = 'todo'")
            if number % 2:
                execute(scene.url, "DELETE FROM procrastinate_jobs")
            else:
                for _ in range(3):
                    execute(scene.url, ANNOUNCED_AGAIN)
        scene.until(mails)
        _stop_all(running)
        scene.drain()
        return scene.audit().must_hold()


def _no_slot_missing(scene: Scene, before: set[tuple[Any, ...]]) -> bool:
    """Whether each job has won slots second after second since; a busy machine may miss some, and then goes on so."""
    slots = select(scene.url, SLOTS)
    won = {job: [_second(at) for name, at in slots if name == job and (name, at) not in before] for job, _ in slots}
    return all(any(third - first == 2 for first, third in zip(at, at[2:], strict=False)) for at in won.values())


def _second(slot_at: object) -> int:
    at = str(slot_at)
    return int(at[11:13]) * 3600 + int(at[14:16]) * 60 + int(at[17:19])


def _next_moment(scene: Scene, chance: random.Random, accepted: float) -> None:
    end = tick() + LONGEST_WAIT * (0.5 + chance.random())
    while scene.accepted() < accepted and tick() < end:
        time.sleep(0.005)


def _stop_all(parts: list[Part]) -> None:
    for part in parts:
        part.terminate()
    codes = [part.wait() for part in parts]
    if any(codes):
        raise Broken(f"workers that were asked to stop ended with {codes}")


def _unconfirmed(scene: Scene) -> set[int]:
    return {row[0] for row in select(scene.url, "SELECT id FROM delivery WHERE state = 'unconfirmed'")}


def _as_drawn(scene: Scene, point: str, *, first: bool) -> None:
    """The table of reliability F2: what the ledger and the witness may show right after a death at this point."""
    states = Counter(row[0] for row in select(scene.url, "SELECT state FROM delivery"))
    sending = {row[0] for row in select(scene.url, "SELECT id FROM delivery WHERE state = 'sending'")}
    found = scene.audit(finished=False)
    if len(sending) > IN_FLIGHT:
        raise Broken(f"killed at {point}: {len(sending)} rows were under way, W is {IN_FLIGHT}")
    if point == "claimed" and first and (sending or not states["claimed"]):
        raise Broken(f"killed at {point}: {dict(states)}")
    if point in ("fenced", "before-request", "answered", "before-commit") and not sending:
        raise Broken(f"killed at {point}, but nothing was under way: {dict(states)}")
    if found.duplicates or found.never_accepted:
        raise Broken(f"killed at {point}: {found.broken}")
