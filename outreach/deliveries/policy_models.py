"""What is done about mail of which nobody knows whether it arrived, when nobody decides: per kind of mail."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Word, one_of

WAYS_TO_SETTLE = ("sent", "again", "wait")
MOST_HOURS = 24 * 30


class UnconfirmedPolicy(Base):
    """What an administrator chose for one kind of mail; kinds without a row go by the default."""

    __tablename__ = "unconfirmed_policy"
    __table_args__ = (CheckConstraint(one_of("how", WAYS_TO_SETTLE), name="how"),)

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    how: Mapped[Word]
    changed_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class ReceiptWait(Base):
    """How long a transport's receipts are waited for before the policy speaks."""

    __tablename__ = "receipt_wait"
    __table_args__ = (CheckConstraint(f"hours BETWEEN 1 AND {MOST_HOURS}", name="hours"),)

    transport: Mapped[str] = mapped_column(String(20), primary_key=True)
    hours: Mapped[int]
    changed_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
