"""Who did what: acts of people, written in the same turn as the act, later sealed into a hash chain."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base, Id

GENESIS = "0" * 64


class AuditEntry(Base):
    """One act of one person. Rows are never changed, except that the seal is filled in once."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject_type", "subject_id"),)

    id: Mapped[Id]
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    """The signed-in person; None for somebody outside who used a link."""
    action: Mapped[str] = mapped_column(String(60))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seal: Mapped[str | None] = mapped_column(String(64), unique=True)


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
    """Entries not sealed yet are chained to the one before; answers how many. Idempotent."""
    last = session.scalar(
        select(AuditEntry.seal).where(AuditEntry.seal.is_not(None)).order_by(AuditEntry.id.desc()).limit(1)
    )
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.seal.is_(None)).order_by(AuditEntry.id).limit(limit)
    ).all()
    for entry in entries:
        last = entry.seal = _chained(last or GENESIS, entry)
    return len(entries)


def first_broken(session: Session) -> int | None:
    """The id of the first sealed entry that does not fit its chain, or None when the log is whole."""
    before = GENESIS
    rows = session.scalars(select(AuditEntry).where(AuditEntry.seal.is_not(None)).order_by(AuditEntry.id))
    for entry in rows.yield_per(1000):
        if entry.seal != _chained(before, entry):
            return entry.id
        before = entry.seal
    return None


def _chained(before: str, entry: AuditEntry) -> str:
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
