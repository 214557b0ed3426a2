"""The database itself lets a state move along the drawn arrows only."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from outreach.deliveries import arrows, rules
from outreach.deliveries.models import LEDGER
from tests.deliveries.posting import put

PAIRS = [(before, after) for before in rules.STATES for after in rules.STATES]


@pytest.fixture
def row(runtime, cast):
    """A planned row, as it can be written again in any state."""
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        found = dict(turn.session.execute(select(LEDGER)).mappings().one())
        turn.session.execute(delete(LEDGER))
    return found


def as_state(row, state, now):
    """What the other constraints ask of a row in that state."""
    held = state in rules.LEASED
    return {
        **row,
        "state": state,
        "token": "t" * 32 if held else None,
        "lease_until_at": now + timedelta(minutes=1) if held else None,
        "sent_at": now if state in ("sent", "delivered", "bounced", "complained") else None,
        "address_hash": None if state == "duplicate-address" else row["address_hash"],
    }


def moved(runtime, row, before, after):
    """Whether the database took the change; nothing of it stays."""
    with runtime.turn(write=True) as turn:
        turn.session.execute(insert(LEDGER).values(as_state(row, before, turn.now)))
        try:
            with turn.session.begin_nested():
                wanted = as_state(row, after, turn.now)
                del wanted["id"]
                turn.session.execute(update(LEDGER).values(wanted))
        except IntegrityError:
            return False
        else:
            return True
        finally:
            turn.session.execute(delete(LEDGER))


def test_every_pair_of_states_is_allowed_or_refused_as_drawn(runtime, row):
    taken = {pair for pair in PAIRS if moved(runtime, row, *pair)}
    assert taken == {(before, after) for before, after in PAIRS if before == after or rules.may_become(before, after)}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(walk=st.lists(st.sampled_from(rules.STATES), min_size=2, max_size=8))
def test_no_walk_leaves_the_arrows(runtime, row, walk):
    for before, after in itertools.pairwise(walk):
        assert moved(runtime, row, before, after) == (before == after or rules.may_become(before, after))


def test_the_trigger_can_be_taken_away_and_put_back_by_a_migration(runtime, row):
    dialect = runtime.engine.dialect.name
    with runtime.turn() as turn:
        for statement in arrows.dropped(dialect):
            turn.session.execute(text(statement))
    assert moved(runtime, row, "sent", "scheduled")
    with runtime.turn() as turn:
        for statement in arrows.statements(dialect):
            turn.session.execute(text(statement))
    assert not moved(runtime, row, "sent", "scheduled")
