"""Runs of cards: one occasion in one year, who gets a card and how, and what became of each."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.cards.rules import WAYS
from outreach.db import Base, Id, Line, Name, Prose, Word, one_of

STATUSES = ("draft", "approved", "going-out", "done", "cancelled")
ONE_PER = ("person", "household")
GETS_ONE = "way != 'skip'"
IS_DUE = "planned_at IS NULL AND way = 'email'"
"""These stand as text in partial indexes; a query repeats them literally so that the index can be used."""


class CardRun(Base):
    """The cards of one occasion in one year. From approval on the list and the words are fixed."""

    __tablename__ = "card_run"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint(one_of("one_per", ONE_PER), name="one_per"),
        CheckConstraint("by_email OR on_paper OR status = 'draft'", name="some_way"),
        CheckConstraint("last_on >= send_on", name="days"),
        Index("ix_card_run_occasion_year", "occasion", "year"),
    )

    id: Mapped[Id]
    occasion: Mapped[Word]
    year: Mapped[int]
    title: Mapped[Name]
    status: Mapped[Word] = mapped_column(default="draft")
    draft: Mapped[dict[str, Any]]
    """The email."""
    front: Mapped[Line] = mapped_column(default="")
    inside: Mapped[Prose] = mapped_column(default="")
    """The words on paper: on the front, and inside under the greeting."""
    fallback: Mapped[Name] = mapped_column(default="friend")
    group_ids: Mapped[list[int]] = mapped_column(default=list)
    by_email: Mapped[bool] = mapped_column(default=True)
    on_paper: Mapped[bool] = mapped_column(default=True)
    one_per: Mapped[Word] = mapped_column(default="person")
    leap_day_after: Mapped[bool] = mapped_column(default=False)
    """Personal days of 29 February: 1 March instead of 28 February."""
    send_on: Mapped[date]
    """The local day on which the emails leave; personal occasions have one per person and start on this one."""
    last_on: Mapped[date]
    """After this local day no card leaves any more: a late wish is worse than none."""
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    paper_message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    """The words on paper, kept at approval like those of an email."""
    proposed_at: Mapped[datetime | None]
    """When it was drafted by itself, for a person to look at; None for one that somebody started."""
    version: Mapped[int] = mapped_column(default=1)
    tested_at: Mapped[datetime | None]
    listed_at: Mapped[datetime | None]
    """When the list was last made from the groups."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    edited_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    finished_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class CardRunHistory(Base):
    """How a run looked before an edit: undo in several steps, kept on the server."""

    __tablename__ = "card_run_history"
    __table_args__ = (UniqueConstraint("run_id", "version"),)

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("card_run.id", ondelete="CASCADE"))
    version: Mapped[int]
    kept: Mapped[dict[str, Any]]
    """The columns that can be edited, by name; the day as "2026-12-10"."""
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class CardRecipient(Base):
    """One contact on the list of a run. Nobody gets two cards for one occasion of one year."""

    __tablename__ = "card_recipient"
    __table_args__ = (
        CheckConstraint(one_of("way", WAYS), name="way"),
        CheckConstraint("way != 'skip' OR reason != ''", name="reason"),
        CheckConstraint("mailed_on IS NULL OR printed_at IS NOT NULL", name="mailed"),
        Index(
            "uq_card_recipient_once",
            "occasion",
            "year",
            "contact_id",
            unique=True,
            sqlite_where=text(GETS_ONE),
            postgresql_where=text(GETS_ONE),
        ),
        Index("ix_card_recipient_due", "run_id", "send_on", sqlite_where=text(IS_DUE), postgresql_where=text(IS_DUE)),
        Index("ix_card_recipient_contact_id", "contact_id"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("card_run.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    occasion: Mapped[Word]
    year: Mapped[int]
    way: Mapped[Word]
    reason: Mapped[str] = mapped_column(String(40), default="")
    """Why there is none, or why it goes on paper instead of by email."""
    by_hand: Mapped[bool] = mapped_column(default=False)
    """A person chose the way: making the list again keeps it."""
    for_all: Mapped[bool] = mapped_column(default=False)
    """This card stands for everybody of the office or household."""
    send_on: Mapped[date]
    planned_at: Mapped[datetime | None]
    printed_at: Mapped[datetime | None]
    mailed_on: Mapped[date | None]
