"""How long a relationship of each tier may go without a word from us."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, one_of

TIERS = ("A", "B", "C", "none")
"""The tiers of the standing; "none" are the contacts whose evidence is too thin for one."""
DEFAULT_DAYS: dict[str, int | None] = {"A": 30, "B": 60, "C": 120, "none": None}
"""Until the practice says otherwise: monthly, every two months, three times a year, and no target."""
LONGEST_DAYS = 730


class TierInterval(Base):
    """What the practice chose for a tier; None is no target."""

    __tablename__ = "tier_interval"
    __table_args__ = (
        CheckConstraint(one_of("tier", TIERS), name="tier"),
        CheckConstraint("days IS NULL OR days BETWEEN 1 AND 730", name="days"),
    )

    tier: Mapped[str] = mapped_column(String(10), primary_key=True)
    days: Mapped[int | None]
    changed_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
