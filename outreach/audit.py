"""Who did what: acts of people, written in the same turn as the act, later sealed into a hash chain.

The chain has its own numbers, given when an entry is sealed: on PostgreSQL an entry with a lower id may be committed
after one with a higher id. The head of the chain is kept apart, so that a chain cut at its end is noticed too.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base, Id

log = logging.getLogger(__name__)

GENESIS = "0" * 64
BATCH = 5_000
"""Entries that are read at a time while the chain is checked."""
FAULTS = {
    "altered": "does not fit the one before: it was changed after it was written",
    "missing": "is gone",
    "cut": "is gone, and with it the end of the record",
}


class AuditEntry(Base):
    """One act of one person. Rows are never changed, except that seal and number are filled in once."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject_type", "subject_id"),
        Index("ix_audit_entry_actor_id", "actor_id", "id"),
        Index("ix_audit_entry_action", "action", "id"),
        Index("ix_audit_entry_at", "at"),
        Index("uq_audit_entry_number", "number", unique=True),
    )

    id: Mapped[Id]
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    """The signed-in person; None for somebody outside who used a link."""
    action: Mapped[str] = mapped_column(String(60))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seal: Mapped[str | None] = mapped_column(String(64), unique=True)
    number: Mapped[int | None]
    """Its place in the chain, from 1 on without a gap; None until it is sealed."""


class AuditHead(Base):
    """The last entry of the chain, kept apart from it. `id` is always 1."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[Id]
    number: Mapped[int]
    seal: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime]


@dataclass(frozen=True)
class Fault:
    """The first place where the chain does not hold. `kind`: one of FAULTS."""

    number: int
    kind: str
    entry_id: int | None = None

    @property
    def said(self) -> str:
        """In words, to follow "Something was altered."."""
        return f"Entry {self.number} {FAULTS[self.kind]}."


@dataclass
class Walk:
    """How far a check has come: the last number that fitted, and its seal."""

    number: int = 0
    seal: str = GENESIS
    fault: Fault | None = None


def record(
    session: Session,
    *,
    now: datetime,
    actor_id: int | None,
    action: str,
    subject_type: str,
    subject_id: int | None = None,
    **facts: Any,
) -> None:
    """The act is in the log once the turn commits. `facts` hold ids, counts and words, never names or addresses."""
    session.add(
        AuditEntry(
            at=now,
            actor_id=actor_id,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            facts=facts,
        )
    )


def seal(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Entries not sealed yet are chained to the head; answers how many. Idempotent.

    The head, not the last row, is what a new entry is chained to: rows taken from the end leave a gap for good.
    """
    head = session.get(AuditHead, 1, with_for_update=True)
    if head is None:
        last = _number_old_ones(session)
        head = AuditHead(id=1, number=last.number, seal=last.seal, sealed_at=now)
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.seal.is_(None)).order_by(AuditEntry.id).limit(limit)
    ).all()
    for entry in entries:
        entry.number, entry.seal = head.number + 1, chained(head.seal, entry)
        head.number, head.seal, head.sealed_at = entry.number, entry.seal, now
    if entries or head.number:
        session.add(head)
    if entries:
        # Outside the database too: who rewrites all of it does not reach the log.
        log.info("The record of changes is sealed up to entry %d: %s", head.number, head.seal)
    return len(entries)


def first_fault(session: Session) -> Fault | None:
    """The first place where the sealed chain does not hold, or None when the record is whole. Reads all of it."""
    walk = Walk()
    while walk.fault is None and step(session, walk, limit=BATCH):
        session.expunge_all()
    return walk.fault or cut(session, walk)


def first_broken(session: Session) -> int | None:
    """The number of the first sealed entry that was altered or is gone, or None when the record is whole."""
    fault = first_fault(session)
    return fault.number if fault else None


def step(session: Session, walk: Walk, *, limit: int) -> int:
    """The walk goes on by at most so many entries, or stops at a fault; answers how many were read."""
    rows = session.scalars(
        select(AuditEntry).where(AuditEntry.number > walk.number).order_by(AuditEntry.number).limit(limit)
    ).all()
    follow(walk, rows)
    return len(rows)


def follow(walk: Walk, entries: Iterable[AuditEntry]) -> None:
    """The walk over these entries, in the order of their numbers. Pure."""
    for entry in entries:
        if entry.number != walk.number + 1:
            walk.fault = Fault(walk.number + 1, "missing")
        elif entry.seal != chained(walk.seal, entry):
            walk.fault = Fault(entry.number, "altered", entry.id)
        if walk.fault:
            return
        walk.number, walk.seal = entry.number or 0, entry.seal or ""


def cut(session: Session, walk: Walk) -> Fault | None:
    """What a finished walk lacks at its end: the head knows of more entries than there are, or of others."""
    head = session.get(AuditHead, 1, populate_existing=True)
    if head is None:
        return Fault(walk.number + 1, "cut") if walk.number else _unnumbered(session)
    if head.number > walk.number:
        return Fault(walk.number + 1, "cut")
    return None if head.number < walk.number or head.seal == walk.seal else Fault(head.number, "altered")


def chained(before: str, entry: AuditEntry) -> str:
    """The seal of an entry that stands after the seal `before`: SHA-256 of both, in hexadecimal."""
    text = json.dumps(
        [
            before,
            entry.id,
            entry.at.isoformat(),
            entry.actor_id,
            entry.action,
            entry.subject_type,
            entry.subject_id,
            entry.facts,
        ],
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _number_old_ones(session: Session) -> Walk:
    """Entries sealed before there were numbers get theirs, in the order in which they were chained then: by id."""
    last = session.scalar(select(func.max(AuditEntry.number))) or 0
    walk = Walk(last, session.scalar(select(AuditEntry.seal).where(AuditEntry.number == last)) or GENESIS)
    old = select(AuditEntry).where(AuditEntry.seal.is_not(None), AuditEntry.number.is_(None))
    for entry in session.scalars(old.order_by(AuditEntry.id)):
        entry.number = walk.number + 1
        walk.number, walk.seal = entry.number, entry.seal or GENESIS
    session.flush()
    return walk


def _unnumbered(session: Session) -> Fault | None:
    """Before the first tick of this program the old chain is checked by id, as it was made."""
    walk = Walk()
    rows = session.scalars(select(AuditEntry).where(AuditEntry.seal.is_not(None)).order_by(AuditEntry.id))
    for entry in rows.yield_per(BATCH):
        if entry.seal != chained(walk.seal, entry):
            return Fault(walk.number + 1, "altered", entry.id)
        walk.number, walk.seal = walk.number + 1, entry.seal
    return None
