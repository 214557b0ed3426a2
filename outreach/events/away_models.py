"""Who is away, who stands in, and what went over to them for that time."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Word, one_of

LENT_KINDS = ("task", "event")


class Absence(Base):
    """Somebody is away on these local days, both included. Planned until it has begun, over once it is ended."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("from_on <= until_on", name="order"),
        CheckConstraint("person_id <> colleague_id", name="two"),
        Index(
            "ix_absence_open",
            "from_on",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_absence_person_id", "person_id"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    colleague_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    from_on: Mapped[date]
    until_on: Mapped[date]
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When what was lent came back; without `started_at` it was called off before it began."""


class Lent(Base):
    """A task or an event that belongs to the colleague for the time of an absence."""

    __tablename__ = "lent"
    __table_args__ = (CheckConstraint(one_of("kind", LENT_KINDS), name="kind"),)

    absence_id: Mapped[int] = mapped_column(ForeignKey("absence.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Word] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
