"""Writes a refresh: the standing of everybody, and the yield with its parts of those who have ever referred.

Who never referred has nothing of their own to keep: what similar contacts send is in the run, see `scoring.row_of`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date, timedelta
from itertools import repeat
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from outreach.contacts.standing import Standing
from outreach.referrals.models import YieldScore
from outreach.referrals.yield_params import KIND_NAMES, Floats, Ints, Texts
from outreach.referrals.yield_reading import day_of, pieces
from outreach.referrals.yield_table import YieldRow, YieldTable
from outreach.referrals.yield_tiers import settle_tiers

WRITTEN_AT_ONCE = 20_000
SHARED = ("as_of", "horizon_days", "evidence", "kind")
DAYS = ("last_on", "entry_on")
TIER: tuple[Any, ...] = (Standing.contact_id, Standing.tier, Standing.rank_pct)
STANDING = ("contact_id", "expected_90", "p_active", "rank_pct", "tier", "evidence", "as_of_on")
SCORE = ("contact_id", "as_of_on", "expected_started", "row", "week_started_on", "week_ago", "rank_pct")


def settled_tiers(session: Session, table: YieldTable) -> Texts:
    """The tiers to show, with their patience, from what the last refresh left."""
    size = len(table)
    shown, before = np.full(size, "", dtype="<U1"), np.full(size, np.nan)
    kept: Select[Any] = select(*TIER, day_of(session, Standing.as_of_on)).where(Standing.tier.is_not(None))
    for ids, tiers, ranks, days in pieces(session, kept):
        wanted = np.array(ids)
        place = np.minimum(np.searchsorted(table.id, wanted), size - 1) if size else np.zeros(0, dtype=np.int64)
        found = table.id[place] == wanted
        # A second refresh of the same day is not the second refresh that a change of tier waits for.
        earlier = np.array(days, dtype="datetime64[D]") < np.datetime64(table.as_of, "D")
        shown[place[found]] = np.array(tiers)[found]
        before[place[found]] = np.where(earlier, np.array(ranks), np.nan)[found]
    return settle_tiers(shown, before, table.rank_pct)


def keep(
    session: Session, table: YieldTable, tiers: Texts | None, *, today: date, positions: Ints | None = None
) -> None:
    """Standings and yields stand as this table says, or its rows at these positions.

    Without `tiers` it is one contact alone: rank and tier stay.
    """
    # One contact alone has no rank: what the last refresh said of rank and tier stays.
    alone = {"rank_pct", "tier"} if tiers is None else set()
    connection = session.connection()
    as_of = table.as_of.isoformat() if connection.dialect.name == "sqlite" else table.as_of
    wanted = np.arange(len(table)) if positions is None else positions
    for some in _chunks(wanted):
        _upsert(connection, Standing, STANDING, list(_standings(table, some, tiers, as_of)), keep=alone)
    for some in _chunks(wanted[table.referral_count[wanted] > 0]):
        _upsert(connection, YieldScore, SCORE, _scores(session, table, some, as_of, today=today), keep=alone)
    session.expire_all()


def drop_stale(session: Session, table: YieldTable, *, alone: bool) -> None:
    """Nobody keeps parts that no longer hold: a source whose only referral went to the trash, or that is gone itself.

    `alone` looks at the contacts of the table only; else everybody of another day is gone.
    """
    stale = delete(YieldScore).where(YieldScore.as_of_on != table.as_of)
    if alone:
        stale = delete(YieldScore).where(YieldScore.contact_id.in_(table.id[table.referral_count == 0].tolist()))
    session.execute(stale, execution_options={"synchronize_session": False})
    session.expire_all()


def _standings(table: YieldTable, positions: Ints, tiers: Texts | None, as_of: Any) -> Iterator[tuple[Any, ...]]:
    return zip(
        table.id[positions].tolist(),
        table.expected_started[positions].tolist(),
        _plain(table.p_active[positions]),
        np.nan_to_num(table.rank_pct[positions]).tolist(),
        _plain(tiers[positions]) if tiers is not None else repeat(None),
        repeat(table.evidence),
        repeat(as_of),
    )


def _scores(session: Session, table: YieldTable, positions: Ints, as_of: Any, *, today: date) -> list[tuple[Any, ...]]:
    ids = table.id[positions].tolist()
    columns = (YieldScore.contact_id, YieldScore.expected_started, day_of(session, YieldScore.week_started_on))
    kept = select(*columns, YieldScore.week_ago).where(YieldScore.contact_id.between(ids[0], ids[-1]))
    known = {old[0]: old for piece in pieces(session, kept) for old in zip(*piece, strict=True)}
    monday: Any = today - timedelta(days=today.weekday())
    if isinstance(as_of, str):
        monday = monday.isoformat()
    rows = []
    for row in _rows(table, positions):
        _, before, week, week_ago = known.get(row["id"], (None, None, monday, None))
        # The first refresh of a week keeps what the last one of the week before said.
        week_ago = before if week < monday else week_ago
        expected, rank = row["expected_started"], row["rank_pct"]
        rows.append((row["id"], as_of, expected, json.dumps(row), max(week, monday), week_ago, rank))
    return rows


def _rows(table: YieldTable, positions: Ints) -> Iterator[dict[str, Any]]:
    """Each as `dataclasses.asdict` of its YieldRow, dates as text: column by column, which is ten times faster."""
    names = [field.name for field in fields(YieldRow) if field.name not in SHARED]
    columns: list[Sequence[Any]] = []
    for name in names:
        cells = getattr(table, name)[positions]
        columns.append(_days(cells) if name in DAYS else _plain(cells))
    shared = {"as_of": table.as_of.isoformat(), "horizon_days": table.horizon_days, "evidence": table.evidence}
    kinds = [KIND_NAMES[code] for code in table.kind[positions].tolist()]
    for kind, *cells in zip(kinds, *columns, strict=True):
        yield {**shared, "kind": kind, **dict(zip(names, cells, strict=True))}


def _plain(cells: Floats | Ints | Texts) -> list[Any]:
    plain: list[Any] = cells.tolist()
    if cells.ndim == 1 and (cells.dtype.kind == "U" or (cells.dtype.kind == "f" and np.isnan(cells).any())):
        return [None if cell == "" or cell != cell else cell for cell in plain]
    return plain


def _days(cells: Any) -> list[str | None]:
    return [None if text == "NaT" else text for text in np.datetime_as_string(cells).tolist()]


def _chunks(positions: Ints) -> Iterator[Ints]:
    for start in range(0, len(positions), WRITTEN_AT_ONCE):
        yield positions[start : start + WRITTEN_AT_ONCE]


def _upsert(
    connection: Connection, table: type[Any], names: Sequence[str], rows: list[tuple[Any, ...]], *, keep: set[str]
) -> None:
    """The rows, cells in the order of `names` and as the driver takes them, are in the table, new or changed.

    Handed to the driver as they are: the types' own conversions would take longer than the writing.
    """
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = build(table)
    changed = {name: new.excluded[name] for name in names if name != "contact_id" and name not in keep}
    compiled = new.on_conflict_do_update(index_elements=["contact_id"], set_=changed).compile(
        dialect=connection.dialect, column_keys=list(names)
    )
    assert isinstance(compiled, SQLCompiler)
    if compiled.positiontup is None:
        connection.exec_driver_sql(str(compiled), [dict(zip(names, row, strict=True)) for row in rows])
        return
    place = [names.index(name) for name in compiled.positiontup]
    straight = place == list(range(len(names)))
    connection.exec_driver_sql(str(compiled), rows if straight else [tuple(row[at] for at in place) for row in rows])
