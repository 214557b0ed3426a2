"""What the practice decided to do about a reason why referrals are lost."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Word


class LossFix(Base):
    """The fix that was chosen for a reason or barrier, for one source, one payer, or everybody."""

    __tablename__ = "loss_fix"
    __table_args__ = (Index("ix_loss_fix_cause", "cause"),)

    id: Mapped[Id]
    cause: Mapped[Word]
    """A close reason or a barrier of `referrals.rules`."""
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    payer_id: Mapped[int | None] = mapped_column(ForeignKey("payer.id", ondelete="CASCADE"))
    what: Mapped[Line]
    chosen_on: Mapped[date]
    ended_on: Mapped[date | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
