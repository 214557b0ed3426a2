"""What was paid back of an excess, and whom an administrator let come to a meal over their limit."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line


class ValuePayback(Base):
    """Money or goods that a recipient gave back for one calendar year. Never changed: a wrong one is struck out."""

    __tablename__ = "value_payback"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("(struck_at IS NULL) = (struck_why = '')", name="struck"),
        Index("ix_value_payback_year_contact_id", "year", "contact_id"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    year: Mapped[int]
    """The year whose limit was passed."""
    amount_cents: Mapped[int]
    paid_on: Mapped[date]
    how: Mapped[Line]
    """How it came back and where the proof is kept."""
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    struck_at: Mapped[datetime | None]
    struck_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    struck_why: Mapped[Line] = mapped_column(default="")


class LimitPass(Base):
    """An administrator lets one person come to one meal though it would pass their limit, and says why. Kept."""

    __tablename__ = "limit_pass"
    __table_args__ = (
        UniqueConstraint("event_id", "contact_id", name="uq_limit_pass_event_id_contact_id"),
        CheckConstraint("reason != ''", name="reason"),
    )

    id: Mapped[Id]
    event_id: Mapped[int]
    """An event of the room above; no foreign key, for this room knows nothing of events."""
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    reason: Mapped[Line]
    approved_at: Mapped[datetime]
    approved_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
