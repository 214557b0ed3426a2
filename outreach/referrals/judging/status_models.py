"""What is kept of a source beyond its yield: its status, what its referrals were worth, and the practice's settings."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Word, one_of
from outreach.referrals.judging.status_words import STATUSES

VALUES_OF = ("nothing", "visits", "dollars")
ALERT_SHARES = (0.1, 0.05, 0.02)
"""One ordinary silence in ten, in twenty or in fifty may raise an alert: the three that the study measured."""


class SourceStatus(Base):
    """The one status of a contact that has ever referred; who never did has no row."""

    __tablename__ = "source_status"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        Index("ix_source_status_status", "status", "contact_id"),
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    status: Mapped[Word]
    since_on: Mapped[date]
    """The refresh that first said so."""


class ReferralValue(Base):
    """What one referral brought, in the unit that the practice chose: visits, or dollars. Never what was given."""

    __tablename__ = "referral_value"
    __table_args__ = (CheckConstraint("value >= 0", name="value"),)

    referral_id: Mapped[int] = mapped_column(ForeignKey("referral.id", ondelete="CASCADE"), primary_key=True)
    value: Mapped[float]


class YieldSetting(Base):
    """The practice's choices about its yields; without the row, the defaults of `settings_of` hold."""

    __tablename__ = "yield_setting"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint(one_of("value_of", VALUES_OF), name="value_of"),
        CheckConstraint("alert_share > 0 AND alert_share < 1", name="alert_share"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_share: Mapped[float]
    """The share of ordinary silences that may raise an alert, 0 to 1."""
    value_of: Mapped[Word]
    set_at: Mapped[datetime]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
