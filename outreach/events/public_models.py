"""The public page of a talk or screening, and who signed up there: names for the door, nothing about health."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Name, Prose, Word, one_of

SIGNUP_STATES = ("coming", "waiting", "cancelled")


class EventPage(Base):
    """Where anybody can sign up for one event. The code is the address; a closed page says so and takes nobody."""

    __tablename__ = "event_page"
    __table_args__ = (UniqueConstraint("code"),)

    event_id: Mapped[int] = mapped_column(
        ForeignKey("event.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    code: Mapped[str] = mapped_column(String(24))
    words: Mapped[Prose] = mapped_column(default="")
    """What the page says about the event, as plain paragraphs."""
    opened_at: Mapped[datetime]
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]


class EventSignup(Base):
    """Somebody who signed up themselves: an enquiry, neither a contact nor an invitation. Deleted 90 days after."""

    __tablename__ = "event_signup"
    __table_args__ = (
        UniqueConstraint("form_key"),
        CheckConstraint(one_of("state", SIGNUP_STATES), name="state"),
        CheckConstraint("party > 0", name="party"),
        CheckConstraint("phone != '' OR email != ''", name="reachable"),
        Index("ix_event_signup_event_id", "event_id", "state", "id"),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    name: Mapped[Name]
    email: Mapped[str] = mapped_column(String(320), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    party: Mapped[int] = mapped_column(default=1)
    """How many come, with this person."""
    state: Mapped[Word]
    form_key: Mapped[str] = mapped_column(String(40))
    """One per form that was shown: pressing twice signs up once."""
    came: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    changed_at: Mapped[datetime]
