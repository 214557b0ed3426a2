"""Writes a refresh: the standing of everybody, and the yield with its parts of those who have ever referred.

Who never referred has nothing of their own to keep: what similar contacts send is in the run, see `scoring.row_of`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from outreach.contacts.standing import Standing
from outreach.referrals.models import YieldScore
from outreach.referrals.yield_json import rows_as_json
from outreach.referrals.yield_params import Days, Floats, Ints, Texts
from outreach.referrals.yield_reading import columns, day_of
from outreach.referrals.yield_record import places_among
from outreach.referrals.yield_table import YieldTable
from outreach.referrals.yield_tiers import settle_tiers

WRITTEN_AT_ONCE = 20_000
TIER: tuple[Any, ...] = (Standing.contact_id, Standing.tier, Standing.rank_pct)
NO_ROW = "?"


def settled_tiers(session: Session, table: YieldTable) -> Texts:
    """The tiers to show, with their patience, from what the last refresh left."""
    size = len(table)
    shown, before = np.full(size, "", dtype="<U1"), np.full(size, np.nan)
    kept: Select[Any] = select(*TIER, day_of(session, Standing.as_of_on)).where(Standing.tier.is_not(None))
    ids, tiers, ranks, days = columns(session, kept, ("int64", "<U1", "float64", "datetime64[D]"))
    place = places_among(table.id, ids)
    found = place >= 0
    # A second refresh of the same day is not the second refresh that a change of tier waits for.
    earlier = days < np.datetime64(table.as_of, "D")
    shown[place[found]] = tiers[found]
    before[place[found]] = np.where(earlier, ranks, np.nan)[found]
    return settle_tiers(shown, before, table.rank_pct)


def keep(
    session: Session, table: YieldTable, tiers: Texts | None, *, today: date, positions: Ints | None = None
) -> None:
    """Standings and yields stand as this table says, or its rows at these positions.

    Without `tiers` it is one contact alone: rank and tier stay.
    """
    wanted = np.arange(len(table)) if positions is None else positions
    for some in _chunks(wanted):
        _keep_standings(session, table, some, tiers)
    for some in _chunks(wanted[table.referral_count[wanted] > 0]):
        _keep_scores(session, table, some, alone=tiers is None, today=today)
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


def _keep_standings(session: Session, table: YieldTable, positions: Ints, tiers: Texts | None) -> None:
    connection = session.connection()
    if tiers is None or not _alone_writing(connection):
        kept = ("rank_pct", "tier") if tiers is None else ()
        _write(connection, Standing, _standings(connection, table, positions, tiers), keep=kept)
        return
    # In the order of their index: what lies on one of its pages is changed together.
    some = positions[np.argsort(table.expected_started[positions], kind="stable")]
    # Few move to another tier; for the others its index need not be touched.
    same = _kept_tiers(session, table.id[some]) == tiers[some]
    _write(connection, Standing, _standings(connection, table, some[same], tiers), known=True, keep=("tier",))
    _write(connection, Standing, _standings(connection, table, some[~same], tiers))


def _kept_tiers(session: Session, ids: Ints) -> Texts:
    """The tier of each contact as it stands, "" for none, "?" where no row does."""
    tier: tuple[Any, ...] = (Standing.contact_id, func.coalesce(Standing.tier, ""))
    kept = select(*tier).where(Standing.contact_id.between(*_ends(ids)))
    known, tiers = columns(session, kept, ("int64", "<U1"))
    return np.append(tiers, NO_ROW)[places_among(known, ids)]


def _standings(
    connection: Connection, table: YieldTable, positions: Ints, tiers: Texts | None
) -> dict[str, Iterable[Any]]:
    return {
        "contact_id": table.id[positions].tolist(),
        "expected_90": table.expected_started[positions].tolist(),
        "p_active": _plain(table.p_active[positions]),
        "rank_pct": np.nan_to_num(table.rank_pct[positions]).tolist(),
        "tier": _plain(tiers[positions]) if tiers is not None else repeat(None),
        "evidence": repeat(table.evidence),
        "as_of_on": repeat(_as_of(connection, table)),
    }


def _keep_scores(session: Session, table: YieldTable, positions: Ints, *, alone: bool, today: date) -> None:
    connection, ids = session.connection(), table.id[positions]
    score: tuple[Any, ...] = (YieldScore.contact_id, YieldScore.expected_started, YieldScore.week_ago)
    kept = select(*score, day_of(session, YieldScore.week_started_on))
    kept = kept.where(YieldScore.contact_id.between(*_ends(ids)))
    known, before, ago, week = columns(session, kept, ("int64", "float64", "float64", "datetime64[D]"))
    monday = np.datetime64(today - timedelta(days=today.weekday()), "D")
    # The first refresh of a week keeps what the last one of the week before said.
    ago = np.append(np.where(week < monday, before, ago), np.nan)
    week = np.append(np.maximum(week, monday), monday)
    place = places_among(known, ids)
    changed = (place >= 0) & _alone_writing(connection)
    for there in (True, False):
        which = changed == there
        some, at = positions[which], place[which]
        cells: dict[str, Iterable[Any]] = {
            "contact_id": ids[which].tolist(),
            "as_of_on": repeat(_as_of(connection, table)),
            "expected_started": table.expected_started[some].tolist(),
            "row": rows_as_json(table, some) if len(some) else [],
            "week_started_on": _days(connection, week[at]),
            "week_ago": _plain(ago[at]),
            "rank_pct": _plain(table.rank_pct[some]),
        }
        _write(connection, YieldScore, cells, known=there, keep=("rank_pct",) if alone else ())


def _alone_writing(connection: Connection) -> bool:
    """SQLite has one writer. Elsewhere all rows are written in the order of their ids: two refreshes at once would
    otherwise wait for each other crosswise."""
    return connection.dialect.name == "sqlite"


def _ends(ids: Ints) -> tuple[int, int]:
    return int(ids.min()), int(ids.max())


def _plain(cells: Floats | Texts) -> list[Any]:
    plain: list[Any] = cells.tolist()
    if cells.dtype.kind == "U" or np.isnan(cells).any():
        return [None if cell == "" or cell != cell else cell for cell in plain]
    return plain


def _as_of(connection: Connection, table: YieldTable) -> Any:
    return _days(connection, np.array([table.as_of], dtype="datetime64[D]"))[0]


def _days(connection: Connection, days: Days) -> list[Any]:
    """As the driver takes them."""
    found: list[Any] = (days.astype(str) if connection.dialect.name == "sqlite" else days).tolist()
    return found


def _chunks(positions: Ints) -> Iterator[Ints]:
    for start in range(0, len(positions), WRITTEN_AT_ONCE):
        yield positions[start : start + WRITTEN_AT_ONCE]


def _write(
    connection: Connection,
    table: Any,
    cells: Mapping[str, Iterable[Any]],
    *,
    known: bool = False,
    keep: tuple[str, ...] = (),
) -> None:
    """These cells are in the table: for contacts `known` to have a row changed there, else new or changed.

    `keep` are cells for new rows only. Handed to the driver as they are: the types' own conversions would take
    longer than the writing.
    """
    said, order = _statement(connection.dialect.name, table, tuple(cells), known, keep)
    rows = list(zip(*(cells[name] for name in order), strict=False))  # some cells are endless
    if rows:
        connection.exec_driver_sql(said, rows)


@cache
def _statement(
    dialect: str, table: Any, names: tuple[str, ...], known: bool, keep: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """The statement, and the names of its cells in order."""
    made: Any
    given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    changed = [name for name in names if name != "contact_id" and name not in keep]
    if known:
        made = update(table).where(table.contact_id == given["contact_id"])
        made = made.values({name: given[name] for name in changed})
    else:
        new = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table).values(given)
        new_cells = {name: new.excluded[name] for name in changed}
        made = new.on_conflict_do_update(index_elements=["contact_id"], set_=new_cells)
    driver: Any = SQLiteDialect_pysqlite if dialect == "sqlite" else PGDialect_psycopg
    compiled = made.compile(dialect=driver(paramstyle="qmark" if dialect == "sqlite" else "format"))
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup is not None
    return str(compiled), tuple(name.removeprefix("new_") for name in compiled.positiontup)
