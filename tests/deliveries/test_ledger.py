"""The ledger's promises: constraints, idempotence, constant work per batch, the right index."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, select, update
from sqlalchemy.exc import IntegrityError

from outreach.contacts.models import Contact
from outreach.deliveries import claiming, outbox, releasing, rules
from outreach.deliveries.house import house_of
from outreach.deliveries.mail.message import CalendarPart
from outreach.deliveries.models import LEDGER, Delivery, TransportState
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.registry import Transports
from tests.deliveries.messages import ICS
from tests.deliveries.posting import crowd, delivery, hashed, memory, message_in, put, send, states


class Outside(MemoryTransport):
    """A way out of the house: mail leaves by it."""

    leaves_nothing = False

    def __init__(self, name):
        super().__init__()
        self.name = self.kind = name


def test_putting_twice_makes_one_delivery(runtime, cast):
    first = put(runtime, cast.raman)
    again = put(runtime, cast.raman, cast.raman)
    assert again.counts == {"already": 1}
    assert again.ids == first.ids
    assert put(runtime, cast.raman, occurrence="2027").counts == {"scheduled": 1}


def test_two_contacts_with_one_mailbox_get_one_mail(runtime, cast):
    with runtime.turn() as turn:
        okafor = turn.session.get_one(Contact, cast.okafor)
        okafor.email, okafor.address_hash = "P.Raman@Lakeside.example", hashed(runtime, "p.raman@lakeside.example")
    assert put(runtime, cast.raman, cast.okafor).counts == {"scheduled": 1, "duplicate-address": 1}
    send(runtime)
    assert len(memory(runtime).sent) == 1
    assert states(runtime) == {"duplicate-address": 1, "sent": 1}


def test_without_an_address_the_row_says_so(runtime, cast):
    planned = put(runtime, cast.silent)
    assert planned.counts == {"no-email": 1}
    assert delivery(runtime, planned.ids[cast.silent]).state == "failed"


@pytest.mark.parametrize(
    "broken",
    [
        {"state": "posted"},
        {"state": "claimed"},
        {"state": "sent"},
        {"token": "x" * 32},
        {"audience_class": "client", "transport": "sendgrid"},
        {"window_from_at": None},
    ],
)
def test_the_database_itself_refuses_what_cannot_be(runtime, cast, broken):
    put(runtime, cast.raman)
    with pytest.raises(IntegrityError), runtime.turn() as turn:
        turn.session.execute(update(LEDGER).values(**broken))


def test_the_unique_keys_are_in_the_database(runtime, cast):
    put(runtime, cast.raman)
    with runtime.turn(write=False) as turn:
        row = dict(turn.session.execute(select(LEDGER)).mappings().one())
    del row["id"]
    for changed in ({}, {"contact_id": cast.denise}):
        with pytest.raises(IntegrityError), runtime.turn() as turn:
            turn.session.execute(insert(LEDGER).values({**row, **changed}))


@given(st.lists(st.sampled_from(rules.STATES), min_size=1, max_size=12))
def test_no_way_leads_back_from_an_end(walk):
    state = "scheduled"
    for wanted in walk:
        if rules.may_become(state, wanted):
            state = wanted
    ends = {"cancelled", "suppressed", "expired", "abandoned", "duplicate-address", "complained"}
    assert all(not rules.ARROWS[end] for end in ends)
    assert "scheduled" not in rules.ARROWS["unconfirmed"]
    assert not {"scheduled", "claimed", "sending"} & {s for sent in ("sent", "delivered") for s in rules.ARROWS[sent]}
    assert state in rules.STATES


def test_client_mail_refuses_sendgrid_when_planned_and_waits_for_an_agreement(runtime, cast, clock):
    runtime.transports = Transports([Outside("sendgrid"), Outside("smtp")])
    planned = put(runtime, cast.marisol, cast.raman)
    assert planned.counts == {"no-allowed-transport": 1, "scheduled": 1}
    assert delivery(runtime, planned.ids[cast.raman]).transport == "sendgrid"
    with runtime.turn() as turn:
        turn.session.add(TransportState(name="smtp", baa_signed_on=turn.now.date()))
    clock.advance(timedelta(minutes=2))
    with runtime.turn() as turn:
        releasing.release(turn.session, now=turn.now, world=runtime)
    assert delivery(runtime, planned.ids[cast.marisol]).transport == "smtp"
    send(runtime)
    assert states(runtime) == {"sent": 2}
    assert [m.to_email for m in runtime.transports["sendgrid"].sent] == ["p.raman@lakeside.example"]


def test_client_mail_refuses_a_transport_whose_agreement_was_taken_back_at_sending(runtime, cast):
    runtime.transports = Transports([Outside("smtp")])
    with runtime.turn() as turn:
        turn.session.add(TransportState(name="smtp", baa_signed_on=turn.now.date()))
    planned = put(runtime, cast.marisol)
    assert planned.counts == {"scheduled": 1}
    with runtime.turn() as turn:
        turn.session.get_one(TransportState, "smtp").baa_signed_on = None
    send(runtime)
    row = delivery(runtime, planned.ids[cast.marisol])
    assert (row.state, row.reason) == ("held", "no-allowed-transport")
    assert runtime.transports["smtp"].sent == []


def test_even_a_caller_cannot_force_client_mail_into_sendgrid(runtime, cast):
    runtime.transports = Transports([Outside("sendgrid")])
    assert put(runtime, cast.marisol, transport="sendgrid").counts == {"no-allowed-transport": 1}


def test_a_business_associate_agreement_for_sendgrid_cannot_be_recorded(runtime):
    with pytest.raises(IntegrityError), runtime.turn() as turn:
        turn.session.add(TransportState(name="sendgrid", baa_signed_on=turn.now.date()))


def test_without_any_transport_mail_waits_visibly_and_leaves_when_one_comes(runtime, cast, clock):
    before, runtime.transports = runtime.transports, Transports([])
    planned = put(runtime, cast.raman)
    assert planned.counts == {"no-transport": 1}
    runtime.transports = before
    clock.advance(timedelta(minutes=2))
    with runtime.turn() as turn:
        assert releasing.release(turn.session, now=turn.now, world=runtime) == 1
        assert releasing.release(turn.session, now=turn.now, world=runtime) == 0
    send(runtime)
    assert states(runtime) == {"sent": 1}


def test_cancelled_mail_does_not_leave_and_sent_mail_is_not_cancelled(runtime, cast):
    put(runtime, cast.raman, step="1")
    send(runtime)
    put(runtime, cast.raman, cast.denise, step="2")
    with runtime.turn() as turn:
        gone = outbox.cancel(
            turn.session, now=turn.now, source="campaign", source_id=1, contact_ids=[cast.raman], why="x"
        )
    assert gone == 1
    send(runtime)
    with runtime.turn(write=False) as turn:
        assert outbox.counts(turn.session, "campaign", 1) == {"1": {"sent": 1}, "2": {"cancelled": 1, "sent": 1}}


def test_an_invitation_leaves_with_its_calendar_and_tokens_are_not_stored(runtime, cast):
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now, kind="invitation", topic="events")
    values = {cast.raman: {"rsvp_url": "https://outreach.cedarlane.example/r/{token:rsvp:12}"}}
    calendars = {cast.raman: CalendarPart("REQUEST", ICS)}
    planned = put(runtime, cast.raman, kind="invitation", message_id=kept, values=values, calendars=calendars)
    assert "{token:rsvp:12}" in delivery(runtime, planned.ids[cast.raman]).details["rsvp_url"]
    send(runtime)
    assert memory(runtime).sent[0].calendar.ics == ICS


def test_a_test_goes_to_any_address_at_any_hour(runtime, cast, clock):
    clock.advance(timedelta(hours=10))
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now)
        for _ in range(2):
            outbox.put_to_address(
                turn.session,
                now=turn.now,
                world=runtime,
                message_id=kept,
                email="me@cedarlane.example",
                kind="test",
                source="content",
            )
    send(runtime)
    assert [m.subject for m in memory(runtime).sent] == ["[Test] Hand therapy opens"] * 2
    assert "/u/example" in memory(runtime).sent[0].html
    assert memory(runtime).sent[0].list_unsubscribe_url is None


class Counting:
    """How many statements the engine was given."""

    def __init__(self, engine):
        self.engine, self.many = engine, 0

    def __enter__(self):
        event.listen(self.engine, "before_cursor_execute", self._count)
        return self

    def __exit__(self, *_):
        event.remove(self.engine, "before_cursor_execute", self._count)

    def _count(self, *_):
        self.many += 1


def test_planning_takes_the_same_statements_for_two_and_for_four_hundred(runtime):
    people = crowd(runtime, 402)
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now)
    counted = []
    for step, chosen in (("1", people[:2]), ("2", people[2:])):
        with Counting(runtime.engine) as counting:
            assert put(runtime, *chosen, step=step, message_id=kept).counts == {"scheduled": len(chosen)}
        counted.append(counting.many)
    assert counted[0] == counted[1] <= 14


def test_sending_a_group_takes_the_same_statements_for_one_and_for_a_hundred(runtime):
    people = crowd(runtime, 101)
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    counted = []
    for step, chosen in (("1", people[:1]), ("2", people[1:])):
        put(runtime, *chosen, step=step, message_id=kept, kind="newsletter")
        with Counting(runtime.engine) as counting:
            send(runtime)
        counted.append(counting.many)
    # The hundred may finish in several groups, each with the same few statements.
    assert counted[1] < counted[0] + 100


def test_claiming_and_sweeping_use_their_own_index(runtime, cast, clock):
    if runtime.engine.dialect.name != "sqlite":
        pytest.skip("The plan of PostgreSQL depends on how many rows there are")
    seen = []
    with runtime.turn() as turn:

        @event.listens_for(runtime.engine, "before_cursor_execute")
        def keep(connection, cursor, statement, parameters, context, executemany):
            seen.append((statement, parameters))

        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        claiming.sweep(turn.session, now=turn.now, house=house)
        claiming.due_kinds(turn.session, now=turn.now)
        claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
        event.remove(runtime.engine, "before_cursor_execute", keep)
        plans = {}
        for statement, parameters in [each for each in seen if "delivery" in each[0]]:
            rows = turn.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans[statement] = " | ".join(row[3] for row in rows)
    assert len(plans) >= 5
    for statement, told in plans.items():
        assert "SCAN delivery" not in told or "INDEX ix_delivery" in told, (statement, told)
    assert any("ix_delivery_due" in told for told in plans.values())
    assert any("ix_delivery_lease" in told for told in plans.values())
    assert any("ix_delivery_not_after_at" in told for told in plans.values())


def test_the_ledger_points_at_the_revision_and_can_show_what_was_said(runtime, cast):
    from outreach.deliveries.mail import composing

    planned = put(runtime, cast.raman)
    send(runtime)
    with runtime.turn(write=False) as turn:
        row = turn.session.get_one(Delivery, planned.ids[cast.raman])
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        revision = composing.revisions_of(turn.session, [row.message_id])[row.message_id]
        again = composing.compose(row, revision, None, now=row.fenced_at, house=house, key=runtime.key)
    assert composing.digest(again) == row.rendered_hash
    assert again == memory(runtime).sent[0]
