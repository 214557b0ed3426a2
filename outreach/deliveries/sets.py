"""Many rows as one parameter of a statement, so that a group of any size is one statement whose text never changes."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ColumnElement, FromClause, Text, cast, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from outreach.db import Instant

NUMBER: TypeEngine[Any] = BigInteger()
WORDS: TypeEngine[Any] = Text()
OBJECT: TypeEngine[Any] = JSON()
INSTANT: TypeEngine[Any] = Instant()
AS_SQLITE_KEEPS_IT = "%Y-%m-%d %H:%M:%S.%f"


def is_one_of(session: Session, which: ColumnElement[Any] | Column[Any], ids: Iterable[int]) -> ColumnElement[bool]:
    """The column is one of these whole numbers."""
    if _is_sqlite(session):
        each = func.json_each(json.dumps(list(ids))).table_valued("value")
        return which.in_(select(each.c.value))
    return which == func.any(literal(list(ids), ARRAY(BigInteger)))


def rows_of(
    session: Session, name: str, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Sequence[Any]]
) -> FromClause:
    """A table of these rows, to select or update from.

    `columns` are the names and types in the order of each row: NUMBER, WORDS, INSTANT (aware) or OBJECT (for JSON).
    """
    sqlite = _is_sqlite(session)
    stored = json.dumps(rows, default=_instants(sqlite))
    if sqlite:
        each = func.json_each(stored).table_valued("value", name=f"{name}_each")
        parts = [
            func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(label)
            for place, (label, kind) in enumerate(columns.items())
        ]
    else:
        each = (
            func.jsonb_array_elements(cast(literal(stored), JSONB))
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


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
