"""A slice of an issue is planned inside the database: who left or changed meanwhile, and who shares the work."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from outreach.contacts.models import Contact
from outreach.deliveries import outbox
from outreach.deliveries.models import Delivery
from outreach.newsletters import dispatching, queries
from outreach.newsletters.models import Issue, IssueRecipient
from tests.deliveries.posting import crowd
from tests.newsletters.issues import an_issue, approve, dispatch, group, issue

MINUTE = timedelta(seconds=61)
PHYSICIANS = {"all": [{"fact": "kind", "op": "is", "value": ["physician"]}]}


def test_who_no_longer_fits_the_rules_or_is_removed_is_left_out(runtime, cast, clock):
    with runtime.turn() as turn:
        made = issue(turn, runtime, group(turn, "Physicians", rules=PHYSICIANS))
        approve(turn, runtime, made, 2)
        turn.session.get(Contact, cast.okafor).kind = "office"
    with runtime.turn() as turn:
        turn.session.get(Contact, cast.raman).deleted_at = turn.now
    clock.advance(MINUTE)
    dispatch(runtime)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count()).select_from(Delivery)) == 0
        assert queries.results_of(turn.session, [made.id])[made.id].not_sent == {"no longer in the group": 2}


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
def test_slices_of_any_size_make_one_row_each_in_the_order_of_places(runtime, cast, clock, limit):
    people = crowd(runtime, 20)
    made = an_issue(runtime, *people)
    clock.advance(MINUTE)
    handled = []
    while not handled or handled[-1] == limit:
        handled.append(dispatch(runtime, limit=limit))
        with runtime.turn(write=False) as turn:
            left = turn.session.scalars(select(IssueRecipient.place).where(IssueRecipient.planned_at.is_(None))).all()
        assert sorted(left) == list(range(sum(handled), 20))
    assert sum(handled) == 20
    with runtime.turn(write=False) as turn:
        assert outbox.counts(turn.session, "newsletter", made) == {"": {"scheduled": 20}}


def test_a_slice_costs_the_same_number_of_statements_however_large(runtime, cast, clock):
    def statements(people):
        said = []

        def note(_connection, _cursor, statement, _parameters, _context, many):
            assert not many, "one statement per row: " + statement[:60]
            said.append(statement)

        with runtime.turn() as turn:
            listed = group(turn, f"{len(people)} people", *people)
            approve(turn, runtime, issue(turn, runtime, listed), len(people))
        clock.advance(MINUTE)
        event.listen(runtime.engine, "before_cursor_execute", note)
        with runtime.turn() as turn:
            assert dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=1000) == len(people)
        event.remove(runtime.engine, "before_cursor_execute", note)
        return len(said)

    people = crowd(runtime, 700)
    assert statements(people[:10]) == statements(people[10:])


def test_an_issue_is_done_when_nothing_of_it_waits_is_leased_or_can_be_released(runtime, cast, clock):
    made = an_issue(runtime, cast.raman)
    clock.advance(MINUTE)
    dispatch(runtime)
    lease, free = {"token": "t" * 32, "lease_until_at": clock.now()}, {"token": None, "lease_until_at": None}
    for state, reason, more, done in (
        ("claimed", "", lease, False),
        ("held", "no-authorization", free, False),
        ("scheduled", "", free, False),
        ("claimed", "", lease, False),
        ("sending", "", lease, False),
        ("unconfirmed", "no-answer", free, True),
    ):
        with runtime.turn() as turn:
            row = turn.session.scalars(select(Delivery)).one()
            for name, value in {"state": state, "reason": reason, **more}.items():
                setattr(row, name, value)
        dispatch(runtime)
        with runtime.turn(write=False) as turn:
            assert (turn.session.get(Issue, made).status == "sent") is done, state
