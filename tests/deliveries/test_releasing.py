"""What was held leaves at its own time, and only to whom its message was written for."""

from datetime import timedelta

from sqlalchemy import update

from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.content.models import Message
from outreach.deliveries import outbox, releasing
from outreach.deliveries.transports.registry import Transports
from tests.deliveries.posting import delivery, hashed, memory, message_in, put, send, states


def release(runtime):
    with runtime.turn() as turn:
        return releasing.release(turn.session, now=turn.now, world=runtime)


def test_a_card_held_for_want_of_a_transport_does_not_leave_before_its_day(runtime, cast, clock):
    usual = runtime.transports
    runtime.transports = Transports([])
    its_day = clock.now() + timedelta(days=3)
    planned = put(runtime, cast.raman, kind="card", not_before_at=its_day)
    assert planned.counts == {"no-transport": 1}
    runtime.transports = usual
    clock.advance(timedelta(minutes=2))
    assert release(runtime) == 1
    assert delivery(runtime, planned.ids[cast.raman]).due_at == its_day
    send(runtime)
    assert memory(runtime).sent == []
    clock.advance(timedelta(days=3))
    send(runtime)
    assert states(runtime) == {"sent": 1}


def become_client(runtime, contact_id):
    with runtime.turn() as turn:
        turn.session.get_one(Contact, contact_id).kind = "family"
        consent.grant(turn.session, now=turn.now, contact_id=contact_id, source="signed form")


def test_who_became_a_client_gets_nothing_that_was_written_for_providers(runtime, cast, clock):
    planned = put(runtime, cast.raman)
    become_client(runtime, cast.raman)
    send(runtime)
    clock.advance(timedelta(minutes=2))
    assert release(runtime) == 1
    send(runtime)
    assert memory(runtime).sent == []
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.reason) == ("held", "contact-changed")


def test_who_became_a_client_gets_what_was_written_for_clients_too(runtime, cast, clock):
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now)
        turn.session.execute(update(Message).values(audiences=["client", "provider"]))
    put(runtime, cast.raman, message_id=kept)
    become_client(runtime, cast.raman)
    send(runtime)
    clock.advance(timedelta(minutes=2))
    assert release(runtime) == 1
    send(runtime)
    assert states(runtime) == {"sent": 1}


def test_a_typed_address_that_was_held_is_released_too(runtime, clock):
    usual = runtime.transports
    runtime.transports = Transports([])
    with runtime.turn() as turn:
        kept = message_in(turn.session, turn.now, kind="test", topic="")
        outbox.put_to_address(
            turn.session,
            now=turn.now,
            world=runtime,
            message_id=kept,
            email="olive@cedarlane.example",
            kind="test",
            source="transport",
        )
    runtime.transports = usual
    clock.advance(timedelta(minutes=2))
    release(runtime)
    send(runtime)
    assert states(runtime) == {"sent": 1}


def test_two_who_now_share_a_mailbox_hold_up_nobody(runtime, cast, clock):
    planned = put(runtime, cast.raman, cast.okafor)
    with runtime.turn() as turn:
        desk = "desk@lakeside.example"
        for each in (cast.raman, cast.okafor):
            contact = turn.session.get_one(Contact, each)
            contact.email, contact.address_hash = desk, hashed(runtime, desk)
    send(runtime)
    assert states(runtime) == {"held": 2}
    clock.advance(timedelta(minutes=2))
    assert release(runtime) == 2
    send(runtime)
    assert [message.to_email for message in memory(runtime).sent] == [desk]
    assert sorted(delivery(runtime, each).state for each in planned.ids.values()) == ["held", "sent"]
