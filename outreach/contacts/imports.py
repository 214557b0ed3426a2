"""The tables of imports: what was uploaded, and what became of each row."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Id, Line, Name, Prose, Word, one_of

STATUSES = ("uploaded", "checking", "checked", "running", "done", "failed", "undone")
UNFINISHED = ("uploaded", "checking", "checked", "running", "failed")
RESULTS = ("new", "updated", "unchanged", "duplicate", "skipped", "stopped", "problem")
"""stopped: an opt-out was recorded. duplicate: an earlier row of the file is the same person or place."""
UNDO_FOR = timedelta(days=7)

DUPLICATES = {
    "fill": "Fill in what is missing",
    "update": "Take over what the file says",
    "skip": "Leave them as they are",
}
"""What happens to contacts that are in the book already."""

PERMISSIONS = {
    "signed-up": "They signed up themselves (form, website, mailing tool)",
    "written": "They agreed in writing, on paper or by email",
    "spoken": "They agreed in person or by phone",
    "none": "Nobody asked them yet; they are colleagues or public addresses",
    "unknown": "I do not know",
}
GRANTING = ("signed-up", "written", "spoken")


class ImportRun(Base):
    """One uploaded file on its way into the book. `position` is the last row of the file that is handled and kept."""

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint(one_of("duplicates", tuple(DUPLICATES)), name="duplicates"),
        CheckConstraint(f"permission IS NULL OR {one_of('permission', tuple(PERMISSIONS))}", name="permission"),
        Index("ix_import_run_status", "status", "id"),
    )

    id: Mapped[Id]
    status: Mapped[Word] = mapped_column(default="uploaded")
    file_name: Mapped[Name]
    digest: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    format: Mapped[Word] = mapped_column(default="")
    """The key of a known format; empty when the columns were chosen by a person."""
    header: Mapped[list[str]]
    samples: Mapped[list[Any]]
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Field to column positions, as `columns.ColumnMapping` has it."""
    default_kind: Mapped[str] = mapped_column(String(40), default="")
    duplicates: Mapped[Word] = mapped_column(default="fill")
    permission: Mapped[str | None] = mapped_column(String(40))
    permission_words: Mapped[Prose] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    handled: Mapped[int] = mapped_column(default=0)
    rows_total: Mapped[int | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    preview: Mapped[dict[str, Any]] = mapped_column(default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    """"lines": about how many rows the file has; "remembered": the columns are those chosen last time; "only": what of
    an NPPES file is wanted, see `nppes.Only`; "choices": what a person decided about single rows of the file;
    "careful": up to which row batches are written in parts because one of them broke; "broken": how many rows did."""
    error: Mapped[Line] = mapped_column(default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    """When its last row was done, or when it stopped half-way."""
    undone_at: Mapped[datetime | None]

    @property
    def consent_source(self) -> str:
        """How a permission that came with this file is marked, so that undo finds it again."""
        return f"Import {self.id}: {PERMISSIONS.get(self.permission or 'unknown', '')}"[:200]

    def can_be_undone(self, now: datetime) -> bool:
        """Whether it is done or stopped half-way, and the seven days since have not passed yet."""
        rested_at = self.finished_at or self.started_at
        return self.status in ("done", "failed") and rested_at is not None and now < rested_at + UNDO_FOR


class ImportMapping(Base):
    """The columns a person chose for a file, for the next file with the same column names."""

    __tablename__ = "import_mapping"

    id: Mapped[Id]
    header_key: Mapped[str] = mapped_column(String(64), unique=True)
    columns: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Field to column names in plain words, in the order they are read."""
    default_kind: Mapped[str] = mapped_column(String(40), default="")
    used_at: Mapped[datetime]


class ImportMade(Base):
    """A stretch of contacts that one import made: numbers `first_id` to `last_id`, all of them its own."""

    __tablename__ = "import_made"

    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"), primary_key=True)
    first_id: Mapped[int] = mapped_column(primary_key=True)
    last_id: Mapped[int]


class ImportMadePlace(Base):
    """As ImportMade, for organizations."""

    __tablename__ = "import_made_place"

    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"), primary_key=True)
    first_id: Mapped[int] = mapped_column(primary_key=True)
    last_id: Mapped[int]


class ImportLine(Base):
    """What became of one row. `changes` holds (before, after) per column, which is what undo works from."""

    __tablename__ = "import_line"
    __table_args__ = (
        CheckConstraint(one_of("result", RESULTS), name="result"),
        Index("ix_import_line_run_id_contact_id", "run_id", "contact_id"),
        Index("ix_import_line_run_id_organization_id", "run_id", "organization_id"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"), primary_key=True)
    row_number: Mapped[int] = mapped_column(primary_key=True)
    result: Mapped[Word]
    reason: Mapped[Line] = mapped_column(default="")
    column: Mapped[Name] = mapped_column(default="")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id", ondelete="SET NULL"))
    version: Mapped[int | None]
    """The contact's version after this row: an older one at undo time means that nobody changed it since."""
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cells: Mapped[list[str]] = mapped_column(default=list)
    """The row as it stood in the file; kept for refused rows only, so that they can be corrected."""
