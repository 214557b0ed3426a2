"""What other rooms may see of a contact's yield: its standing. The rooms where food is chosen may not import this."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base

PRIORITY_SCALE = 1000
"""Deliveries carry whole numbers: expected referrals in thousandths."""


class Standing(Base):
    """The result of the last scoring of one contact; written by referrals.scoring only."""

    __tablename__ = "standing"
    __table_args__ = (
        CheckConstraint("tier IS NULL OR tier IN ('A', 'B', 'C')", name="tier"),
        CheckConstraint("evidence IN ('prior only', 'early', 'full')", name="evidence"),
        Index("ix_standing_expected_90", "expected_90", "contact_id"),
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    expected_90: Mapped[float]
    """Expected referrals that start care in the next 90 days."""
    p_active: Mapped[float | None]
    """None with fewer than two referrals: never shown then."""
    rank_pct: Mapped[float]
    """Percentile within the kind, 0 to 100, 100 the best; 0 while the evidence is "prior only"."""
    tier: Mapped[str | None] = mapped_column(String(1))
    evidence: Mapped[str] = mapped_column(String(12))
    as_of_on: Mapped[date]


def priority(expected_90: float | None) -> int:
    """The order in which a delivery is served: higher first; nobody is below zero. A half is rounded up."""
    return int((expected_90 or 0.0) * PRIORITY_SCALE + 0.5)


def standing_of(session: Session, contact_id: int) -> Standing | None:
    """The contact's standing, or None before the first scoring."""
    return session.get(Standing, contact_id)
