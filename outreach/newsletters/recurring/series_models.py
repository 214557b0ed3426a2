"""A newsletter that comes back: how often, for whom, and from what it is drafted."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Name, Word, one_of

RHYTHMS = ("monthly", "every-second-month", "quarterly")
BEGINNINGS = ("last", "layout")


class Series(Base):
    """One recurring newsletter. It drafts its next issue `lead_days` before `next_on`; it never sends by itself."""

    __tablename__ = "newsletter_series"
    __table_args__ = (
        CheckConstraint(one_of("rhythm", RHYTHMS), name="rhythm"),
        CheckConstraint(one_of("begins_with", BEGINNINGS), name="begins_with"),
        CheckConstraint("day BETWEEN 1 AND 28", name="day"),
        CheckConstraint("lead_days BETWEEN 1 AND 28", name="lead_days"),
    )

    id: Mapped[Id]
    name: Mapped[Name]
    rhythm: Mapped[Word] = mapped_column(default="quarterly")
    day: Mapped[int] = mapped_column(default=5)
    """The day of the month on which it is to leave."""
    lead_days: Mapped[int] = mapped_column(default=7)
    begins_with: Mapped[Word] = mapped_column(default="last")
    """The words of the last issue, or those of the layout."""
    layout: Mapped[Word]
    group_ids: Mapped[list[int]] = mapped_column(default=list)
    in_archive: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Whose Today says that a draft waits."""
    next_on: Mapped[date]
    paused_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
