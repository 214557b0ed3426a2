"""A person stops mail, or starts it again: always by their own action, at once, queued mail included.

Pressing "unsubscribe" anywhere (page, mail program, reply address) stops everything; single topics are chosen on the
preferences page. Nobody should have to unsubscribe twice.
"""

import logging
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.clock import Clock
from outreach.config import Settings
from outreach.contacts import consent
from outreach.contacts.consent import EVERYTHING, TOPICS
from outreach.contacts.models import Contact
from outreach.deliveries import links, spooling
from outreach.deliveries.models import Delivery
from outreach.screen import Turn

log = logging.getLogger(__name__)


class Door(Protocol):
    """What opens turns."""

    clock: Clock

    @property
    def settings(self) -> Settings:
        """Where the spool lies."""

    def turn(self, *, write: bool = True, quick: bool = False) -> AbstractContextManager[Turn]:
        """One committed unit of work."""


BUSY = (DBAPIError, PoolTimeout)
"""What a database raises that is locked, away or full."""


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


def stop_soon(door: Door, *, token: str, number: str, source: str, at_once: bool = True) -> bool:
    """All mail to whoever holds this link is stopped, or kept on disk to be stopped within a minute; False when nobody
    holds it.

    A database that is busy is not waited for longer than 1.5 seconds. `at_once=False` keeps it on disk in any case.
    Errors: OSError when the database is busy and the disk takes nothing either, or (`at_once=False`) when nobody can
    look the link up and the disk holds a flood of such wishes: the person must be asked to try again.
    """
    if at_once:
        with suppress(*BUSY), door.turn(quick=True) as turn:
            who = recipient(turn.session, "unsubscribe", token, number)
            if who is not None:
                stop_all(turn.session, who, now=turn.now, source=source)
            return who is not None
    # Reading works while somebody else writes: what nobody holds need not be kept.
    looked_up = False
    with suppress(*BUSY), door.turn(write=False) as turn:
        who = recipient(turn.session, "unsubscribe", token, number)
        if who is None:
            return False
        if who == recipient(turn.session, "unsubscribe", token):
            # The number names no other address of theirs: however it is altered, it is one wish.
            number = ""
        looked_up = True
    if not at_once and not looked_up and spooling.is_flooded(door.settings.home):
        raise OSError("Too many unsubscribes whose links nobody can look up")
    spooling.spool(door.settings.home, now=door.clock.now(), token=token, number=number, source=source)
    return True


def replay_spooled(door: Door) -> int:
    """What was spooled while the database was busy has been carried out and committed; answers how many were genuine.

    Idempotent. A file that cannot be read now stays for the next time; one that is garbage is put aside. A wish that
    fails stays too, and holds up no other.
    """
    return sum(_replayed(door, wishes) for wishes in spooling.batches(door.settings.home))


def _replayed(door: Door, wishes: Mapping[Path, spooling.Wish]) -> int:
    try:
        with door.turn() as turn:
            done = sum(_carried_out(turn, wish) for wish in wishes.values())
    except OperationalError:
        # The database is away or busy: not worth two hundred looks.
        raise
    except Exception:
        if len(wishes) == 1:
            log.exception("An unsubscribe that was kept on disk cannot be carried out; it stays there")
            return 0
        return sum(_replayed(door, {path: wish}) for path, wish in wishes.items())
    spooling.forget(wishes)
    return done


def _carried_out(turn: Turn, wish: spooling.Wish) -> bool:
    who = recipient(turn.session, "unsubscribe", wish.token, wish.number)
    if who is not None:
        stop_all(turn.session, who, now=turn.now, source=wish.source)
    return who is not None


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
