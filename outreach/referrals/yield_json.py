"""Yields as JSON, many at a time: column by column, which takes a third of the time of row by row."""

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from outreach.referrals.yield_params import KIND_NAMES, Ints
from outreach.referrals.yield_table import YieldRow, YieldTable

SHARED = ("as_of", "horizon_days", "evidence", "kind")
OFTEN_EQUAL = ("last_on", "entry_on", "expected_value", "typical_rate_90", "typical_convert_rate")
CONVERTING = ("convert_rate", "convert_lo", "convert_hi")
"""Most contacts share a handful of records: each number is written out once."""
NOTHING = {"f": "NaN", "M": '"NaT"', "U": '""'}
"""How a cell without anything in it is written, by the letter of its column's type."""


def rows_as_json(table: YieldTable, positions: Ints) -> list[str]:
    """Each as `json.dumps` of `dataclasses.asdict` of its YieldRow, dates as text."""
    shared = {"as_of": table.as_of.isoformat(), "horizon_days": table.horizon_days, "evidence": table.evidence}
    names = [field.name for field in fields(YieldRow) if field.name not in SHARED]
    cells = ", ".join(f'"{name}": {"[%s, %s, %s]" if name == "parts" else "%s"}' for name in names)
    row = f'{json.dumps(shared)[:-1]}, "kind": %s, {cells}}}'
    columns = [_picked(_written(np.array(KIND_NAMES)), table.kind[positions])]
    for name in names:
        columns.extend(_columns(name, getattr(table, name)[positions]))
    return [row % each for each in zip(*columns, strict=True)]


def _columns(name: str, cells: Any) -> Iterator[list[str]]:
    if name == "parts":
        yield _written(cells[:, 0])
        yield _written(cells[:, 1])
        yield _written_once(cells[:, 2])
    else:
        yield _written_once(cells) if name in OFTEN_EQUAL + CONVERTING else _written(cells)


def _written(cells: Any) -> list[str]:
    """Each cell as JSON. No text of a YieldRow holds a comma."""
    plain = (np.datetime_as_string(cells) if cells.dtype.kind == "M" else cells).tolist()
    text = json.dumps(plain)[1:-1]
    if cells.dtype.kind in NOTHING:
        text = text.replace(NOTHING[cells.dtype.kind], "null")
    return text.split(", ")


def _written_once(cells: Any) -> list[str]:
    different, places = np.unique(cells, return_inverse=True)
    return _picked(_written(different), places)


def _picked(texts: list[str], places: Ints) -> list[str]:
    picked: list[str] = np.array(texts, dtype=object)[places].tolist()
    return picked
