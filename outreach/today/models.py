"""What a day's list remembers: who was put off, what was done, and the draw of the day."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, one_of
from outreach.today.rules import ACTIONS


class Snooze(Base):
    """A contact put off by a person: until a day, or (without one) until they refer again."""

    __tablename__ = "snooze"
    __table_args__ = (Index("ix_snooze_contact_id", "contact_id"),)

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    until_on: Mapped[date | None]
    made_at: Mapped[datetime]


class DayDone(Base):
    """A contact of the list was reached (or had been): once a day each."""

    __tablename__ = "day_done"
    __table_args__ = (
        UniqueConstraint("on", "contact_id"),
        CheckConstraint(one_of("action", ACTIONS), name="action"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    on: Mapped[date]
    action: Mapped[str] = mapped_column(String(20))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"))
    """The duty that this closed; undoing opens it again."""
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"))
    """The follow-up that was promised then."""


class DayPlan(Base):
    """The list of a local day as last made: its draw, so that it can be made again, and its people, for the count."""

    __tablename__ = "day_plan"

    on: Mapped[date] = mapped_column(primary_key=True)
    seed: Mapped[int]
    contact_ids: Mapped[list[int]]
    made_at: Mapped[datetime]
