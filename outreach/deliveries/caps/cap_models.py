"""The practice's own limits of how much mail one person gets."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id

MOST_GAP_DAYS = 90
MOST_PER_QUARTER = 30


class MailLimit(Base):
    """One row, `id` 1, once an administrator chose; without it the defaults of `cap_rules.Limits` hold."""

    __tablename__ = "mail_limit"
    __table_args__ = (
        CheckConstraint("id = 1", name="single"),
        CheckConstraint(f"gap_days BETWEEN 0 AND {MOST_GAP_DAYS}", name="gap_days"),
        CheckConstraint(f"per_quarter BETWEEN 1 AND {MOST_PER_QUARTER}", name="per_quarter"),
    )

    id: Mapped[Id]
    gap_days: Mapped[int]
    per_quarter: Mapped[int]
    with_touches: Mapped[bool]
    changed_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
