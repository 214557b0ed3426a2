"""The tables of EMR imports. Nothing there tells of a client: names of columns, numbers of rows, counts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Word, one_of

EMR_STATUSES = ("uploaded", "running", "done", "failed", "discarded", "undone")
WAITING = ("uploaded", "running", "failed")
"""While an import stands at one of these its file is kept; of any other the file is erased."""
EMR_RESULTS = ("new", "updated", "refused")
KEPT_FOR = timedelta(hours=12)
"""An upload that nobody went on with is erased after that time."""
UNDO_FOR = timedelta(days=7)


class EmrRun(Base):
    """One export on its way into the log. `position` is the last row of the file that is handled and kept."""

    __tablename__ = "emr_run"
    __table_args__ = (
        CheckConstraint(one_of("status", EMR_STATUSES), name="status"),
        Index("ix_emr_run_status", "status", "id"),
    )

    id: Mapped[Id]
    status: Mapped[Word] = mapped_column(default="uploaded")
    header: Mapped[list[str]]
    """Names of the columns that were kept, in order. The name of the file is not kept: it may be a client's."""
    dropped: Mapped[list[Any]]
    """[name, what] of each column that was dropped at the door."""
    has_client_key: Mapped[bool]
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """As `emr_columns.Mapping` has it."""
    rows_total: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    handled: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[Line] = mapped_column(default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]

    def can_be_undone(self, now: datetime) -> bool:
        """Whether the seven days have not passed yet."""
        return self.status == "done" and self.finished_at is not None and now < self.finished_at + UNDO_FOR


class EmrLine(Base):
    """What became of one row: the referral it made, or the number and the reason of a refused one. Never its cells."""

    __tablename__ = "emr_line"
    __table_args__ = (
        CheckConstraint(one_of("result", EMR_RESULTS), name="result"),
        CheckConstraint("(result = 'refused') = (referral_id IS NULL)", name="refused_without_referral"),
        Index("ix_emr_line_referral_id", "referral_id"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("emr_run.id", ondelete="CASCADE"), primary_key=True)
    row_number: Mapped[int] = mapped_column(primary_key=True)
    result: Mapped[Word]
    reason: Mapped[Line] = mapped_column(default="")
    referral_id: Mapped[int | None] = mapped_column(ForeignKey("referral.id", ondelete="CASCADE"))


class EmrMapping(Base):
    """How exports with these columns are read: made by the first import, used and bettered by the next."""

    __tablename__ = "emr_mapping"

    header_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 over the names of the columns, sorted: the same report is known again, whatever its order."""
    columns: Mapped[dict[str, Any]]
    """Field to the name of its column."""
    day_first: Mapped[bool] = mapped_column(default=False)
    discipline: Mapped[str] = mapped_column(String(10), default="")
    words: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """{"payer": {word of the file: payer id}, "service": …, "clinic": …}, as a person chose them."""
    used_at: Mapped[datetime]
