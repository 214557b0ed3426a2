"""Scenes with a difficult provider, a difficult list, or a way out that is taken away."""

from collections import Counter
from datetime import datetime

from tests.chaos.auditor import Audit, Broken, answers, column_names, execute, select
from tests.chaos.faults import FAULTS
from tests.chaos.scene import Scene, Stage

RETRY_AFTER = 90
SHORT_TIMES = {"ANSWER_SECONDS": 1.0, "CONNECT_SECONDS": 1.0}


def stormy(stage: Stage, database: str, *, mails: int, mix: str, way: str = "http") -> Audit:
    """429, 503, 500, slow, reset and cut answers: unconfirmed are exactly the ambiguous ones, and waits are kept."""
    with stage.scene(database, mails, mix=mix, way=way) as scene:
        scene.tell(retry_after=RETRY_AFTER)
        scene.drain()
        found = scene.audit(kills=0).must_hold()
        if way == "http":
            _waits_were_kept(scene)
        return found


def odd_answers(stage: Stage, database: str, *, mails: int) -> Audit:
    """HTML instead of JSON, a captive portal, cut lines, lies about Retry-After: clear states, nothing lost."""
    with stage.scene(database, mails, mix="odd") as scene:
        scene.drain()
        found = scene.audit(kills=0).must_hold()
        odd = set(found.states) - {"sent", "unconfirmed", "failed"}
        if odd:
            raise Broken(f"odd answers left rows {odd}")
        return found


def hanging(stage: Stage, database: str) -> Audit:
    """A provider that takes the mail and never answers: given up in time, unconfirmed, never sent again."""
    with stage.scene(database, 8, mix="hang") as scene:
        scene.run("send", once=True, constants=SHORT_TIMES)
        found = scene.audit(kills=0).must_hold()
        if found.states != {"unconfirmed": 8}:
            raise Broken(f"after a provider that hangs: {dict(found.states)}")
        return found


def unverified_sender(stage: Stage, database: str, *, mails: int) -> Audit:
    """403: the way out is paused with the provider's words, all mail waits; resumed, everything leaves once."""
    with stage.scene(database, mails, mix="forbidden") as scene:
        scene.run("send", once=True)
        paused = select(scene.url, "SELECT paused_why FROM transport_state WHERE paused_at IS NOT NULL")
        waiting = Counter(row[0] for row in select(scene.url, "SELECT state FROM delivery"))
        if not paused or "403" not in paused[0][0] or waiting != {"scheduled": mails}:
            raise Broken(f"after 403: paused {paused}, ledger {dict(waiting)}: {scene.log()}")
        if len(answers(scene.record)) > 2 * 8:
            raise Broken(f"{len(answers(scene.record))} requests went to an account that is refused")
        scene.tell(mix="none")
        scene.run("call", function="resume_way", arguments=["sendgrid"])
        scene.drain()
        return _all_sent(scene, mails)


def way_removed(stage: Stage, database: str, *, mails: int) -> Audit:
    """The way out that mail was planned for is gone: it is held with that reason, and leaves when one is there."""
    with stage.scene(database, mails) as scene:
        gone = {"sendgrid_api_key": None, "smtp_url": None}
        scene.run("send", once=True, settings=gone)
        held = Counter(select(scene.url, "SELECT state, reason FROM delivery"))
        if held != {("held", "no-transport"): mails} or scene.accepted():
            raise Broken(f"without its way out the ledger has {dict(held)}")
        scene.leases_end()
        scene.run("call", function="release_held")
        scene.drain()
        return _all_sent(scene, mails)


def one_address(stage: Stage, database: str, *, copies: int, without: str | None = None) -> Audit:
    """A list with one address many times, put by three planners at once: that mailbox gets one mail."""
    with stage.scene(database, 8, without=without) as scene:
        scene.run("call", function="add_copies", arguments=[copies, "shared@crowd.example"])
        planners = [scene.start("put_again") for _ in range(3)]
        codes = [each.wait() for each in planners]
        if any(codes):
            raise Broken(f"planners at once ended with {codes}:\n{scene.log()}")
        if _careless_copy(scene) != (without == "unique"):
            raise Broken("a second row of the same step " + ("was refused" if without else "came in"))
        scene.drain()
        found = scene.audit(rows=8 + copies).must_hold()
        if found.states["duplicate-address"] != copies - 1:
            raise Broken(f"{copies} copies of one address became {dict(found.states)}")
        return found


def _careless_copy(scene: Scene) -> bool:
    """Whether the ledger takes a second row of a step for the same person: a planner that asks nobody."""
    columns = ", ".join(name for name in column_names(scene.url, "delivery") if name != "id")
    try:
        execute(scene.url, f"INSERT INTO delivery ({columns}) SELECT {columns} FROM delivery WHERE id = 1")  # noqa: S608
    except Exception as refused:
        if type(refused).__name__ not in ("IntegrityError", "UniqueViolation"):
            raise
        return False
    return True


def _waits_were_kept(scene: Scene) -> None:
    """No attempt begins earlier after a "busy" than the provider asked for."""
    busy = {(each.id, each.number) for each in answers(scene.record) if FAULTS[each.fault].name == "busy"}
    rows = select(
        scene.url,
        "SELECT a.delivery_id, a.number, a.finished_at, b.started_at FROM delivery_attempt a JOIN delivery_attempt b"
        " ON b.delivery_id = a.delivery_id AND b.number = a.number + 1 WHERE a.outcome = 'refused-for-now'",
    )
    early = [row for row in rows if (row[0], row[1]) in busy and _seconds(row[2], row[3]) < RETRY_AFTER - 1]
    if early:
        raise Broken(f"{len(early)} were tried again before Retry-After: {early[:3]}")


def _seconds(before: object, after: object) -> float:
    early, late = (datetime.fromisoformat(str(each)) for each in (before, after))
    return (late - early).total_seconds()


def _all_sent(scene: Scene, mails: int) -> Audit:
    found = scene.audit().must_hold()
    if found.states != {"sent": mails}:
        raise Broken(f"in the end the ledger has {dict(found.states)}")
    return found
