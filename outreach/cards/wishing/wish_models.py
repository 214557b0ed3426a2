"""How somebody wants cards, on which occasions not at all."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from outreach.cards.rules import WISHES
from outreach.db import Base, Word, one_of


class CardWish(Base):
    """What is known of one contact's wishes; nothing is known where there is no row."""

    __tablename__ = "card_wish"
    __table_args__ = (CheckConstraint(one_of("way", WISHES), name="way"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    way: Mapped[Word] = mapped_column(default="either")
    not_on: Mapped[list[str]] = mapped_column(default=list)
    """Occasions on which they get none, by key."""
    since_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
