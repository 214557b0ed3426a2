"""Scenes in which the database is locked, cut off, crashed, full, cut short, restored or copied, or the clock jumps."""

import random
import shutil
import sqlite3
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.chaos.auditor import UNDER_WAY, Audit, Broken, answers, execute, select
from tests.chaos.killing import IN_FLIGHT, _stop_all
from tests.chaos.scene import Scene, Stage, tick
from tests.chaos.steering import port_of, request, stands_still, unsubscribe_paths

ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RECOVERY_SECONDS = 120
CARELESS = {
    "synchronous_commit": "off",
    "wal_writer_delay": "10000ms",
    "wal_writer_flush_after": "1GB",
    "wal_buffers": "64MB",
}
LATER = "UPDATE delivery SET due_at = ?, window_from_at = NULL, window_until_at = NULL"


def locked(stage: Stage, database: str, *, mails: int, seconds: float) -> Audit:
    """Another process holds SQLite's write lock: workers wait, an unsubscribe is answered 200 and takes effect."""
    with stage.scene(database, mails) as scene:
        paths = unsubscribe_paths(scene)[-3:]
        scene.start("web")
        port = port_of(scene)
        scene.tell(delay=0.01)
        worker = scene.start("send")
        scene.until(mails // 4)
        holder = sqlite3.connect(scene.home / "outreach.db", timeout=30, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        told: list[int] = []
        people = [threading.Thread(target=lambda path=path: told.append(_one_click(port, path))) for path in paths]
        for each in people:
            each.start()
        time.sleep(seconds)
        holder.execute("ROLLBACK")
        holder.close()
        for each in people:
            each.join()
        if told != [200] * len(paths):
            raise Broken(f"one-click unsubscribe was answered {told} while the database was locked")
        _stop_all([worker])
        scene.run("call", function="replay_unsubscribes")
        scene.drain()
        stopped = len(select(scene.url, "SELECT DISTINCT address_hash FROM suppression"))
        if stopped != len(paths):
            raise Broken(f"{len(paths)} people unsubscribed, {stopped} are suppressed")
        return scene.audit().must_hold()


def cut_off(stage: Stage, database: str, *, mails: int, cuts: int, crashes: int) -> Audit:
    """PostgreSQL cuts all connections, and crashes (`immediate`) under load: workers come back by themselves."""
    server = stage.server
    with stage.scene(database, mails) as scene:
        running = [scene.start("send") for _ in range(2)]
        for number in range(cuts + crashes):
            scene.until(int(mails * 0.8 * (number + 0.5) / (cuts + crashes)))
            if number < cuts:
                server.cut(scene.name)
            else:
                server.stop("immediate")
                time.sleep(0.2)
                server.start()
            _goes_on(scene)
        _stop_all(running)
        scene.drain()
        return scene.audit(kills=2 * (cuts + crashes), in_flight=IN_FLIGHT).must_hold()


def _goes_on(scene: Scene) -> None:
    """Workers find the database again; what they had claimed is free when its lease ends (the clock is helped)."""
    since, before = tick(), scene.accepted()
    helped = since
    while scene.accepted() == before and _anything_waits(scene):
        if tick() - since > RECOVERY_SECONDS:
            raise Broken(f"work did not go on within {RECOVERY_SECONDS} s:\n{scene.log()}")
        if tick() - helped > 0.5:
            scene.leases_end()
            helped = tick()
        time.sleep(0.02)


def _anything_waits(scene: Scene) -> bool:
    """On a busy machine all may have left before the database was cut."""
    states = ", ".join(f"'{state}'" for state in UNDER_WAY)
    return bool(select(scene.url, f"SELECT 1 FROM delivery WHERE state IN ({states}) LIMIT 1"))  # noqa: S608


def careless_server(stage: Stage, database: str, *, mails: int, crashes: int, keep_file: bool) -> Audit:
    """With synchronous_commit off a crash of the whole machine forgets fences.

    The file beside the database remembers: HOLD, and a person decides. Without it (the control) mail leaves twice.
    """
    try:
        _restart(stage, **CARELESS)
        with stage.scene(database, mails, without="synchronous") as scene:
            scene.tell(delay=0.01)
            for number in range(crashes):
                worker = scene.start("send")
                scene.until(int(mails * 0.9 * (number + 0.5) / crashes))
                worker.kill()
                scene.heard_out()
                stage.server.stop("immediate")
                stage.server.start()
                scene.leases_end()
                if not keep_file:
                    (scene.home / "high-water").unlink()
                    continue
                accepted = scene.accepted()
                scene.run("send", once=True)
                _on_hold(scene, accepted, "a server that lost its last commits")
                scene.run("resume")
            scene.drain()
            return _after_a_person_looked(scene)
    finally:
        _restart(stage)


def full(stage: Stage, database: str, *, mails: int, pages: tuple[int, ...]) -> Audit:
    """SQLite runs full at one write after the other: what was accepted stays known, an unsubscribe still works."""
    with stage.scene(database, mails) as scene:
        paths = unsubscribe_paths(scene)[-len(pages) :]
        for number, more in enumerate(pages):
            scene.leases_end()
            used = select(scene.url, "SELECT page_count FROM pragma_page_count()")[0][0]
            worker = scene.start("send", pages=used + more)
            scene.until(int(mails * 0.1 * (number + 1)), 3) if number < 0 else time.sleep(0.4)
            web = scene.start("web", pages=used)
            status = _one_click(port_of(scene), paths[number])
            if status != 200:
                raise Broken(f"on a full disk one-click unsubscribe was answered {status}")
            web.kill()
            (scene.home / "port").unlink()
            worker.terminate()
            worker.wait()
            if select(scene.url, "PRAGMA integrity_check") != [("ok",)]:
                raise Broken("the database is damaged after a full disk")
        scene.run("call", function="replay_unsubscribes")
        scene.drain()
        stopped = len(select(scene.url, "SELECT DISTINCT address_hash FROM suppression"))
        if stopped != len(pages):
            raise Broken(f"{len(pages)} people unsubscribed on a full disk, {stopped} are suppressed")
        return scene.audit(kills=len(pages), in_flight=IN_FLIGHT).must_hold()


def power_cut(stage: Stage, database: str, *, mails: int, copies: int, started: int) -> Audit:
    """SQLite's WAL cut short or garbled: whole, a prefix of the commits; forgotten fences are noticed: HOLD."""
    chance = random.Random(f"{stage.seed}:wal")
    with stage.scene(database, mails) as scene:
        worker = scene.start("send")
        scene.until(mails // 2)
        worker.kill()
        scene.heard_out()
        kept = scene.home / "kept"
        kept.mkdir()
        for name in ("outreach.db", "outreach.db-wal"):
            shutil.copy(scene.home / name, kept / name)
        whole, accepted = _attempts(scene), scene.accepted()
        for number in range(copies):
            _put_back(scene, kept, chance)
            if select(scene.url, "PRAGMA integrity_check") != [("ok",)]:
                raise Broken("a WAL that was cut short damaged the database")
            found = _attempts(scene)
            if found != whole[: len(found)]:
                raise Broken("what is left is no prefix of the commits")
            if number < started and len(found) < len(whole):
                scene.leases_end()
                scene.run("send", once=True)
                _on_hold(scene, accepted, "a database that lost its last commits")
        _clean(scene, kept)
        scene.drain()
        return scene.audit(kills=1, in_flight=IN_FLIGHT).must_hold()


def old_backup(stage: Stage, database: str, *, mails: int) -> Audit:
    """A copy from mid-run is put in place of the database: HOLD; reconciled by a person, nobody gets it twice."""
    with stage.scene(database, mails) as scene:
        _send_until(scene, mails // 3)
        _copy_database(scene, "old")
        _send_until(scene, mails * 2 // 3)
        _use_copy(scene, "old")
        accepted = scene.accepted()
        scene.leases_end()
        scene.run("send", once=True)
        _on_hold(scene, accepted, "an old backup")
        scene.run("resume")
        scene.drain()
        return _after_a_person_looked(scene)


def clone(stage: Stage, database: str, *, mails: int) -> Audit:
    """A copy of everything is started beside the original: it sends nothing; the original goes on."""
    with stage.scene(database, mails) as scene:
        _send_until(scene, mails // 3)
        beside = scene.home / "beside"
        beside.mkdir()
        for name in ("outreach.db", "outreach.db-wal", "high-water", "clock"):
            if (scene.home / name).exists():
                shutil.copy(scene.home / name, beside / name)
        accepted = scene.accepted()
        scene.run("send", once=True, home=str(beside), database=f"sqlite:///{beside / 'outreach.db'}")
        if scene.accepted() != accepted:
            raise Broken(f"a clone sent {scene.accepted() - accepted} mails")
        scene.drain()
        found = scene.audit().must_hold()
        if found.states != {"sent": mails}:
            raise Broken(f"the original did not go on: {dict(found.states)}")
        return found


def clock_jumps(stage: Stage, database: str, *, mails: int, jumps: tuple[int, ...]) -> Audit:
    """The machine's clock jumps by so many hours under a running worker: HOLD, no duplicate; resumed, all leaves.

    What is planned for 200 days later stays where it is, whatever year the clock says.
    """
    with stage.scene(database, mails) as scene:
        later = (scene.clock.now() + timedelta(days=200)).isoformat(" ")[:26]
        execute(scene.url, f"{LATER} WHERE id > {mails * 9 // 10}", [(later,)])
        worker = scene.start("send")
        scene.tell(delay=0.02)
        for number, hours in enumerate(jumps):
            scene.until(int(mails * 0.8 * (number + 0.5) / len(jumps)))
            scene.clock.jump(timedelta(hours=hours))
            scene.wait_for(lambda: _held(scene), f"HOLD after a jump of {hours} h")
            since = tick()
            scene.wait_for(lambda: stands_still(scene), "what was on the wire at the jump")
            late = sum(each.accepted and each.at > since for each in answers(scene.record))
            if late > IN_FLIGHT:
                raise Broken(f"{late} mails left after a jump of {hours} h")
            # A running worker may see the way back only after the resume, and hold once more.
            _stop_all([worker])
            scene.clock.jump(timedelta(hours=-hours))
            scene.run("resume")
            worker = scene.start("send")
        scene.tell(delay=0)
        _stop_all([worker])
        kept = Counter(select(scene.url, "SELECT state FROM delivery WHERE due_at > '2026-09-01'"))
        if kept != {("scheduled",): mails - mails * 9 // 10}:
            raise Broken(f"of what was planned for later is left {dict(kept)}")
        execute(scene.url, f"UPDATE delivery SET state = 'cancelled' WHERE id > {mails * 9 // 10}")  # noqa: S608
        scene.drain()
        found = scene.audit().must_hold()
        if found.states["sent"] != mails * 9 // 10:
            raise Broken(f"after the jumps the ledger has {dict(found.states)}")
        return found


def _one_click(port: int, path: str) -> int:
    return request(port, "POST", path, ONE_CLICK, **FORM)


def _restart(stage: Stage, **settings: str) -> None:
    stage.server.set(**settings)
    stage.server.stop()
    stage.server.start()


def _after_a_person_looked(scene: Scene) -> Audit:
    """What may have left after the copy was made is unconfirmed as "restored", without an attempt: that is right."""
    found = scene.audit(kills=0)
    right = ("without an ambiguous answer", "no attempt that says why")
    found.broken = [each for each in found.broken if not any(words in each for words in right)]
    return found.must_hold()


def _attempts(scene: Scene) -> list[int]:
    return [row[0] for row in select(scene.url, "SELECT id FROM delivery_attempt ORDER BY id")]


def _put_back(scene: Scene, kept: Path, chance: random.Random) -> None:
    """The kept files, the WAL cut at, or garbled from, a random place."""
    _clean(scene, kept)
    wal = scene.home / "outreach.db-wal"
    raw = bytearray(wal.read_bytes())
    at = chance.randrange(len(raw) // 4, len(raw))
    how = chance.randrange(3)
    if how == 0:
        del raw[at:]
    elif how == 1:
        raw[at : at + 512] = bytes(len(raw[at : at + 512]))
    else:
        raw[at : at + 64] = chance.randbytes(len(raw[at : at + 64]))
    wal.write_bytes(raw)


def _clean(scene: Scene, kept: Path) -> None:
    for path in scene.home.glob("outreach.db*"):
        path.unlink()
    for path in kept.iterdir():
        shutil.copy(path, scene.home / path.name)


def _held(scene: Scene) -> bool:
    return bool(select(scene.url, "SELECT 1 FROM delivery_hold WHERE lifted_at IS NULL AND scope = 'all'"))


def _on_hold(scene: Scene, accepted: int, what: str) -> None:
    if scene.accepted() != accepted:
        raise Broken(f"{what} sent {scene.accepted() - accepted} mails before anybody looked")
    if not _held(scene):
        states = Counter(row[0] for row in select(scene.url, "SELECT state FROM delivery"))
        raise Broken(f"{what} is not on hold: {dict(states)}")


def _send_until(scene: Scene, accepted: int) -> None:
    scene.tell(hold=accepted)
    worker = scene.start("send")
    scene.until(accepted)
    worker.terminate()
    scene.tell(hold=None)
    _stop_all([worker])
    if not answers(scene.record):
        raise Broken("nothing was sent")


def _copy_database(scene: Scene, name: str) -> None:
    if scene.database != "sqlite":
        scene.stage.server.create(f"{scene.name}_{name}", scene.name)
        return
    source = sqlite3.connect(scene.home / "outreach.db")
    copy = sqlite3.connect(scene.home / name)
    source.backup(copy)
    copy.close()
    source.close()


def _use_copy(scene: Scene, name: str) -> None:
    if scene.database != "sqlite":
        scene.stage.server.drop(scene.name)
        scene.stage.server.rename(f"{scene.name}_{name}", scene.name)
        return
    for path in scene.home.glob("outreach.db*"):
        path.unlink()
    (scene.home / name).rename(scene.home / "outreach.db")
