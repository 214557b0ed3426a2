"""Every row of every room that points to one record is pointed to another, and back again: what merging rests on."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint, and_, exists, not_, tuple_, update
from sqlalchemy.orm import Session

from outreach.db import Base

STAYS = ("merged_into_id",)
OF_THE_RECORD = ("standing", "yield_score", "source_status", "contact_search", "contact_unsearched")
"""Reckoned anew for each record by itself: nothing to carry over."""
AT_A_TIME = 400
Moved = list[list[Any]]
"""[table, column, primary key after the move as a list] of each row."""


def pointing_to(target: str, *, everything: bool = False) -> Iterator[tuple[Table, Column[int]]]:
    """Every column of every room that is a foreign key to the table `target`; `everything` with what is reckoned."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            aims = any(key.column.table.name == target for key in column.foreign_keys)
            if aims and column.name not in STAYS and (everything or table.name not in OF_THE_RECORD):
                yield table, column


def repoint(session: Session, target: str, old: int, new: int) -> Moved:
    """What pointed to the record `old` points to `new`; answers which rows that were.

    A row that would then stand there twice (the same message to the same person) stays where it is.
    """
    moved: Moved = []
    for table, column in pointing_to(target):
        change = update(table).where(column == old).values({column.name: new})
        for others in _unique_with(table, column):
            twin = table.alias()
            same = [twin.c[name].is_not_distinct_from(table.c[name]) for name in others]
            known = [table.c[name].is_not(None) for name in others]
            change = change.where(not_(and_(*known, exists().where(twin.c[column.name] == new, *same))))
        for key in session.execute(change.returning(*table.primary_key.columns)):
            moved.append([table.name, column.name, [_plain(part) for part in key]])
    return moved


def point_back(session: Session, moved: Sequence[Sequence[Any]], old: int, new: int) -> int:
    """The rows of `repoint` that still point to `new` point to `old` again; answers how many. Idempotent."""
    done = 0
    for (table_name, column_name), rows in groupby(moved, key=lambda row: (row[0], row[1])):
        table = Base.metadata.tables.get(table_name)
        if table is None or column_name not in table.columns:
            continue
        key, column = list(table.primary_key.columns), table.columns[column_name]
        keys = [[_read(part, one) for part, one in zip(row[2], key, strict=True)] for row in rows]
        for start in range(0, len(keys), AT_A_TIME):
            some = [tuple(one) for one in keys[start : start + AT_A_TIME]]
            which = key[0].in_([one[0] for one in some]) if len(key) == 1 else tuple_(*key).in_(some)
            back = update(table).where(which, column == new).values({column.name: old})
            done += len(session.execute(back.returning(*key)).all())
    return done


def _unique_with(table: Table, column: Column[int]) -> Iterator[list[str]]:
    sets = [list(table.primary_key.columns)]
    sets += [list(c.columns) for c in table.constraints if isinstance(c, UniqueConstraint)]
    sets += [list(index.columns) for index in table.indexes if index.unique]
    for columns in sets:
        names = [one.name for one in columns]
        if column.name in names:
            yield [name for name in names if name != column.name]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _read(value: Any, column: Column[Any]) -> Any:
    kind = column.type.python_type
    return kind.fromisoformat(value) if kind in (date, datetime) and isinstance(value, str) else value
