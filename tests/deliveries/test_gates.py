"""Every gate, closed after the claim: the fence sees it, and the reason is named."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.deliveries import claiming, fencing, outbox, steering
from outreach.deliveries.house import house_of
from outreach.deliveries.models import LEDGER
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.registry import Transports
from tests.deliveries.posting import delivery, hashed, put, send


def contact(**changes):
    def close(runtime, session, now, contact_id):
        for name, value in changes.items():
            setattr(session.get_one(Contact, contact_id), name, value(now) if callable(value) else value)

    return close


def unsubscribe(runtime, session, now, contact_id):
    address = hashed(runtime, session.get_one(Contact, contact_id).email)
    consent.suppress(session, now=now, hashed=address, reason="do-not-contact", source="staff")


def say_no(runtime, session, now, contact_id):
    consent.grant(session, now=now, contact_id=contact_id, source="by phone", granted=False)


def be_late(runtime, session, now, contact_id):
    session.execute(update(LEDGER).values(not_after_at=now))


def hold(runtime, session, now, contact_id):
    outbox.hold(session, now=now, scope="campaign:1", by_id=None)


def pause(runtime, session, now, contact_id):
    steering.pause(session, "memory", now=now, by_id=None, why="test")


def close_window(runtime, session, now, contact_id):
    session.execute(update(LEDGER).values(window_until_at=now))


def erase(runtime, session, now, contact_id):
    # As the foreign key does when the row of the contact goes: no link is left by which they could stop it.
    session.execute(update(LEDGER).values(contact_id=None))


def remove_transport(runtime, session, now, contact_id):
    other = MemoryTransport()
    other.name = "folder"
    runtime.transports = Transports([other])


CLOSED = {
    "too-late": (be_late, "expired"),
    "do-not-contact": (unsubscribe, "suppressed"),
    "erased": (erase, "suppressed"),
    "deceased": (contact(deceased_on=lambda now: now.date()), "suppressed"),
    "removed": (contact(deleted_at=lambda now: now), "suppressed"),
    "recovery-hold": (contact(recovery_hold_at=lambda now: now), "suppressed"),
    "no-permission": (say_no, "suppressed"),
    "contact-changed": (contact(kind="peer-therapist"), "held"),
    "no-transport": (remove_transport, "held"),
    "on-hold": (hold, "scheduled"),
    "transport-paused": (pause, "scheduled"),
    "outside-hours": (close_window, "scheduled"),
    "other-zone": (contact(time_zone="Pacific/Honolulu"), "scheduled"),
}


@pytest.mark.parametrize("reason", CLOSED)
def test_a_gate_that_closes_after_the_claim_stops_the_mail(runtime, cast, reason):
    close, state = CLOSED[reason]
    planned = put(runtime, cast.raman)
    with runtime.turn() as turn:
        rows = claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
        assert len(rows) == 1
    with runtime.turn() as turn:
        close(runtime, turn.session, turn.now, cast.raman)
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        fenced = fencing.fence(turn.session, rows, now=turn.now, house=house)
    assert not fenced.ids
    row = delivery(runtime, planned.ids[cast.raman])
    assert (row.state, row.reason, row.token) == (state, reason, None)


def test_a_lease_that_is_over_does_not_pass_the_fence(runtime, cast, clock):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        rows = claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
    clock.advance(timedelta(minutes=2))
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        assert not fencing.fence(turn.session, rows, now=turn.now, house=house).ids


def test_somebody_elses_token_does_not_pass_the_fence(runtime, cast, clock):
    put(runtime, cast.raman)
    with runtime.turn() as turn:
        rows = claiming.claim(turn.session, now=turn.now, kind="drip", limit=10)
        turn.session.execute(update(LEDGER).values(token="x" * 32))
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        assert not fencing.fence(turn.session, rows, now=turn.now, house=house).ids


def test_system_mail_to_our_own_people_is_stopped_by_no_suppression(runtime, cast):
    from tests.deliveries.posting import memory, message_in

    with runtime.turn() as turn:
        address = hashed(runtime, "maya@cedarlane.example")
        consent.suppress(turn.session, now=turn.now, hashed=address, reason="unsubscribed", source="page")
        kept = message_in(turn.session, turn.now, kind="system", topic="", mail_class="relationship")
        outbox.put_to_address(
            turn.session,
            now=turn.now,
            world=runtime,
            message_id=kept,
            email="maya@cedarlane.example",
            kind="system",
            source="sign-in",
        )
    send(runtime)
    assert len(memory(runtime).sent) == 1


def test_a_client_who_never_gave_permission_gets_nothing(runtime, cast):
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.tom).kind = "family"
    assert put(runtime, cast.tom).counts == {"no-permission": 1}
