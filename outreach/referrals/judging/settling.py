"""Writes the one status of each source, as far as it changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from outreach.referrals.judging.status_models import SourceStatus
from outreach.referrals.judging.status_words import STATUSES
from outreach.referrals.judging.statuses import SourceColumns, statuses
from outreach.referrals.models import LapseAlert
from outreach.referrals.yield_facts import ReferralColumns
from outreach.referrals.yield_params import QUARTER_DAYS, Flags, Ints, Texts
from outreach.referrals.yield_reading import columns
from outreach.referrals.yield_record import places_among
from outreach.referrals.yield_table import YieldTable

AVERAGE_OVER_DAYS = 730
"""A source's own average looks back two years before the last quarter: longer, and it would be about other times."""
KEPT = f"<U{max(map(len, STATUSES))}"
"""The type of a column of statuses."""


@dataclass(frozen=True)
class Moves:
    """What changes: rows to add, rows to change, contacts that have no status any more."""

    new: list[dict[str, Any]]
    moved: list[dict[str, Any]]
    gone: list[int]

    def __len__(self) -> int:
        return len(self.new) + len(self.moved) + len(self.gone)

    def pieces(self, size: int) -> Iterator["Moves"]:
        """The same in parts of at most `size` rows of each sort."""
        for start in range(0, max(len(self.new), len(self.moved), len(self.gone)), size):
            end = start + size
            yield Moves(self.new[start:end], self.moved[start:end], self.gone[start:end])


def settle_statuses(session: Session, table: YieldTable, referrals: ReferralColumns, *, today: date) -> int:
    """Every contact of the table that ever referred has its status, the others have none; answers how many changed.

    `referrals` are those that the table was made from. Since when a status holds is kept while it does. Idempotent.
    """
    moves = moves_of(session, table, referrals, today=today)
    for some in moves.pieces(500):
        write_moves(session, some)
    return len(moves)


def moves_of(session: Session, table: YieldTable, referrals: ReferralColumns, *, today: date) -> Moves:
    """What `settle_statuses` would change. Reads only; silences must have been told before."""
    positions = np.flatnonzero(table.referral_count > 0)
    ids = table.id[positions]
    words = statuses(_columns(session, table, referrals, positions, today=today)) if len(ids) else np.array([], KEPT)
    cells: tuple[Any, ...] = (SourceStatus.contact_id, SourceStatus.status)
    kept = select(*cells)
    if len(table) == 1:
        kept = kept.where(SourceStatus.contact_id == int(table.id[0]))
    known, before = columns(session, kept, ("int64", KEPT))
    place = places_among(known, ids)
    moved = place >= 0
    moved[moved] = before[place[moved]] != words[moved]
    return Moves(
        new=_rows(ids, words, place < 0, since=today),
        moved=_rows(ids, words, moved, since=today),
        gone=known[places_among(ids, known) < 0].tolist(),
    )


def _rows(ids: Ints, words: Texts, which: Flags, *, since: date) -> list[dict[str, Any]]:
    found = zip(ids[which].tolist(), words[which].tolist(), strict=True)
    return [{"contact_id": id_, "status": word, "since_on": since} for id_, word in found]


def write_moves(session: Session, moves: Moves) -> None:
    """These changes are made. A status that somebody's referral gave meanwhile is written over."""
    if moves.new:
        session.execute(
            delete(SourceStatus).where(SourceStatus.contact_id.in_([row["contact_id"] for row in moves.new]))
        )
        session.execute(insert(SourceStatus), moves.new)
    if moves.moved:
        session.execute(update(SourceStatus), moves.moved)
    if moves.gone:
        session.execute(delete(SourceStatus).where(SourceStatus.contact_id.in_(moves.gone)))


def _columns(
    session: Session, table: YieldTable, referrals: ReferralColumns, positions: Ints, *, today: date
) -> SourceColumns:
    size = len(table)
    day = np.datetime64(today, "D")
    place = places_among(table.id, referrals.contact_id)
    known = place >= 0
    place, received = place[known], referrals.received_on[known]
    ago = (day - received).astype(np.int64)
    recent = np.bincount(place[ago < QUARTER_DAYS], minlength=size)
    before = np.bincount(place[(ago >= QUARTER_DAYS) & (ago < QUARTER_DAYS + AVERAGE_OVER_DAYS)], minlength=size)
    first_ago = np.zeros(size, dtype=np.int64)
    np.maximum.at(first_ago, place, ago)
    known_for = (day - table.entry_on).astype(np.int64)
    alerted = np.array(session.scalars(_open_alerts(table)).all(), dtype=np.int64)
    p_active = table.p_active[positions]
    return SourceColumns(
        received=table.referral_count[positions],
        first_ago=first_ago[positions],
        last_ago=table.gap_days[positions],
        recent=recent[positions],
        before=before[positions],
        before_days=np.clip(known_for - QUARTER_DAYS, 0, AVERAGE_OVER_DAYS)[positions],
        finished=table.finished_count[positions],
        convert_hi=table.convert_hi[positions],
        typical=table.typical_convert_rate[positions],
        alert=np.isin(table.id[positions], alerted),
        p_active=np.where(np.isnan(p_active), 1.0, p_active),
    )


def _open_alerts(table: YieldTable) -> Any:
    found = select(LapseAlert.contact_id).where(LapseAlert.ended_on.is_(None))
    return found.where(LapseAlert.contact_id == int(table.id[0])) if len(table) == 1 else found
