"""Whoever alters the record of changes leaves a gap or a seal that does not fit."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from outreach.audit import AuditEntry, AuditHead, first_fault, record, seal
from outreach.screen import Turn


@pytest.fixture
def chain(turn: Turn) -> Session:
    """Six entries, sealed."""
    turn.session.execute(delete(AuditEntry))
    turn.session.execute(delete(AuditHead))
    for number in range(6):
        record(turn.session, now=turn.now, actor_id=None, action=f"act-{number}", subject_type="x", subject_id=number)
    turn.session.flush()
    assert seal(turn.session, now=turn.now) == 6
    return turn.session


def altered(session: Session) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.number == 3).values(action="other"))


def removed(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.number == 3))


def first_removed(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.number == 1))


def end_cut(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.number > 4))


def all_removed(session: Session) -> None:
    session.execute(delete(AuditEntry))


def reordered(session: Session) -> None:
    for was, becomes in ((2, 99), (3, 2), (99, 3)):
        session.execute(update(AuditEntry).where(AuditEntry.number == was).values(number=becomes))


def unsealed(session: Session) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.number > 4).values(number=None, seal=None))


def head_removed(session: Session) -> None:
    session.execute(delete(AuditHead))


@pytest.mark.parametrize(
    ("tamper", "number", "kind"),
    [
        (altered, 3, "altered"),
        (removed, 3, "missing"),
        (first_removed, 1, "missing"),
        (end_cut, 5, "cut"),
        (all_removed, 1, "cut"),
        (reordered, 2, "altered"),
        (unsealed, 5, "cut"),
        (head_removed, 7, "cut"),
    ],
)
def test_tampering_is_found_where_it_happened(
    chain: Session, turn: Turn, tamper: Callable[[Session], None], number: int, kind: str
) -> None:
    assert first_fault(chain) is None
    tamper(chain)
    chain.flush()
    chain.expire_all()
    fault = first_fault(chain)
    assert fault is not None
    assert (fault.number, fault.kind) == (number, kind)


def test_what_is_sealed_later_does_not_hide_a_cut_end(chain: Session, turn: Turn) -> None:
    end_cut(chain)
    record(chain, now=turn.now, actor_id=None, action="later", subject_type="x")
    chain.flush()
    seal(chain, now=turn.now)
    chain.flush()
    chain.expire_all()
    fault = first_fault(chain)
    assert fault is not None
    assert (fault.number, fault.kind) == (5, "missing")


def test_a_record_from_before_there_were_numbers_is_whole_and_stays_so(chain: Session, turn: Turn) -> None:
    chain.execute(delete(AuditHead))
    chain.execute(update(AuditEntry).values(number=None))
    chain.expire_all()
    assert first_fault(chain) is None
    assert seal(chain, now=turn.now) == 0
    chain.flush()
    chain.expire_all()
    assert first_fault(chain) is None
    record(chain, now=turn.now, actor_id=None, action="later", subject_type="x")
    chain.flush()
    assert seal(chain, now=turn.now) == 1
    chain.flush()
    chain.expire_all()
    assert first_fault(chain) is None
