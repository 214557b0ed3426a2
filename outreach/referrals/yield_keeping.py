"""Writes a refresh: the standing of everybody, and the yield with its parts of those who have ever referred.

Who never referred has nothing of their own to keep: what similar contacts send is in the run, see `scoring.row_of`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from outreach.contacts.standing import Standing
from outreach.referrals.models import YieldScore
from outreach.referrals.yield_params import KIND_NAMES, Floats, Ints, Texts
from outreach.referrals.yield_table import YieldRow, YieldTable
from outreach.referrals.yield_tiers import settle_tiers

WRITTEN_AT_ONCE = 20_000
SHARED = ("as_of", "horizon_days", "evidence", "kind")
DAYS = ("last_on", "entry_on")


def settled_tiers(session: Session, table: YieldTable) -> Texts:
    """The tiers to show, with their patience, from what the last refresh left."""
    size = len(table)
    shown, before = np.full(size, "", dtype="<U1"), np.full(size, np.nan)
    kept = select(Standing.contact_id, Standing.tier, Standing.rank_pct).where(Standing.tier.is_not(None))
    for piece in session.execute(kept.execution_options(yield_per=50_000)).partitions():
        ids, tiers, ranks = (np.array(cells) for cells in zip(*piece, strict=True))
        place = np.minimum(np.searchsorted(table.id, ids), size - 1) if size else np.zeros(0, dtype=np.int64)
        found = table.id[place] == ids
        shown[place[found]], before[place[found]] = tiers[found], ranks[found]
    return settle_tiers(shown, before, table.rank_pct)


def keep(session: Session, table: YieldTable, tiers: Texts | None, *, today: date) -> None:
    """Standings and yields stand as this table says. Without `tiers` it is one contact alone: rank and tier stay."""
    if not len(table):
        return
    # One contact alone has no rank: what the last refresh said of rank and tier stays.
    alone = {"rank_pct", "tier"} if tiers is None else set()
    connection = session.connection()
    for positions in _chunks(np.arange(len(table))):
        _upsert(connection, Standing, list(_standings(table, positions, tiers)), keep=alone)
    for positions in _chunks(np.flatnonzero(table.referral_count > 0)):
        rows = list(_scores(session, table, positions, today=today))
        _upsert(connection, YieldScore, rows, keep=alone)
    # Nobody keeps parts that no longer hold: a source whose only referral went to the trash, or that is gone itself.
    stale = delete(YieldScore).where(YieldScore.as_of_on != table.as_of)
    if tiers is None:
        silent = table.id[table.referral_count == 0].tolist()
        stale = delete(YieldScore).where(YieldScore.contact_id.in_(silent))
    session.execute(stale, execution_options={"synchronize_session": False})
    session.expire_all()


def _standings(table: YieldTable, positions: Ints, tiers: Texts | None) -> Iterator[dict[str, Any]]:
    columns = (
        table.id[positions].tolist(),
        table.expected_started[positions].tolist(),
        _plain(table.p_active[positions]),
        np.nan_to_num(table.rank_pct[positions]).tolist(),
        tiers[positions].tolist() if tiers is not None else [""] * len(positions),
    )
    for contact_id, expected, p_active, rank, tier in zip(*columns, strict=True):
        yield {
            "contact_id": contact_id,
            "expected_90": expected,
            "p_active": p_active,
            "rank_pct": rank,
            "tier": tier or None,
            "evidence": table.evidence,
            "as_of_on": table.as_of,
        }


def _scores(session: Session, table: YieldTable, positions: Ints, *, today: date) -> Iterator[dict[str, Any]]:
    ids = table.id[positions].tolist()
    known = {
        score.contact_id: score
        for score in session.execute(
            select(YieldScore.contact_id, YieldScore.expected_started, YieldScore.week_started_on, YieldScore.week_ago)
            .where(YieldScore.contact_id.between(ids[0], ids[-1]))
        )
    }  # fmt: skip
    monday = today - timedelta(days=today.weekday())
    for row in _rows(table, positions):
        old = known.get(row["id"])
        same_week = old is not None and old.week_started_on >= monday
        yield {
            "contact_id": row["id"],
            "as_of_on": table.as_of,
            "expected_started": row["expected_started"],
            "row": row,
            "week_started_on": old.week_started_on if same_week and old is not None else monday,
            "week_ago": (old.week_ago if same_week else old.expected_started) if old is not None else None,
            "rank_pct": row["rank_pct"],
        }


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


def _upsert(connection: Connection, table: type[Any], rows: list[dict[str, Any]], *, keep: set[str]) -> None:
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = build(table)
    changed = {name: new.excluded[name] for name in rows[0] if name != "contact_id" and name not in keep}
    statement = new.on_conflict_do_update(index_elements=["contact_id"], set_=changed)
    if connection.dialect.name != "sqlite":
        connection.execute(statement, rows)
        return
    # Handed to the driver as it is: the types' own conversions would take longer than the writing.
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    assert isinstance(compiled, SQLCompiler)
    order = compiled.positiontup or []
    connection.exec_driver_sql(str(compiled), [tuple(_bound(row[name]) for name in order) for row in rows])


def _bound(cell: Any) -> Any:
    if isinstance(cell, dict):
        return json.dumps(cell)
    return cell.isoformat() if isinstance(cell, date) else cell
