"""Scenes in which people stop mail in mid-run: recipients unsubscribe, a coordinator pauses, webhooks storm."""

import base64
import http.client
import json
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.chaos import auditor
from tests.chaos.auditor import Audit, Broken, answers, select
from tests.chaos.killing import IN_FLIGHT, _stop_all
from tests.chaos.scene import Scene, Stage, tick

WORKERS = 3
SECONDS_AT_MOST = 20
"""Reliability F6 and F7: nothing is accepted later than this after the commit."""
SUPPRESS = (
    "INSERT INTO suppression (address_hash, topic, reason, source, since_at)"
    " VALUES (?, 'all', 'unsubscribed', 'page', ?)"
)
ON_THE_WIRE_SECONDS = 10
"""So long a busy machine may take to bring a request that was begun to the witness."""
FACTS = ("processed", "deferred", "delivered", "open", "bounce", "spamreport")
LATEST = {"processed": 1, "deferred": 1, "delivered": 2, "open": 2, "bounce": 3, "spamreport": 4}
STATE_OF = {1: "sent", 2: "delivered", 3: "bounced", 4: "complained"}


def unsubscribed_in_mid_run(
    stage: Stage, database: str, *, mails: int, people: int, moments: int, without: str | None = None
) -> Audit:
    """People stop mail at random moments: at most what was on the wire at that instant is accepted afterwards."""
    chance = random.Random(f"{stage.seed}:unsubscribed:{database}")
    with stage.scene(database, mails, without=without) as scene:
        # Without the rule all goes on: nothing leaves, however slow this process is, before the one stop is written.
        scene.tell(delay=60 if without else 0.02)
        rows = select(scene.url, "SELECT email, address_hash FROM delivery ORDER BY id")
        stopping = chance.sample(rows, people)
        running = [scene.start("send") for _ in range(WORKERS)]
        stopped: dict[str, float] = {}
        for number in range(moments):
            scene.until(int((mails - people) * 0.8 * number / moments) + 1)
            batch = stopping[number::moments]
            auditor.execute(
                scene.url, SUPPRESS, [(hashed, scene.clock.now().isoformat(" ")[:26]) for _, hashed in batch]
            )
            stopped.update({email: tick() for email, _ in batch})
        scene.tell(delay=0)
        _stop_all(running)
        scene.drain()
        _nobody_after(scene, stopped)
        return scene.audit(in_flight=IN_FLIGHT).must_hold()


def paused_in_mid_run(stage: Stage, database: str, *, mails: int, times: int) -> Audit:
    """`outreach pause` in mid-run: only what was on the wire is accepted afterwards; on resume nothing is missing."""
    with stage.scene(database, mails) as scene:
        scene.tell(delay=0.02)
        running = [scene.start("send") for _ in range(WORKERS)]
        for number in range(times):
            scene.until(int(mails * 0.7 * (number + 1) / times))
            scene.run("pause")
            since = tick()
            scene.wait_for(lambda: stands_still(scene), "what was on the wire at the pause", SECONDS_AT_MOST)
            late = [each for each in answers(scene.record) if each.at > since and each.accepted]
            if len(late) > WORKERS * IN_FLIGHT or any(each.at > since + SECONDS_AT_MOST for each in late):
                raise Broken(f"{len(late)} mails were accepted after the pause")
            scene.run("resume")
        scene.tell(delay=0)
        _stop_all(running)
        scene.drain()
        found = scene.audit().must_hold()
        if found.states != {"sent": mails}:
            raise Broken(f"after the last resume the ledger has {dict(found.states)}")
        return found


def stands_still(scene: Scene) -> bool:
    """Nothing was accepted for a while."""
    before = scene.accepted()
    time.sleep(0.3)
    return scene.accepted() == before


def webhook_storm(stage: Stage, database: str, *, mails: int, copies: int) -> Audit:
    """Events of all mails, repeated, shuffled, some forged, some of nobody, posted by four clients at once."""
    chance = random.Random(f"{stage.seed}:webhooks:{database}")
    key = ec.generate_private_key(ec.SECP256R1())
    shown = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with stage.scene(database, mails, mix="ten") as scene:
        scene.drain()
        accepted = {each.id: each.to for each in answers(scene.record) if each.accepted}
        events, wanted = _events(chance, accepted)
        storm = [each for each in events for _ in range(copies)]
        chance.shuffle(storm)
        posts = [json.dumps(storm[start : start + 40]).encode() for start in range(0, len(storm), 40)]
        scene.start("web", settings={"sendgrid_webhook_key": base64.b64encode(shown).decode()})
        port = port_of(scene)
        refused = _post(port, b'[{"event":"spamreport","sg_event_id":"forged","om_mid":"1"}]', signature="AAAA")
        told = _post_all(port, posts, key)
        if refused != 403 or set(told) != {204}:
            raise Broken(f"webhooks were answered {refused} (forged) and {Counter(told)}")
        scene.run("call", function="apply_all_receipts")
        _states_are(scene, wanted)
        return scene.audit().must_hold() if not wanted else _without_doubts(scene)


