"""Cards and links that are passed on, how often they were used, and the people who asked to be called."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Name, Word, one_of

WAYS = ("link", "paper")
"""By the link in an email, or by the code on a card or sheet (typed or as a QR code)."""
STATES = ("new", "reached", "closed")
OUTCOMES = ("booked", "not-now", "not-reached", "not-a-fit", "mistake")
BEST_TIMES = ("any", "morning", "midday", "afternoon", "evening")


class FriendCard(Base):
    """What somebody passes on: their own link and card, or one of the practice (without a person), for a place."""

    __tablename__ = "friend_card"
    __table_args__ = (
        UniqueConstraint("contact_id"),
        UniqueConstraint("code"),
        CheckConstraint("contact_id IS NOT NULL OR title != ''", name="whose"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    title: Mapped[Name] = mapped_column(default="")
    """Where a card of the practice lies: "Front desk"; "" for a person's own."""
    code: Mapped[str] = mapped_column(String(12))
    """What is typed from paper: eight letters and digits that cannot be mistaken for one another."""
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    """Since when it leads nowhere any more."""


class FriendUse(Base):
    """How often a card's page was looked at on one local day: by people, and by programs that open every link."""

    __tablename__ = "friend_use"
    __table_args__ = (CheckConstraint(one_of("way", WAYS), name="way"),)

    card_id: Mapped[int] = mapped_column(ForeignKey("friend_card.id", ondelete="CASCADE"), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    way: Mapped[Word] = mapped_column(primary_key=True)
    opened: Mapped[int] = mapped_column(default=0)
    by_machine: Mapped[int] = mapped_column(default=0)


class Enquiry(Base):
    """A person who asked to be called, in their own words. Neither a contact nor a referral (architecture 9.9).

    Deleted 90 days after closing. Holds no health history: there is no field for it.
    """

    __tablename__ = "enquiry"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint(f"outcome IS NULL OR {one_of('outcome', OUTCOMES)}", name="outcome"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="closed_how"),
        CheckConstraint("phone != '' OR email != ''", name="reachable"),
        UniqueConstraint("form_key"),
        Index(
            "ix_enquiry_open",
            "at",
            "id",
            sqlite_where=text("state != 'closed'"),
            postgresql_where=text("state != 'closed'"),
        ),
        Index("ix_enquiry_closed_at", "closed_at"),
        Index("ix_enquiry_card_id", "card_id"),
        Index("ix_enquiry_advocate_id", "advocate_id"),
    )

    id: Mapped[Id]
    card_id: Mapped[int | None] = mapped_column(ForeignKey("friend_card.id", ondelete="SET NULL"))
    advocate_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"))
    """Who passed the card on; never named on the page."""
    way: Mapped[Word]
    name: Mapped[Name]
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    best_time: Mapped[Word] = mapped_column(default="any")
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id"))
    form_key: Mapped[str] = mapped_column(String(40))
    """One per form that was shown and what it said: pressing twice asks once."""
    state: Mapped[Word] = mapped_column(default="new")
    outcome: Mapped[str | None] = mapped_column(String(20))
    at: Mapped[datetime]
    reached_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
