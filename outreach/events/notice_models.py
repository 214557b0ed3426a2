"""What somebody is still to be told about an event: a place that opened up, a move, a cancellation."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Word, one_of

NOTICES = ("place", "moved", "cancelled")
WAYS_TOLD = ("", "mail", "call", "not-needed")


class EventNotice(Base):
    """One thing that one person is to be told. Made with the change itself; a tick tells it, by mail or by a call.

    Somebody invited is only told of a place: changes reach them with their calendar entry.
    """

    __tablename__ = "event_notice"
    __table_args__ = (
        CheckConstraint("(invitation_id IS NULL) != (signup_id IS NULL)", name="someone"),
        CheckConstraint(one_of("what", NOTICES), name="what"),
        CheckConstraint(one_of("told", WAYS_TOLD), name="told"),
        UniqueConstraint("signup_id", "what", "sequence"),
        Index("ix_event_notice_event_id", "event_id"),
        Index("ix_event_notice_invitation_id", "invitation_id"),
        Index(
            "ix_event_notice_untold",
            "id",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"))
    signup_id: Mapped[int | None] = mapped_column(ForeignKey("event_signup.id", ondelete="CASCADE"))
    what: Mapped[Word]
    sequence: Mapped[int] = mapped_column(default=0)
    """The version of the event that it tells of."""
    made_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    told: Mapped[Word] = mapped_column(default="")
