"""What is owed after a referral, as dates: that a report went out and when, never what it says."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Word, one_of

DUTY_KINDS = ("acknowledge", "evaluation-report", "plan-of-care", "discharge-report")


class ReferralDuty(Base):
    """One thing owed to the source of one referral, with its last day. Closed when done, or dropped with its cause."""

    __tablename__ = "referral_duty"
    __table_args__ = (
        CheckConstraint(one_of("kind", DUTY_KINDS), name="kind"),
        CheckConstraint("dropped_at IS NULL OR done_on IS NULL", name="one_end"),
        UniqueConstraint("referral_id", "kind"),
        Index(
            "ix_referral_duty_open_due_on",
            "due_on",
            "id",
            sqlite_where=text("done_on IS NULL AND dropped_at IS NULL"),
            postgresql_where=text("done_on IS NULL AND dropped_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    referral_id: Mapped[int] = mapped_column(ForeignKey("referral.id", ondelete="CASCADE"))
    kind: Mapped[Word]
    due_on: Mapped[date]
    done_on: Mapped[date | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    dropped_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ThanksRule(Base):
    """What starts when a referral comes in. One row; without it the first referral of a source starts a task."""

    __tablename__ = "thanks_rule"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[Id]
    task_on_first: Mapped[bool] = mapped_column(default=True)
    """A task to thank for the first referral ever of a source."""
    task_on_every: Mapped[bool] = mapped_column(default=False)
    by_campaign: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A live campaign thanks, and no task is made."""
    within_hours: Mapped[int] = mapped_column(default=48)
