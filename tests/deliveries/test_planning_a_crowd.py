"""`outbox.fan_out` plans a crowd inside the database: the same rows, counts and timelines as `outbox.put` makes."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, text, update

from outreach.contacts.consent import Consent, Suppression, address_hash
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import Touch
from outreach.deliveries import fanning_out, outbox
from outreach.deliveries.models import LEDGER, Delivery, TransportState
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.registry import Transports
from outreach.practice.models import Practice
from tests.deliveries.posting import memory, message_in, send, states, story

KINDS = ("physician", "office-staff", "former-client", "peer-therapist", "community-organization")
ZONES = (None, "America/New_York", "America/Los_Angeles", "Pacific/Auckland", "Mars/Olympus", "")
TOPICS = ("all", "newsletter", "cards")
NOT_COMPARED = ("id", "source_id", "details")


class Leaving(MemoryTransport):
    """A way out of the house that was never agreed on for clients."""

    leaves_nothing = False

    def __init__(self, name="smtp"):
        super().__init__()
        self.name = self.kind = name


def a_crowd(turn, runtime, seed, many=60):
    """So many contacts in every condition; answers their ids."""
    chance = random.Random(seed)
    session, now = turn.session, turn.now
    ids = []
    for number in range(many):
        # One in four shares the mailbox of somebody before.
        owner = number if chance.random() > 0.25 else chance.randrange(number + 1)
        email = f"p{owner}.{seed}@crowd.example"
        hashed = address_hash(runtime.key, email)
        named = chance.random() > 0.15
        person = Contact(
            kind=chance.choice(KINDS),
            prefix=chance.choice(("", "Dr.")),
            first_name=chance.choice(("", "Ana", "Li  Wei")),
            last_name=chance.choice(("", "Ruiz", "O'Neil", "R" * 200)),
            sort_name="x",
            email=email if named else None,
            address_hash=hashed if named else None,
            time_zone=chance.choice(ZONES),
            deceased_on=now.date() if chance.random() < 0.05 else None,
            deleted_at=now if chance.random() < 0.05 else None,
            recovery_hold_at=now if chance.random() < 0.05 else None,
            added_on=now.date(),
            created_at=now,
            updated_at=now,
        )
        session.add(person)
        session.flush()
        ids.append(person.id)
        session.add_all(_circumstances(chance, person, now, first=number == owner))
    session.flush()
    return ids


def _circumstances(chance, person, now, *, first):
    if chance.random() < 0.5:
        expected = chance.choice((0.0, 0.0625, 0.31249, 2.5, 0.0005))
        yield Standing(contact_id=person.id, expected_90=expected, rank_pct=1, evidence="early", as_of_on=now.date())
    for topic in TOPICS:
        if chance.random() < 0.2:
            granted = chance.random() < 0.6
            yield Consent(contact_id=person.id, topic=topic, granted=granted, at=now, source="x")
    if chance.random() < 0.15 and person.email and first:
        yield Suppression(
            address_hash=person.address_hash,
            topic=chance.choice(TOPICS),
            reason="unsubscribed",
            source="page",
            since_at=now,
            lifted_at=now if chance.random() < 0.3 else None,
        )


def plan(turn, runtime, way, source_id, contacts, **more):
    more = {"kind": "newsletter", "source": "newsletter", "step": "1", "not_before_at": turn.now, **more}
    chosen = list(contacts) if way is outbox.put else select(Contact.id).where(Contact.id.in_(contacts))
    made = way(turn.session, now=turn.now, world=runtime, source_id=source_id, contact_ids=chosen, **more)
    return made.counts if way is outbox.put else made


def rows(session, source_id):
    """{contact: its row}, as far as both ways make it alike."""
    found = session.execute(select(LEDGER).where(LEDGER.c.source_id == source_id)).mappings()
    return {row["contact_id"]: {name: row[name] for name in row if name not in NOT_COMPARED} for row in found}


def told(session, source_id):
    """What the timelines say of them."""
    ids = session.scalars(select(Delivery.id).where(Delivery.source_id == source_id)).all()
    found = session.execute(
        select(Touch.contact_id, Touch.kind, Touch.text).where(Touch.origin.in_([f"delivery:{one}" for one in ids]))
    )
    return sorted(map(tuple, found))


def compare(turn, runtime, contacts, **more):
    put, fanned = (
        plan(turn, runtime, outbox.put, 1, contacts, **more),
        plan(turn, runtime, outbox.fan_out, 2, contacts, **more),
    )
    assert fanned == put
    expected, found = rows(turn.session, 1), rows(turn.session, 2)
    for contact_id, row in expected.items():
        assert found[contact_id] == row
    assert len(found) == len(expected) == len(contacts)
    assert told(turn.session, 2) == told(turn.session, 1)
    return put


@pytest.mark.parametrize("seed", range(6))
def test_a_crowd_has_the_same_rows_either_way(turn, runtime, seed):
    contacts = a_crowd(turn, runtime, seed)
    message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    local_time = (None, 9 * 60, 21 * 60)[seed % 3]
    counts = compare(turn, runtime, contacts, message_id=message, local_time=local_time)
    assert {"scheduled", "no-email", "duplicate-address", "unsubscribed", "no-permission"} <= set(counts)
    assert plan(turn, runtime, outbox.fan_out, 2, contacts, message_id=message) == {"already": len(contacts)}


def test_clients_without_an_agreed_way_are_held_either_way(turn, runtime):
    runtime.transports = Transports([Leaving("sendgrid"), Leaving("smtp")])
    contacts = a_crowd(turn, runtime, 20)
    message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    compare(turn, runtime, contacts, message_id=message)
    assert set(turn.session.scalars(select(Delivery.transport).where(Delivery.source_id == 2))) == {"sendgrid", None}
    turn.session.add(TransportState(name="smtp", baa_signed_on=turn.now.date()))
    turn.session.flush()
    turn.session.execute(LEDGER.delete())
    counts = compare(turn, runtime, contacts, message_id=message)
    assert "no-allowed-transport" not in counts


def test_a_named_way_never_takes_clients_to_sendgrid(turn, runtime):
    runtime.transports = Transports([Leaving("sendgrid")])
    contacts = a_crowd(turn, runtime, 21)
    message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    compare(turn, runtime, contacts, message_id=message, transport="sendgrid")


def test_what_is_too_late_or_quotes_a_dead_story_is_stopped_either_way(runtime, cast):
    with runtime.turn() as turn:
        message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
        late = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    story(runtime, cast.marisol, message, expires_on=_long_ago(runtime))
    with runtime.turn() as turn:
        contacts = a_crowd(turn, runtime, 30)
        assert "no-authorization" in compare(turn, runtime, contacts, message_id=message)
        turn.session.execute(LEDGER.delete())
        assert "too-late" in compare(turn, runtime, contacts, message_id=late, not_after_at=turn.now)


def test_a_practice_that_is_never_open_holds_everybody(turn, runtime):
    turn.session.execute(update(Practice).values(send_weekdays=[]))
    contacts = a_crowd(turn, runtime, 31)
    message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    assert "never-open" in compare(turn, runtime, contacts, message_id=message)


def test_the_second_mailbox_waits_for_nothing_also_in_a_later_call(turn, runtime):
    contacts = a_crowd(turn, runtime, 32)
    message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    compare(turn, runtime, contacts, message_id=message)
    whole = rows(turn.session, 2)
    turn.session.execute(LEDGER.delete())
    plan(turn, runtime, outbox.fan_out, 2, contacts[:25], message_id=message)
    again = plan(turn, runtime, outbox.fan_out, 2, contacts, message_id=message)
    assert again["already"] == 25
    assert rows(turn.session, 2) == whole


def test_a_million_is_as_many_statements_as_ten(turn, runtime):
    def statements(contacts, source_id):
        said = []

        def note(_connection, _cursor, statement, _parameters, _context, _many):
            said.append(statement)

        event.listen(runtime.engine, "before_cursor_execute", note)
        plan(turn, runtime, outbox.fan_out, source_id, contacts, message_id=message)
        event.remove(runtime.engine, "before_cursor_execute", note)
        return len(said)

    message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    few, many = a_crowd(turn, runtime, 40, 30), a_crowd(turn, runtime, 41, 600)
    assert statements(few, 1) == statements(many, 2)


def test_what_was_planned_as_a_crowd_is_sent_with_everybodys_own_details(runtime, cast):
    with runtime.turn() as turn:
        message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
        plan(turn, runtime, outbox.fan_out, 1, [cast.raman, cast.okafor], message_id=message)
        assert turn.session.scalar(select(func.count()).where(Delivery.details.is_(None))) == 2
    send(runtime)
    assert states(runtime) == {"sent": 2}
    texts = {one.to_email: one.text for one in memory(runtime).sent}
    assert "Dear Priya" in texts["p.raman@lakeside.example"]
    assert "Dear Samuel" in texts["s.okafor@northgate.example"]


def _long_ago(runtime):
    with runtime.turn() as turn:
        return turn.now.date() - timedelta(days=1)


@pytest.mark.parametrize("way", ["fan_out", "put"])
def test_postgresql_knows_of_a_crowd_before_anybody_asks_what_is_due(runtime, monkeypatch, way):
    monkeypatch.setattr(fanning_out, "MANY", 60)
    with runtime.turn() as turn:
        ids = a_crowd(turn, runtime, seed=3, many=90)
        message = message_in(turn.session, turn.now)
        chosen = select(Contact.id).where(Contact.id.in_(ids)) if way == "fan_out" else ids
        step = {"kind": "newsletter", "source": "newsletter", "source_id": 1, "step": "1"}
        more = {"now": turn.now, "world": runtime, "message_id": message, "contact_ids": chosen}
        getattr(outbox, way)(turn.session, **more, **step)
    if runtime.engine.dialect.name == "postgresql":
        with runtime.turn() as turn:
            counted = "SELECT min(reltuples) FROM pg_class WHERE oid IN ('contact'::regclass, 'delivery'::regclass)"
            assert turn.session.scalar(text(counted)) >= 60
