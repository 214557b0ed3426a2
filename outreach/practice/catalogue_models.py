"""What is told of a service beside its own row: figures of how clients did, and what changed and is not told yet."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Word, one_of

CHANGES = ("added", "changed", "retired", "back")
FEWEST_PEOPLE = 11
"""A figure over ten people or fewer may point to one of them: CMS publishes no cell smaller than eleven."""


class ServiceOutcome(Base):
    """One figure over many clients, entered by the practice with its source, period and number of people."""

    __tablename__ = "service_outcome"
    __table_args__ = (
        CheckConstraint(f"people >= {FEWEST_PEOPLE}", name="people"),
        CheckConstraint("until_on >= from_on", name="period"),
        Index("ix_service_outcome_service_id", "service_id"),
    )

    id: Mapped[Id]
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    finding: Mapped[Line]
    """As it is told: "87% could climb stairs without pain at discharge"."""
    source: Mapped[Line]
    from_on: Mapped[date]
    until_on: Mapped[date]
    people: Mapped[int]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class ServiceChange(Base):
    """Something about a service that readers do not know yet, until a draft tells it."""

    __tablename__ = "service_change"
    __table_args__ = (
        CheckConstraint(one_of("what", CHANGES), name="what"),
        Index("ix_service_change_told_at", "told_at"),
        Index("ix_service_change_service_id", "service_id"),
    )

    id: Mapped[Id]
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    what: Mapped[Word]
    parts: Mapped[list[str]] = mapped_column(default=list)
    """Labels of the fields that changed: ["Ages", "Locations"]."""
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    told_at: Mapped[datetime | None]
