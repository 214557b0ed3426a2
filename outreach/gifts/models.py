"""The value ledger: what was given to whom, and the yearly limit."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Word, one_of
from outreach.gifts.rules import KINDS


class ValueEntry(Base):
    """Something of value that one contact got. Never changed: a wrong entry is struck out with a reason."""

    __tablename__ = "value_entry"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("NOT solicited", name="never_solicited"),
        CheckConstraint("(struck_at IS NULL) = (struck_why = '')", name="struck"),
        CheckConstraint("approved_by_id IS NULL OR override_reason != ''", name="override"),
        Index("ix_value_entry_contact_id_given_on", "contact_id", "given_on"),
        Index("ix_value_entry_given_on", "given_on"),
        # One share of one meal per person, however often the sign-in sheet is saved.
        Index(
            "uq_value_entry_event",
            "event_id",
            "contact_id",
            "kind",
            unique=True,
            sqlite_where=text("event_id IS NOT NULL AND struck_at IS NULL"),
            postgresql_where=text("event_id IS NOT NULL AND struck_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    given_on: Mapped[date]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    kind: Mapped[Word]
    what: Mapped[Line]
    amount_cents: Mapped[int]
    event_id: Mapped[int | None]
    """An event of the room above; no foreign key, for this room knows nothing of events."""
    solicited: Mapped[bool] = mapped_column(default=False)
    receipt_note: Mapped[Line] = mapped_column(default="")
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    override_reason: Mapped[Line] = mapped_column(default="")
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """The administrator who let it pass the limit."""
    struck_at: Mapped[datetime | None]
    struck_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    struck_why: Mapped[Line] = mapped_column(default="")


class YearLimit(Base):
    """The limit per physician of one calendar year, as an administrator entered it."""

    __tablename__ = "year_limit"
    __table_args__ = (CheckConstraint("limit_cents > 0", name="limit"), CheckConstraint("year >= 2007", name="year"))

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    limit_cents: Mapped[int]
    source: Mapped[Line] = mapped_column(default="")
    set_at: Mapped[datetime]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
