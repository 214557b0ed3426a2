"""Reading the record of changes: by person, act, subject and days; page by page or whole, for a file."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from outreach.audit import AuditEntry

OUTSIDE = 0
"""As `Wanted.who`: acts of somebody outside, who used a link."""
HEADER = ("Number", "When (UTC)", "Person", "Act", "About", "About number", "Details", "Entry", "Person number", "Seal")
_RUNS = "=+-@\t\r\n＝＋－＠'"
_BATCH = 2_000


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is None or empty does not matter. The days are local ones, both included."""

    who: int | None = None
    act: str = ""
    about: str = ""
    about_id: int | None = None
    from_on: date | None = None
    to_on: date | None = None


def page(
    session: Session, wanted: Wanted, *, zone: ZoneInfo, before_id: int | None = None, limit: int
) -> list[AuditEntry]:
    """So many entries that fit, newest first, from the one after `before_id` on."""
    query = _fitting(select(AuditEntry), wanted, zone)
    before = session.get(AuditEntry, before_id) if before_id is not None else None
    if wanted.from_on or wanted.to_on:
        if before is not None:
            query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < tuple_(before.at, before.id))
        return list(session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)))
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return list(session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)))


def many(session: Session, wanted: Wanted, *, zone: ZoneInfo, most: int) -> int:
    """How many entries fit, counted up to `most`."""
    fitting = _fitting(select(AuditEntry.id), wanted, zone).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(fitting)) or 0


def file_of(session: Session, wanted: Wanted, people: dict[int, str], *, zone: ZoneInfo) -> Iterator[str]:
    """The entries that fit as lines of a CSV file, oldest first; no cell is one that a spreadsheet runs.

    With the seals and all that they are made of, so that somebody else can check the chain too.
    """
    yield line_of(HEADER)
    rows = session.scalars(_fitting(select(AuditEntry), wanted, zone).order_by(AuditEntry.id)).yield_per(_BATCH)
    for entry in rows:
        who = people.get(entry.actor_id, f"Person {entry.actor_id}") if entry.actor_id else "Somebody outside"
        facts = json.dumps(entry.facts, sort_keys=True, ensure_ascii=False)
        yield line_of(
            (
                *(entry.number, entry.at.isoformat(), who, entry.action, entry.subject_type, entry.subject_id),
                *(facts, entry.id, entry.actor_id, entry.seal),
            )
        )


def acts(session: Session) -> list[str]:
    """Every act that stands in the record, by name."""
    return _distinct(session, AuditEntry.action)


def subjects(session: Session) -> list[str]:
    """Every kind of thing that an entry is about, by name."""
    return _distinct(session, AuditEntry.subject_type)


def _fitting(query: Select[AuditEntry] | Select[int], wanted: Wanted, zone: ZoneInfo) -> Select[AuditEntry]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.who is not None:
        outside = wanted.who == OUTSIDE
        conditions.append(AuditEntry.actor_id.is_(None) if outside else AuditEntry.actor_id == wanted.who)
    if wanted.act:
        conditions.append(AuditEntry.action == wanted.act)
    if wanted.about:
        conditions.append(AuditEntry.subject_type == wanted.about)
        if wanted.about_id is not None:
            conditions.append(AuditEntry.subject_id == wanted.about_id)
    if wanted.from_on:
        conditions.append(AuditEntry.at >= _begin(wanted.from_on, zone))
    if wanted.to_on:
        conditions.append(AuditEntry.at < _begin(wanted.to_on + timedelta(days=1), zone))
    return query.where(*conditions)  # type: ignore[return-value]


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _distinct(session: Session, column: InstrumentedAttribute[str]) -> list[str]:
    """From one name to the next by the index: the work follows the number of names, not of entries."""
    names = select(func.min(column).label("name")).cte(recursive=True)
    following = select(func.min(column)).where(column > names.c.name).scalar_subquery()
    names = names.union_all(select(following).where(names.c.name.is_not(None)))
    return list(session.scalars(select(names.c.name).where(names.c.name.is_not(None)).order_by(names.c.name)))


def line_of(cells: tuple[object, ...]) -> str:
    """One line of a CSV file; no cell is one that a spreadsheet runs."""
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else _safe(str(cell)) for cell in cells])
    return out.getvalue()


def _safe(text: str) -> str:
    # A spreadsheet runs what starts like this (OWASP, "CSV Injection").
    return f"'{text}" if text[:1] and text[0] in _RUNS else text
