"""What one batch of an import is about to write, gathered before a single statement is run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Dialect, Table, bindparam, func, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from outreach.contacts.import_matching import Found
from outreach.contacts.imports import ImportRun

NOBODY: dict[str, Any] = {
    "reason": "",
    "column": "",
    "contact_id": None,
    "organization_id": None,
    "version": None,
    "changes": None,
    "cells": None,
}
IDS_AT_A_TIME = 1_000


@dataclass
class Batch:
    """What one batch is about to write."""

    run: ImportRun
    now: datetime
    today: date
    as_day: Callable[[date], Any]
    as_instant: Callable[[datetime], Any]
    """How days and instants are handed to the driver, see `stored`."""
    choices: dict[str, str] = field(init=False)
    for_all: str = field(init=False)
    spoken_now: Any = field(init=False)
    whence: str = field(init=False)
    lines: list[dict[str, Any]] = field(default_factory=list)
    made: list[tuple[Any, ...]] = field(default_factory=list)
    """New contacts: the columns `import_new_people.NEW`, since when they agree, what the timeline says; all as stored.
    They need no line of their own."""
    touched: dict[int, str] = field(default_factory=dict)
    """Contacts that this batch changed, with what the file said beyond our columns."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[int, tuple[str, ...]] = field(default_factory=dict)
    agreed_at: dict[int, datetime] = field(default_factory=dict)
    gained: dict[int, str] = field(default_factory=dict)
    """Contacts that had no address and got one, with its keyed hash."""
    joined: list[tuple[int, int, str]] = field(default_factory=list)
    """Memberships of those who were there before: contact, organization, role."""

    def __post_init__(self) -> None:
        """Asked once, not per row: the run is a row of the database."""
        self.choices, self.for_all = dict(self.run.options.get("choices", {})), self.run.duplicates
        self.spoken_now, self.whence = self.as_instant(self.now), f"From {self.run.file_name}"

    def line(self, row_number: int, result: str, **more: Any) -> dict[str, Any]:
        """A line for the row; its keys are the same for all rows, so that one statement takes them."""
        made: dict[str, Any] = {
            "row_number": row_number,
            "result": result,
            **NOBODY,
            "changes": {},
            "cells": [],
            **more,
        }
        self.lines.append(made)
        return made

    def policy(self, row_number: int) -> str:
        """What is done when this row is somebody who is there already: a person's choice, or that for all."""
        return self.choices.get(str(row_number), self.for_all)


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


def new_ids(session: Session, table: type[Any]) -> Iterator[int]:
    """Ids for rows about to be inserted, without end: no RETURNING, which would go row by row.

    On SQLite the turn holds the one write lock, so nobody else can take them; PostgreSQL hands them out itself.
    """
    if session.get_bind().dialect.name == "postgresql":
        taken = func.nextval(func.pg_get_serial_sequence(table.__tablename__, "id"))
        while True:
            yield from session.scalars(select(taken).select_from(func.generate_series(1, IDS_AT_A_TIME))).all()
    first = (session.scalar(select(func.max(table.id))) or 0) + 1
    while True:
        yield first
        first += 1


def insert_rows(
    session: Session,
    model: type[Any],
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    same: Mapping[str, Any],
    *,
    or_ignore: bool = False,
) -> None:
    """All rows in one prepared statement: `rows` hold the columns `names`, `same` stands in every row alike.

    What neither names gets the model's own default. Nothing is processed per row, as SQLAlchemy would (four times the
    time of the insert itself): cells are texts, numbers and None as the driver takes them, see `stored`.
    `or_ignore` leaves out what is there.
    """
    if not rows:
        return
    connection, table = session.connection(), model.__table__
    spoken = constants(connection.dialect, model, {*names}, same)
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    said = [words if mark == "?" else words.replace("%", "%%") for words in spoken.values()]
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in (*names, *spoken))
    values = ", ".join([*(mark for _ in names), *said])
    ending = " ON CONFLICT DO NOTHING" if or_ignore else ""
    statement = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({values}){ending}"  # noqa: S608
    connection.exec_driver_sql(statement, list(rows))


def constants(dialect: Dialect, model: type[Any], named: set[str], same: Mapping[str, Any]) -> dict[str, str]:
    """Column -> SQL of what stands in every row alike: `same`, and the model's defaults for what is not `named`."""
    table = model.__table__
    values = {**_defaults(table, {*named, *same}), **same}
    return {name: _spoken(dialect, table.c[name], value) for name, value in values.items()}


def stored(session: Session, column: Any) -> Callable[[Any], Any]:
    """How a value of this column is handed to the driver: dates and instants are more than text to SQLAlchemy."""
    dialect = session.connection().dialect
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    return process or (lambda value: value)


def _defaults(table: Table, named: set[str]) -> dict[str, Any]:
    left = [column for column in table.columns if column.name not in named and column.computed is None]
    return {
        column.name: column.default.arg for column in left if isinstance(column.default, ScalarElementColumnDefault)
    }


def _spoken(dialect: Dialect, column: Column[Any], value: Any) -> str:
    if value is None:
        return "NULL"
    return str(literal(value, column.type).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
