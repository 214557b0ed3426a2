"""What one batch of an import is about to write, gathered before a single statement is run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts.import_matching import Found
from outreach.contacts.imports import ImportRun


@dataclass
class Batch:
    """What one batch is about to write."""

    run: ImportRun
    now: datetime
    today: date
    lines: list[dict[str, Any]] = field(default_factory=list)
    touched: dict[int, str] = field(default_factory=dict)
    """Contacts that this batch made or changed, with what the file said beyond our columns."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[int, tuple[str, ...]] = field(default_factory=dict)
    agreed_at: dict[int, datetime] = field(default_factory=dict)
    gained: dict[int, str] = field(default_factory=dict)
    """Contacts that had no address and got one, with its keyed hash."""
    joined: list[dict[str, Any]] = field(default_factory=list)
    """Memberships to be written."""

    def line(self, row_number: int, result: str, **more: Any) -> dict[str, Any]:
        """A line for the row; its keys are the same for all rows, so that one statement takes them."""
        blank = {"reason": "", "column": "", "contact_id": None, "organization_id": None, "version": None}
        made: dict[str, Any] = {
            "run_id": self.run.id,
            "row_number": row_number,
            "result": result,
            **blank,
            "changes": {},
            "cells": [],
        }
        made.update(more)
        self.lines.append(made)
        return made


def after(found: Found, changes: dict[str, list[Any]], names: tuple[str, ...]) -> dict[str, Any]:
    """The columns `names` as they stand once the changes are made."""
    return {name: changes[name][1] if name in changes else found[name] for name in names}


def change_rows(session: Session, table: type[Any], names: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """All rows (`b_id` names each) get the values of `names`, in one statement."""
    if rows:
        connection = session.connection()
        connection.execute(
            update(table.__table__)
            .where(table.__table__.c.id == bindparam("b_id"))
            .values({name: bindparam(name) for name in names}),
            rows,
        )


def reserve_ids(session: Session, table: type[Any], count: int) -> list[int]:
    """Ids for rows about to be inserted, so that one plain statement takes them all (RETURNING would go row by row).

    On SQLite the turn holds the one write lock, so nobody else can take them; PostgreSQL hands them out itself.
    """
    name = table.__tablename__
    if session.get_bind().dialect.name == "postgresql":
        taken = func.nextval(func.pg_get_serial_sequence(name, "id"))
        return list(session.scalars(select(taken).select_from(func.generate_series(1, count))))
    first = (session.scalar(select(func.max(table.id))) or 0) + 1
    return list(range(first, first + count))


def insert_rows(
    session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]], *, or_ignore: bool = False
) -> None:
    """All rows, with the same keys, in one statement without the unit of work; `or_ignore` leaves out what is there."""
    if not rows:
        return
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = build(table.__table__)
    session.connection().execute(statement.on_conflict_do_nothing() if or_ignore else statement, list(rows))
