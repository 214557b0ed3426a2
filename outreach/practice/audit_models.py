"""Checks of the record of changes: how far each has come and what it found."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.audit import FAULTS
from outreach.db import Base, Id, one_of


class AuditCheck(Base):
    """One walk over the whole chain, made in turns by a tick; `fault` stays empty when the record is whole."""

    __tablename__ = "audit_check"
    __table_args__ = (
        CheckConstraint(one_of("fault", ("", *FAULTS)), name="fault"),
        # One at a time: whoever asks meanwhile waits for the same answer.
        Index(
            "uq_audit_check_open",
            "open",
            unique=True,
            sqlite_where=text("open"),
            postgresql_where=text("open"),
        ),
    )

    id: Mapped[Id]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int | None]
    """None: the nightly check, which nobody asked for."""
    open: Mapped[bool] = mapped_column(default=True)
    up_to: Mapped[int]
    """How many entries the chain had when it was asked for."""
    number: Mapped[int] = mapped_column(default=0)
    """The last entry that fitted."""
    seal: Mapped[str] = mapped_column(String(64))
    finished_at: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(String(20), default="")
    fault_number: Mapped[int | None]
