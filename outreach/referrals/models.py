"""The referral log, and what each scoring made of it. A client is a number here, never a name."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Word, one_of
from outreach.practice.models import DISCIPLINES
from outreach.referrals.rules import BARRIERS, CLOSE_REASONS, DIRECTIONS, SOURCE_TYPES, STAGES


class Referral(Base):
    """A client sent to us, or by us. The source is a contact, or a word for where the client heard of us."""

    __tablename__ = "referral"
    __table_args__ = (
        CheckConstraint(one_of("direction", DIRECTIONS), name="direction"),
        CheckConstraint(one_of("source_type", SOURCE_TYPES), name="source_type"),
        CheckConstraint(one_of("stage", STAGES), name="stage"),
        CheckConstraint(one_of("discipline", DISCIPLINES), name="discipline"),
        CheckConstraint(f"close_reason IS NULL OR {one_of('close_reason', CLOSE_REASONS)}", name="close_reason"),
        CheckConstraint(f"barrier IS NULL OR {one_of('barrier', BARRIERS)}", name="barrier"),
        CheckConstraint("(stage = 'closed') = (close_reason IS NOT NULL)", name="closed_with_reason"),
        Index("ix_referral_received_on", "received_on", "id"),
        Index("ix_referral_contact_id", "contact_id", "received_on"),
        Index("ix_referral_stage", "stage", "received_on"),
        Index(
            "ix_referral_unmatched",
            "received_on",
            sqlite_where=text("source_type = 'unmatched' AND contact_id IS NULL AND deleted_at IS NULL"),
            postgresql_where=text("source_type = 'unmatched' AND contact_id IS NULL AND deleted_at IS NULL"),
        ),
        Index(
            "ix_referral_case_key",
            "case_key",
            unique=True,
            sqlite_where=text("case_key IS NOT NULL"),
            postgresql_where=text("case_key IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    direction: Mapped[Word] = mapped_column(default="in")
    source_type: Mapped[Word] = mapped_column(default="contact")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    """Who sent (or was sent) the client; None while unmatched, and for sources that are no contact."""
    advocate_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    """The former client whose word of mouth brought this one."""
    unmatched_source: Mapped[str] = mapped_column(String(200), default="")
    """The source as it was typed or imported, while nobody has said who that is."""
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id"))
    discipline: Mapped[str] = mapped_column(String(10))
    payer_id: Mapped[int | None] = mapped_column(ForeignKey("payer.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    client_number: Mapped[str] = mapped_column(String(40), default="")
    stage: Mapped[Word] = mapped_column(default="received")
    received_on: Mapped[date]
    contacted_on: Mapped[date | None]
    scheduled_on: Mapped[date | None]
    evaluated_on: Mapped[date | None]
    started_on: Mapped[date | None]
    completed_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    close_reason: Mapped[str | None] = mapped_column(String(40))
    barrier: Mapped[str | None] = mapped_column(String(40))
    case_key: Mapped[str | None] = mapped_column(String(64))
    """A keyed one-way hash of the exporting system's case number: recognises repeats, tells nothing."""
    logged_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class ScoringRun(Base):
    """One refresh of all yields: what it was given and learned, so that its numbers can be made again."""

    __tablename__ = "scoring_run"

    id: Mapped[Id]
    at: Mapped[datetime]
    as_of_on: Mapped[date]
    params: Mapped[dict[str, Any]]
    means: Mapped[dict[str, Any]]
    contacts: Mapped[int]
    referrals: Mapped[int]
    lapse_threshold: Mapped[float | None]
    entry_dates_unsure: Mapped[bool] = mapped_column(server_default=false())
    """Over half of the contacts share one added date, as after an import: what is known of silence is less sure."""


class YieldScore(Base):
    """A contact's yield with its parts as last computed; `row` is a YieldRow in JSON, for the screen to explain."""

    __tablename__ = "yield_score"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    as_of_on: Mapped[date]
    expected_started: Mapped[float]
    rank_pct: Mapped[float | None]
    """The percentile of the last full refresh, 0 to 100: what the patience of tiers is counted from."""
    row: Mapped[dict[str, Any]]
    week_started_on: Mapped[date]
    week_ago: Mapped[float | None]
    """The yield at the start of this week, to say what changed since."""


class LapseAlert(Base):
    """A silence that was told about: once per silence."""

    __tablename__ = "lapse_alert"
    __table_args__ = (
        Index(
            "ix_lapse_alert_open",
            "contact_id",
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    last_on: Mapped[date]
    raised_on: Mapped[date]
    usual_gap_days: Mapped[float]
    p_active: Mapped[float]
    share: Mapped[float | None]
    """The share of ordinary silences that may raise an alert, as it was set when this one was raised."""
    ended_on: Mapped[date | None]
