"""Campaigns: drip sequences, their versions, the people on their way through them, and what happened at each step."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Name, Word, one_of

STATUSES = ("draft", "live", "held", "ended")
VERSION_STATES = ("draft", "published", "retired")
ENROLLMENT_STATES = ("active", "on-hold", "finished", "stopped", "held-out")
IS_ACTIVE = "state = 'active'"
"""Stands as text in a partial index; the query of what is due repeats it literally so that the index can be used."""


class Campaign(Base):
    """A drip sequence. What it does stands in its published version; these columns are what that version settled."""

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("holdout_pct BETWEEN 0 AND 50", name="holdout_pct"),
        CheckConstraint("status != 'live' OR group_id IS NOT NULL", name="live_with_group"),
        Index("ix_campaign_group_id", "group_id"),
    )

    id: Mapped[Id]
    name: Mapped[Name]
    recipe: Mapped[str] = mapped_column(String(40), default="")
    status: Mapped[Word] = mapped_column(default="draft")
    group_id: Mapped[int | None] = mapped_column(ForeignKey("contact_group.id"))
    topic: Mapped[str] = mapped_column(String(40), default="education")
    discipline: Mapped[str | None] = mapped_column(String(10))
    entry: Mapped[str] = mapped_column(String(20), default="group")
    """How people get in: "group" (everyone who matches, later ones too) or "hand"."""
    again_days: Mapped[int | None]
    """So many days after their way ended they may go through it again; None: once and never again."""
    holdout_pct: Mapped[int] = mapped_column(default=0)
    seed: Mapped[int]
    """Fixed before the first send: who is held out can be reckoned again at any time."""
    from_yield: Mapped[bool] = mapped_column(default=False)
    """Rests on yield, tier or referral facts: events and gifts must not learn who is in it."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    next_step: Mapped[int] = mapped_column(default=1)
    """The number of the next new step: keys are never used twice, since the ledger knows messages by them."""
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class CampaignVersion(Base):
    """One form of a campaign. A draft is edited; once published it never changes again."""

    __tablename__ = "campaign_version"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        CheckConstraint(one_of("state", VERSION_STATES), name="state"),
        CheckConstraint("state = 'draft' OR published_at IS NOT NULL", name="published"),
        Index(
            "ix_campaign_version_draft",
            "campaign_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        Index(
            "ix_campaign_version_live",
            "campaign_id",
            unique=True,
            sqlite_where=text("state = 'published'"),
            postgresql_where=text("state = 'published'"),
        ),
    )

    id: Mapped[Id]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[Word] = mapped_column(default="draft")
    settings: Mapped[dict[str, Any]]
    """See campaigns.setup: group, entry, re-entry, hold-out, topic, first send."""
    steps: Mapped[list[Any]]
    """The tree of steps; see campaigns.steps."""
    rev: Mapped[int] = mapped_column(default=1)
    """Raised by every edit; a form that carries an older one is told about the other person's change."""
    audiences: Mapped[list[str]] = mapped_column(default=list)
    """The audience classes its messages were checked for; nobody else is enrolled."""
    made_at: Mapped[datetime]
    edited_at: Mapped[datetime]
    edited_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    tested_at: Mapped[datetime | None]
    counted: Mapped[int | None]
    """How many matched when the group was last chosen."""
    published_at: Mapped[datetime | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class CampaignMessage(Base):
    """The immutable message that an email step of a published version sends."""

    __tablename__ = "campaign_message"

    version_id: Mapped[int] = mapped_column(ForeignKey("campaign_version.id", ondelete="CASCADE"), primary_key=True)
    step_key: Mapped[str] = mapped_column(String(20), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))


class DraftHistory(Base):
    """How a draft looked before an edit: undo in several steps, kept on the server."""

    __tablename__ = "campaign_draft_history"
    __table_args__ = (UniqueConstraint("version_id", "rev"),)

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(ForeignKey("campaign_version.id", ondelete="CASCADE"))
    rev: Mapped[int]
    what: Mapped[Line]
    """What the edit did, in words: "Remove Email 2"."""
    name: Mapped[Name]
    settings: Mapped[dict[str, Any]]
    steps: Mapped[list[Any]]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Enrollment(Base):
    """One contact's way through a campaign. `step_key` is the step that is carried out when `due_at` has come."""

    __tablename__ = "campaign_enrollment"
    __table_args__ = (
        UniqueConstraint("campaign_id", "contact_id", "occurrence"),
        CheckConstraint(one_of("state", ENROLLMENT_STATES), name="state"),
        CheckConstraint("(state IN ('active', 'on-hold')) = (due_at IS NOT NULL)", name="due"),
        CheckConstraint("(state = 'stopped') = (stop_reason != '')", name="stop_reason"),
        Index("ix_campaign_enrollment_due", "due_at", sqlite_where=text(IS_ACTIVE), postgresql_where=text(IS_ACTIVE)),
        Index("ix_campaign_enrollment_contact_id", "contact_id", "state"),
        Index("ix_campaign_enrollment_campaign_state", "campaign_id", "state"),
    )

    id: Mapped[Id]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("campaign_version.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    occurrence: Mapped[int] = mapped_column(default=1)
    """1 the first time, 2 when re-entry let the contact in again."""
    state: Mapped[Word] = mapped_column(default="active")
    step_key: Mapped[str] = mapped_column(String(20), default="")
    due_at: Mapped[datetime | None]
    waits_for: Mapped[str] = mapped_column(String(40), default="")
    """Why it is later than planned, a key of results.WAITS: "cap", "reply", "away"."""
    planned_at: Mapped[datetime | None]
    """When the step would have come that waits for their sake; None while nothing is later than planned."""
    late: Mapped[bool] = mapped_column(default=False)
    """Fell due while the campaign was on hold and is to be skipped."""
    stop_reason: Mapped[str] = mapped_column(String(40), default="")
    entered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Who put the contact in by hand."""
    expected_90: Mapped[float | None]
    """The yield forecast, frozen at entry: lift is measured against it."""


class StepDone(Base):
    """What became of one step for one person, once."""

    __tablename__ = "campaign_step_done"
    __table_args__ = (
        UniqueConstraint("enrollment_id", "step_key"),
        Index("ix_campaign_step_done_version", "version_id", "step_key", "outcome"),
    )

    id: Mapped[Id]
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("campaign_enrollment.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("campaign_version.id", ondelete="CASCADE"))
    step_key: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(20))
    """sent, skipped, too-late, yes, no, task, group, started, stopped"""
    at: Mapped[datetime]
