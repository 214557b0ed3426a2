"""A person stops mail, or starts it again: always by their own action, at once, queued mail included.

Pressing "unsubscribe" anywhere (page, mail program, reply address) stops everything; single topics are chosen on the
preferences page. Nobody should have to unsubscribe twice.
"""

import json
import os
import secrets
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.config import Settings
from outreach.contacts import consent
from outreach.contacts.consent import EVERYTHING, TOPICS
from outreach.contacts.models import Contact
from outreach.deliveries import links
from outreach.deliveries.models import Delivery
from outreach.screen import Turn


class Door(Protocol):
    """What opens turns."""

    @property
    def settings(self) -> Settings:
        """Where the spool lies."""

    def turn(self) -> AbstractContextManager[Turn]:
        """One committed unit of work."""


SPOOL = "unsubscribe.spool"
"""A folder with one file per wish, so that carrying some out can never sweep away one that comes meanwhile."""


@dataclass(frozen=True)
class Recipient:
    """Who holds a link: the contact and every address that this link may speak for."""

    contact_id: int
    first_name: str
    hashes: tuple[str, ...]


def recipient(session: Session, purpose: str, token: str, number: str = "") -> Recipient | None:
    """Who holds this link, or None when it was never given out. `number` names the message it came with."""
    known = tokens.look_up(session, purpose, token)
    if known is None:
        return None
    contact = session.get(Contact, known.subject_id)
    hashes = _hashes_of(session, known.subject_id, contact)
    delivery_id = links.delivery_id(number)
    sent = session.get(Delivery, delivery_id) if delivery_id is not None else None
    if sent is not None and sent.contact_id == known.subject_id and sent.address_hash:
        # The address it went to, even when the contact has another one by now.
        hashes.append(sent.address_hash)
    return Recipient(known.subject_id, contact.first_name if contact else "", tuple(dict.fromkeys(hashes)))


def stop_all(session: Session, who: Recipient, *, now: datetime, source: str) -> None:
    """No address of this person gets anything more. Idempotent."""
    for hashed in who.hashes:
        consent.suppress(session, now=now, hashed=hashed, reason="unsubscribed", source=source)


def start_again(session: Session, who: Recipient, *, now: datetime) -> None:
    """What this person stopped entirely is lifted by their own action; bounces and complaints stay. Idempotent."""
    for hashed in who.hashes:
        consent.lift(session, now=now, hashed=hashed, topic=EVERYTHING)


def is_stopped(session: Session, who: Recipient) -> bool:
    """Whether every address of this person gets nothing at all; so it is for someone whose data was erased."""
    return all(EVERYTHING in consent.suppressed_topics(session, each) for each in who.hashes)


def wanted_topics(session: Session, who: Recipient) -> set[str]:
    """The topics on which this person gets mail now."""
    stopped = {topic for each in who.hashes for topic in consent.suppressed_topics(session, each)}
    return set() if EVERYTHING in stopped else set(TOPICS) - stopped


def choose(session: Session, who: Recipient, wanted: Collection[str], *, now: datetime) -> None:
    """This person gets exactly these topics, as they chose on their page. Idempotent."""
    before = wanted_topics(session, who)
    chosen = set(wanted) & set(TOPICS)
    if not chosen:
        stop_all(session, who, now=now, source="page")
    else:
        start_again(session, who, now=now)
        for hashed in who.hashes:
            for topic in TOPICS:
                if topic in chosen:
                    consent.lift(session, now=now, hashed=hashed, topic=topic)
                else:
                    consent.suppress(session, now=now, hashed=hashed, reason="unsubscribed", source="page", topic=topic)
    for topic in sorted(chosen ^ before):
        consent.grant(
            session,
            now=now,
            contact_id=who.contact_id,
            source="preferences page",
            topic=topic,
            granted=topic in chosen,
        )


def spool(home: Path, *, now: datetime, token: str, number: str) -> None:
    """The wish is on disk and survives a crash; `replay` carries it out once the database answers again."""
    folder = home / SPOOL
    folder.mkdir(mode=0o700, exist_ok=True)
    name = secrets.token_hex(8)
    with open(os.open(folder / f".{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(json.dumps({"at": now.isoformat(), "token": token, "number": number}).encode())
        file.flush()
        os.fsync(file.fileno())
    (folder / f".{name}").replace(folder / name)
    _sync(folder)


def spooled(home: Path) -> list[Path]:
    """The wishes that wait on disk, each in its file."""
    folder = home / SPOOL
    return sorted(each for each in folder.iterdir() if not each.name.startswith(".")) if folder.is_dir() else []


def replay(session: Session, wishes: Sequence[Path], *, now: datetime) -> int:
    """Each wish is carried out as if it had come now; answers how many were genuine. Idempotent."""
    done = 0
    for wish in map(_read, wishes):
        who = recipient(session, "unsubscribe", wish.get("token", ""), wish.get("number", ""))
        if who is not None:
            stop_all(session, who, now=now, source="one-click")
            done += 1
    return done


def forget_spooled(wishes: Sequence[Path]) -> None:
    """These wishes leave the disk; call it when the turn of `replay` is committed."""
    for each in wishes:
        each.unlink(missing_ok=True)


def replay_spooled(door: Door) -> int:
    """What was spooled while the database was busy has been carried out and committed; answers how many. Idempotent."""
    wishes = spooled(door.settings.home)
    if not wishes:
        return 0
    with door.turn() as turn:
        done = replay(turn.session, wishes, now=turn.now)
    forget_spooled(wishes)
    return done


def _hashes_of(session: Session, contact_id: int, contact: Contact | None) -> list[str]:
    """The contact's own address and that of whom it was merged into."""
    hashes: list[str] = []
    for _ in range(5):
        if contact is None:
            break
        if contact.address_hash:
            hashes.append(contact.address_hash)
        contact = session.get(Contact, contact.merged_into_id) if contact.merged_into_id else None
    if not hashes:
        sent = select(Delivery.address_hash).where(
            Delivery.contact_id == contact_id, Delivery.address_hash.is_not(None)
        )
        hashes.extend(each for each in session.scalars(sent.distinct().limit(5)) if each)
    return hashes


def _read(path: Path) -> dict[str, str]:
    try:
        wish = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError):
        return {}
    return {key: str(value) for key, value in wish.items()} if isinstance(wish, dict) else {}


def _sync(folder: Path) -> None:
    """The name of the file is on disk too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
