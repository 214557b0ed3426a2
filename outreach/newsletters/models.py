"""Newsletter issues, who gets them, and how they looked before each edit."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Name, Word, one_of

STATUSES = ("draft", "approved", "sending", "held", "sent", "cancelled")
WINNERS = ("", "a", "b")
UNPLANNED = "planned_at IS NULL"
"""Stands as text in a partial index; the query of what is left repeats it literally so that the index can be used."""


class Issue(Base):
    """One newsletter. From approval on its message and its people are fixed.

    `send_on`, `send_minute` and `send_zone` are the intention (all None: as soon as possible); `send_at` is what it
    resolved to, inside sending hours.
    """

    __tablename__ = "newsletter_issue"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("status = 'draft' OR (message_id IS NOT NULL AND send_at IS NOT NULL)", name="approved"),
        CheckConstraint("(send_on IS NULL) = (send_minute IS NULL)", name="intention"),
        CheckConstraint("(send_on IS NULL) = (send_zone IS NULL)", name="intention_zone"),
        CheckConstraint("send_minute BETWEEN 0 AND 1439", name="send_minute"),
        CheckConstraint(one_of("winner", WINNERS), name="winner"),
        CheckConstraint("other_message_id IS NULL OR status != 'draft'", name="other_message"),
        CheckConstraint("compare_percent BETWEEN 0 AND 50", name="compare_percent"),
        CheckConstraint("compare_hours BETWEEN 1 AND 72", name="compare_hours"),
        Index("ix_newsletter_issue_status_send_at", "status", "send_at"),
        Index(
            "uq_newsletter_issue_series_send",
            "series_id",
            "series_on",
            unique=True,
            sqlite_where=text("series_id IS NOT NULL"),
            postgresql_where=text("series_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    title: Mapped[Name]
    """What the practice calls it; readers never see it."""
    status: Mapped[Word] = mapped_column(default="draft")
    draft: Mapped[dict[str, Any]]
    group_ids: Mapped[list[int]] = mapped_column(default=list)
    in_archive: Mapped[bool] = mapped_column(default=False)
    """Shown on the public page of past issues, as long as it may stand there."""
    version: Mapped[int] = mapped_column(default=1)
    """Raised by every edit; a form that carries an older one is told about the other person's change."""
    counted: Mapped[int | None]
    """How many people the groups made when they were last chosen."""
    tested_at: Mapped[datetime | None]

    send_on: Mapped[date | None]
    send_minute: Mapped[int | None]
    send_zone: Mapped[str | None] = mapped_column(String(60))
    send_at: Mapped[datetime | None]
    undo_until_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """As approved: {"people": 312, "groups": [{"id", "name", "matched"}], "left_out": {reason: how many}}."""

    other_subject: Mapped[Line] = mapped_column(default="", server_default="")
    """The second subject of a comparison; "" for none."""
    compare_percent: Mapped[int] = mapped_column(default=20, server_default="20")
    """How many of a hundred people get one of the two subjects first, half of them each."""
    compare_hours: Mapped[int] = mapped_column(default=4, server_default="4")
    """How long clicks are counted before the better subject goes to the others."""
    other_message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    """The same message with the second subject, kept at approval."""
    compared_people: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many take part; they have the first places. 0 when nothing is compared."""
    decide_at: Mapped[datetime | None]
    """When the clicks are counted; None before the first mail is planned."""
    winner: Mapped[str] = mapped_column(String(1), default="", server_default="")
    compared: Mapped[dict[str, Any] | None]
    """What was counted: {"a": {"sent", "clicked"}, "b": {…}, "why": "clicks" | "tie" | "person"}."""
    series_id: Mapped[int | None] = mapped_column(ForeignKey("newsletter_series.id", ondelete="SET NULL"))
    series_on: Mapped[date | None]
    """The local day for which the series drafted it."""

    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    edited_at: Mapped[datetime]
    edited_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    started_at: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class IssueRecipient(Base):
    """One person of an approved issue. Nobody else gets it; `place` is the order in which they are planned."""

    __tablename__ = "newsletter_recipient"
    __table_args__ = (
        Index(
            "ix_newsletter_recipient_left",
            "issue_id",
            "place",
            sqlite_where=text(UNPLANNED),
            postgresql_where=text(UNPLANNED),
        ),
        Index("ix_newsletter_recipient_contact_id", "contact_id"),
    )

    issue_id: Mapped[int] = mapped_column(ForeignKey("newsletter_issue.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int]
    subject: Mapped[str] = mapped_column(String(1), default="", server_default="")
    """Which of two subjects they got to compare: "a" or "b"; "" for those who wait for the better one."""
    again_at: Mapped[datetime | None]
    """When it was sent once more because the first mail did not reach them."""
    planned_at: Mapped[datetime | None]
    left_out: Mapped[str] = mapped_column(String(40), default="")
    """Why the issue was not planned for this person after all; "" when it was, or is still to be."""


class IssueHistory(Base):
    """How an issue looked before an edit: undo in several steps, kept on the server."""

    __tablename__ = "newsletter_issue_history"
    __table_args__ = (UniqueConstraint("issue_id", "version"),)

    id: Mapped[Id]
    issue_id: Mapped[int] = mapped_column(ForeignKey("newsletter_issue.id", ondelete="CASCADE"))
    version: Mapped[int]
    title: Mapped[Name]
    draft: Mapped[dict[str, Any]]
    group_ids: Mapped[list[int]]
    other_subject: Mapped[Line] = mapped_column(default="", server_default="")
    compare_percent: Mapped[int] = mapped_column(default=20, server_default="20")
    compare_hours: Mapped[int] = mapped_column(default=4, server_default="4")
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
