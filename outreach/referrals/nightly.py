"""The refresh of everybody in many short turns: whoever else writes waits for a moment only, whatever the size.

The run is written last. Until then the day counts as not refreshed: after a stop half-way the next call begins again,
and whoever stands at today's number already gets the same one. Meanwhile each contact's number and its parts are of
one day, written in one turn.
"""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.audit import AuditEntry
from outreach.referrals import scoring
from outreach.referrals.judging.settling import moves_of, write_moves
from outreach.referrals.models import Referral
from outreach.referrals.refreshing import Opens
from outreach.referrals.yield_keeping import drop_stale, keep

ONE_TURN = 2_000
"""Contacts written in one turn: some tenths of a second of SQLite's one writer at most."""
MOST_MOVED = 500
"""Contacts with news during the refresh that are scored anew behind it; with more, the next refresh sees to it."""


def refresh_all(runtime: Opens, stopping: Callable[[], bool], *, today: date) -> int:
    """Everybody is scored as of today; answers how many, 0 when it was stopped half-way."""
    with runtime.turn(write=False) as turn:
        marks = _marks(turn.session)
        found = scoring.reckon(turn.session, today=today)
    table = found.table
    for start in range(0, len(table), ONE_TURN):
        if stopping():
            return 0
        positions = np.arange(start, min(start + ONE_TURN, len(table)))
        with runtime.turn() as turn:
            keep(turn.session, table, found.tiers, today=today, positions=positions)
    with runtime.turn() as turn:
        drop_stale(turn.session, table, alone=False)
        scoring.tell_silences(turn.session, found)
    with runtime.turn(write=False) as turn:
        moves = moves_of(turn.session, table, found.referrals, today=today)
    for some in moves.pieces(ONE_TURN):
        with runtime.turn() as turn:
            write_moves(turn.session, some)
    with runtime.turn() as turn:
        scoring.add_run(turn.session, found, now=turn.now)
        moved = _moved_since(turn.session, *marks)
    rescore_all(runtime, moved[:MOST_MOVED], today)
    return len(table)


def rescore_all(runtime: Opens, contact_ids: Sequence[int], today: date) -> int:
    """Each of these is scored anew, in a turn of its own; answers how many."""
    for contact_id in contact_ids:
        with runtime.turn() as turn:
            scoring.rescore(turn.session, contact_id, now=turn.now, today=today)
    return len(contact_ids)


def _marks(session: Session) -> tuple[int, int]:
    """The last referral and the last act that the refresh can have seen."""
    newest = (select(func.max(Referral.id)), select(func.max(AuditEntry.id)))
    return session.scalar(newest[0]) or 0, session.scalar(newest[1]) or 0


def _moved_since(session: Session, referral_id: int, act_id: int) -> list[int]:
    """Contacts whose referrals came or changed since these marks: what they were told alone was written over."""
    acts = select(AuditEntry.subject_id).where(AuditEntry.id > act_id, AuditEntry.subject_type == "referral")
    new = select(Referral.contact_id).where(Referral.id > referral_id, Referral.contact_id.is_not(None))
    changed = select(Referral.contact_id).where(Referral.id.in_(acts), Referral.contact_id.is_not(None))
    joined = select(AuditEntry.subject_id).where(
        AuditEntry.id > act_id, AuditEntry.subject_type == "contact", AuditEntry.action.in_(("merged", "unmerged"))
    )
    return sorted({one for some in (new, changed, joined) for one in session.scalars(some) if one})
