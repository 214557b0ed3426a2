"""Letters on paper: who may get one, the sheets that were printed, and which letters were on them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Word


class PaperSource(Base):
    """A source (campaign 12) whose people get a letter where no transport may carry mail to them."""

    __tablename__ = "paper_source"

    source: Mapped[Word] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since_at: Mapped[datetime]


class LetterSheet(Base):
    """Up to a hundred letters that are printed together. Its letters carry `token` while nobody said what became of
    them; when their lease ends, they wait again."""

    __tablename__ = "letter_sheet"
    __table_args__ = (
        # Whoever makes a sheet says which one they saw last: a double click finds the first one's sheet.
        UniqueConstraint("previous_id"),
        CheckConstraint("mailed_on IS NULL OR closed_at IS NOT NULL", name="mailed"),
    )

    id: Mapped[Id]
    previous_id: Mapped[int]
    """The sheet before it, 0 for the first."""
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    until_at: Mapped[datetime]
    """When its letters go back by themselves."""
    letters: Mapped[int] = mapped_column(default=0)
    mailed: Mapped[int] = mapped_column(default=0)
    mailed_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    """Since when nothing of it is open: mailed, or put back."""
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    @property
    def token(self) -> str:
        """What its letters carry in the ledger."""
        return f"sheet-{self.id}"


class SheetLetter(Base):
    """One letter was printed with this sheet, whatever became of it."""

    __tablename__ = "letter_sheet_letter"
    __table_args__ = (Index("ix_letter_sheet_letter_delivery_id", "delivery_id"),)

    sheet_id: Mapped[int] = mapped_column(ForeignKey("letter_sheet.id", ondelete="CASCADE"), primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True)