def port_of(scene: Scene) -> int:
    """Where the pages of the scene answer."""
    path = scene.home / "port"
    scene.wait_for(path.exists, "the pages")
    return int(path.read_text())


def request(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """One request to the pages of the scene; answers the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _nobody_after(scene: Scene, stopped: dict[str, float]) -> None:
    late = [each for each in answers(scene.record) if each.accepted and each.at > stopped.get(each.to, float("inf"))]
    per_moment = Counter(stopped[each.to] for each in late)
    worst = max(per_moment.values(), default=0)
    longest = max((each.at - stopped[each.to] for each in late), default=0.0)
    if worst > WORKERS * IN_FLIGHT or longest > SECONDS_AT_MOST:
        raise Broken(f"{len(late)} were accepted after their stop (up to {worst} at once, {longest:.1f} s later)")
    # What was on the wire ends within the witness's own delay; anything later was begun after the stop.
    begun_later = [each for each in late if each.at > stopped[each.to] + ON_THE_WIRE_SECONDS]
    if begun_later:
        raise Broken(f"{len(begun_later)} were begun after their stop")
    states = dict(select(scene.url, "SELECT email, state FROM delivery"))
    accepted = {each.to for each in answers(scene.record) if each.accepted}
    wrong = {email for email in stopped if email not in accepted and states[email] != "suppressed"}
    if wrong:
        raise Broken(f"{len(wrong)} stopped and not sent, but not shown as suppressed")
    if len(late) > len(stopped) // 2:
        raise Broken(f"{len(late)} of {len(stopped)} were accepted after their stop")


def _events(chance: random.Random, accepted: dict[int, str]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Random facts of each mail, and the state that the strongest of them means."""
    events: list[dict[str, Any]] = []
    wanted = {}
    for delivery, email in accepted.items():
        names = chance.sample(FACTS, chance.randint(1, len(FACTS)))
        wanted[delivery] = STATE_OF[max(LATEST[name] for name in names)]
        events += [_event(delivery, email, name) for name in names]
    events += [_event(10**6 + number, f"nobody{number}@crowd.example", "delivered") for number in range(5)]
    return events, wanted


def _event(delivery: int, email: str, name: str) -> dict[str, Any]:
    more = {"type": "bounce", "status": "5.1.1", "reason": "no such user"} if name == "bounce" else {}
    seen = {"sg_event_id": f"{delivery}-{name}", "event": name, "email": email, "timestamp": 1772463600}
    return {**seen, "om_mid": str(delivery), "sg_message_id": f"w{delivery}.filter", **more}


def _post(port: int, body: bytes, *, signature: str, timestamp: str = "1772463600") -> int:
    headers = {"X-Twilio-Email-Event-Webhook-Signature": signature}
    headers |= {"X-Twilio-Email-Event-Webhook-Timestamp": timestamp, "Content-Type": "application/json"}
    return request(port, "POST", "/hooks/sendgrid", body, **headers)


def _post_all(port: int, posts: list[bytes], key: ec.EllipticCurvePrivateKey) -> list[int]:
    told: list[int] = []

    def client(mine: list[bytes]) -> None:
        for body in mine:
            signature = base64.b64encode(key.sign(b"1772463600" + body, ec.ECDSA(hashes.SHA256()))).decode()
            status = _post(port, body, signature=signature)
            while status == 503:  # as the provider does: once more, later
                time.sleep(0.1)
                status = _post(port, body, signature=signature)
            told.append(status)

    clients = [threading.Thread(target=client, args=(posts[number::4],)) for number in range(4)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    return told


def _states_are(scene: Scene, wanted: dict[int, str]) -> None:
    states = dict(select(scene.url, "SELECT id, state FROM delivery"))
    wrong = {key: (states[key], state) for key, state in wanted.items() if states[key] != state}
    if wrong:
        raise Broken(f"after the storm (is, should be): {dict(list(wrong.items())[:8])}")
    stopped = {row[0] for row in select(scene.url, "SELECT address_hash FROM suppression WHERE lifted_at IS NULL")}
    hashes_of = dict(select(scene.url, "SELECT id, address_hash FROM delivery"))
    free = {
        key for key, state in wanted.items() if state in ("bounced", "complained") and hashes_of[key] not in stopped
    }
    if free:
        raise Broken(f"{len(free)} bounced or complained and are not suppressed")


def _without_doubts(scene: Scene) -> Audit:
    """Events settle what was unconfirmed, so only twice and lost are asked."""
    found = scene.audit()
    found.broken = [each for each in found.broken if "ambiguous" not in each]
    return found.must_hold()


def unsubscribe_paths(scene: Scene) -> list[str]:
    """The one-click path of each person in the crowd, as their mail would hold it."""
    scene.run("call", function="write_unsubscribe_paths")
    return Path(scene.home / "paths").read_text().split()
