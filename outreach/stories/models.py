"""Stories of clients. The permission to tell one is `contacts.consent.Authorization`, which every room can check."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Name, Prose


class Story(Base):
    """A client's story: its words as they are being agreed on, and the permission that counts for it.

    `authorization_id` is the latest permission; earlier ones stay where they are for six years.
    """

    __tablename__ = "story"
    __table_args__ = (
        Index("ix_story_contact_id", "contact_id"),
        Index("ix_story_authorization_id", "authorization_id", unique=True),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    title: Mapped[Name]
    words: Mapped[Prose]
    authorization_id: Mapped[int | None] = mapped_column(ForeignKey("authorization.id"))
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    """The client said no, or the story is no longer wanted."""
