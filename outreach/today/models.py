"""What a day's list remembers: who was put off, what was done, and the draw of the day."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, one_of
from outreach.today.rules import ACTIONS, MOST_A_WEEK


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
    """Everybody's list together, whoever looks after the contacts."""
    by_person: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """{person id: contact ids}: the list of each person who has contacts of their own."""
    made_at: Mapped[datetime]


class DayHabit(Base):
    """What a person chose about their days; without a row the defaults of `today.habits.habits` hold."""

    __tablename__ = "day_habit"
    __table_args__ = (CheckConstraint(f"week_goal BETWEEN 0 AND {MOST_A_WEEK}", name="week_goal"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    week_goal: Mapped[int]
    """Touches a week: the budget that Today suggests within."""
    digest: Mapped[bool]
    """Whether the Monday digest comes by email."""
    morning: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether the plan of the day comes by email on weekday mornings that hold something."""
    set_at: Mapped[datetime]
