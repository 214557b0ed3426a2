"""What one touch adds, as last reckoned from finished hold-outs: one row for each sort of touch."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import CheckConstraint, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.db import Base, Id


class TouchLift(Base):
    """One sort of touch on one local day. Reports reckon it each night, Today orders by it.

    *Units*: `lift` is a share of what a contact sends in 90 days (0.05 is 5 % more); `told` is the share of it that the
    practice's own numbers say (0-1), the rest is the assumption.
    """

    __tablename__ = "touch_lift"
    __table_args__ = (CheckConstraint("told BETWEEN 0 AND 1", name="told"),)

    id: Mapped[Id]
    touch: Mapped[str] = mapped_column(String(20), unique=True)
    lift: Mapped[float]
    told: Mapped[float]
    people: Mapped[int]
    """In finished hold-outs with this sort of touch, those held out included."""
    campaigns: Mapped[int]
    referrals: Mapped[int]
    """What these people sent in their 90 days."""
    as_of_on: Mapped[date]
    reckoned_at: Mapped[datetime]


def touch_lifts(session: Session) -> Mapping[str, TouchLift]:
    """{sort of touch: what was last reckoned}; empty before the first night."""
    return {row.touch: row for row in session.scalars(select(TouchLift))}
