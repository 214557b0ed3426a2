"""Many rows as one parameter of a statement, so that a group of any size is one statement whose text never changes."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from typing import cast as typed

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Executable,
    FromClause,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from outreach.db import Instant

NUMBER: TypeEngine[Any] = BigInteger()
WORDS: TypeEngine[Any] = Text()
OBJECT: TypeEngine[Any] = JSON()
INSTANT: TypeEngine[Any] = Instant()
AS_SQLITE_KEEPS_IT = "%Y-%m-%d %H:%M:%S.%f"


def is_one_of(session: Session, which: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """The column is one of these whole numbers."""
    return _is_one_of(is_sqlite(session), which, literal(*_ids(is_sqlite(session), ids)))


def rows_of(
    session: Session, name: str, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Sequence[Any]]
) -> FromClause:
    """A table of these rows, to select or update from.

    `columns` are the names and types in the order of each row: NUMBER, WORDS, INSTANT (aware) or OBJECT (for JSON).
    """
    sqlite = is_sqlite(session)
    return _rows_of(sqlite, name, columns, literal(_written(sqlite, rows), Text()))


class Ids:
    """Whole numbers that are given when a prepared statement runs."""

    def __init__(self, name: str) -> None:
        """Under this name among the parameters."""
        self.name = name

    def hold(self, sqlite: bool, which: Any) -> ColumnElement[bool]:
        """The column is one of them."""
        return _is_one_of(sqlite, which, bindparam(self.name, type_=_ids(sqlite, ())[1]))

    def given(self, session: Session, ids: Iterable[int]) -> dict[str, Any]:
        """The parameter."""
        return {self.name: _ids(is_sqlite(session), ids)[0]}


class Rows:
    """A table of rows that are given when a prepared statement runs; as `rows_of`."""

    def __init__(self, name: str, columns: Mapping[str, TypeEngine[Any]]) -> None:
        """Under this name among the parameters."""
        self.name, self.columns = name, columns

    def table(self, sqlite: bool) -> FromClause:
        """To select or update from."""
        return _rows_of(sqlite, self.name, self.columns, bindparam(f"{self.name}_rows", type_=Text()))

    def given(self, session: Session, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The parameter."""
        return {f"{self.name}_rows": _written(is_sqlite(session), rows)}


class Prepared:
    """A statement that is always the same but for its parameters: written down once per sort of database.

    The gates alone take milliseconds to build, which is more than a group of mails takes to pass them.
    """

    def __init__(self, build: Callable[[bool], Executable]) -> None:
        """`build` answers the statement, for SQLite when True."""
        self._build = build
        self._built: dict[bool, Executable] = {}

    def run(self, session: Session, parameters: Mapping[str, Any]) -> Any:
        """Executes it in the session's transaction; answers the result."""
        sqlite = is_sqlite(session)
        if sqlite not in self._built:
            self._built[sqlite] = self._build(sqlite)
        return session.connection().execute(self._built[sqlite], parameters)


def is_sqlite(session: Session) -> bool:
    """Which of the two databases it is."""
    return session.get_bind().dialect.name == "sqlite"


def _is_one_of(sqlite: bool, which: Any, ids: ColumnElement[Any]) -> ColumnElement[bool]:
    if sqlite:
        each = func.json_each(ids).table_valued("value")
        return typed("ColumnElement[bool]", which.in_(select(each.c.value)))
    return typed("ColumnElement[bool]", which == func.any(ids))


def _ids(sqlite: bool, ids: Iterable[int]) -> tuple[Any, TypeEngine[Any]]:
    return (json.dumps(list(ids)), Text()) if sqlite else (list(ids), ARRAY(BigInteger))


def _written(sqlite: bool, rows: Sequence[Sequence[Any]]) -> str:
    return json.dumps(rows, default=_instants(sqlite))


def _rows_of(sqlite: bool, name: str, columns: Mapping[str, TypeEngine[Any]], stored: ColumnElement[str]) -> FromClause:
    if sqlite:
        each = func.json_each(stored).table_valued("value", name=f"{name}_each")
        parts = [
            func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(label)
            for place, (label, kind) in enumerate(columns.items())
        ]
    else:
        each = (
            func.jsonb_array_elements(cast(stored, JSONB))
            .table_valued(column("value", JSONB), name=f"{name}_each")
            .render_derived()
        )
        parts = [
            cast(each.c.value[place].astext, kind).label(label) for place, (label, kind) in enumerate(columns.items())
        ]
    return select(*parts).subquery(name)


def _instants(sqlite: bool) -> Callable[[datetime], str]:
    """As the database reads them; the same few instants stand in all rows of a group."""
    known: dict[datetime, str] = {}

    def written(value: datetime) -> str:
        if value not in known:
            known[value] = value.astimezone(UTC).strftime(AS_SQLITE_KEEPS_IT) if sqlite else value.isoformat()
        return known[value]

    return written
