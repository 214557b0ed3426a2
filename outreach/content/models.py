"""Messages as they are sent, what they quote, and the pictures they show."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, deferred, mapped_column

from outreach.content.kinds import MAIL_CLASSES
from outreach.db import Base, Id, Line, Name, Prose, Word, one_of


class Message(Base):
    """One revision of a message, never changed: what a Delivery points at. The same content is the same row."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(one_of("mail_class", MAIL_CLASSES), name="mail_class"),
        Index("ix_message_made_at", "made_at"),
    )

    id: Mapped[Id]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[Word]
    mail_class: Mapped[Word]
    topic: Mapped[str] = mapped_column(String(40), default="")
    audiences: Mapped[list[str]]
    """The audience classes it was written for; details and stories were checked for these."""
    subject: Mapped[Line]
    """As typed, with details: for lists."""
    segments: Mapped[dict[str, Any]]
    """{"subject", "html", "text": segments}; see content.segments."""
    links: Mapped[list[str]]
    """The https addresses in the text, by index: what deliveries may replace with tracked ones."""
    details: Mapped[list[str]]
    groups: Mapped[list[int]]
    draft: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class MessageAuthorization(Base):
    """A story that a message quotes, and the scope in which it does: must be live at the moment of sending."""

    __tablename__ = "message_authorization"
    __table_args__ = (Index("ix_message_authorization_authorization_id", "authorization_id"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    authorization_id: Mapped[int] = mapped_column(ForeignKey("authorization.id"), primary_key=True)
    scope: Mapped[Word] = mapped_column(primary_key=True)
    line: Mapped[Line]
    """Where it stands, for the person who must fix it: "Quote: “I can lift my grandson …”"."""


class Asset(Base):
    """A picture of the library, re-encoded by us, or a PDF file. Served under a random name that cannot be guessed.

    What was sent is never changed: a new version is a row of its own, and the old one points to it.
    """

    __tablename__ = "asset"
    __table_args__ = (
        CheckConstraint("NOT shows_client OR authorization_id IS NOT NULL", name="permission"),
        CheckConstraint("media_type IN ('image/jpeg', 'image/png', 'application/pdf')", name="media_type"),
    )

    id: Mapped[Id]
    token: Mapped[str] = mapped_column(String(40), unique=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    fingerprint: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """What a picture looks like, in 64 bits (see content.likeness); "" for a file."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    title: Mapped[Name]
    alt: Mapped[Line] = mapped_column(default="")
    note: Mapped[Prose] = mapped_column(default="")
    media_type: Mapped[str] = mapped_column(String(20))
    width: Mapped[int]
    """Pixels; 0 for a file."""
    height: Mapped[int]
    size_bytes: Mapped[int]
    data: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    shows_client: Mapped[bool] = mapped_column(default=False)
    authorization_id: Mapped[int | None] = mapped_column(ForeignKey("authorization.id"))
    added_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    deleted_at: Mapped[datetime | None]
