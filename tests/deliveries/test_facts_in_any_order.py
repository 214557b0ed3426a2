"""Facts from SendGrid at any time: doubled, shuffled, late, many at once, about people who share a request."""

import itertools
import json
import random
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event as listening
from sqlalchemy import func, select

from outreach.contacts.consent import Suppression
from outreach.contacts.timeline import Touch
from outreach.deliveries import receipts
from outreach.deliveries.models import Delivery, ProviderEvent, Receipt
from outreach.deliveries.transports.sendgrid_events import parse_events
from tests.deliveries.posting import crowd, delivery, hashed, message_in

ENDS = {
    "bounced": ("processed", "deferred", "delivered", "open", "bounce", "group_unsubscribe"),
    "complained": ("processed", "delivered", "click", "bounce", "unsubscribe", "spamreport"),
    "delivered": ("processed", "deferred", "delivered", "open", "click", "unsubscribe"),
}


def left(runtime, many, *, state="sent", request=None, on_their_way=0):
    """That many deliveries of one newsletter that are in this state, as {id: address}; the first ones on their way."""
    contacts = crowd(runtime, many)
    with runtime.turn() as turn:
        message_id = message_in(turn.session, turn.now, kind="newsletter")
        rows = [
            Delivery(
                source="newsletter",
                source_id=1,
                contact_id=contact,
                message_id=message_id,
                kind="newsletter",
                mail_class="commercial",
                topic="newsletter",
                audience_class="provider",
                email=f"n{index}@crowd.example",
                address_hash=hashed(runtime, f"n{index}@crowd.example"),
                state="sending" if index < on_their_way else state,
                token="mine" if index < on_their_way else None,
                lease_until_at=turn.now + timedelta(minutes=1) if index < on_their_way else None,
                zone="America/New_York",
                not_before_at=turn.now,
                due_at=turn.now,
                sent_at=turn.now if state == "sent" else None,
                fenced_at=turn.now,
                transport="sendgrid",
                provider_message_id=request,
                created_at=turn.now,
                updated_at=turn.now,
            )
            for index, contact in enumerate(contacts)
        ]
        turn.session.add_all(rows)
        turn.session.flush()
        return {row.id: row.email for row in rows}


def fact(name, delivery_id, email, **more):
    said = {"sg_event_id": f"{name}-{email}", "event": name, "email": email, "timestamp": 1772463000, **more}
    said |= {"type": "bounce"} if name == "bounce" and "type" not in more else {}
    return said | ({"om_mid": str(delivery_id)} if delivery_id else {})


def come(runtime, elements, *, apply=True):
    with runtime.turn() as turn:
        for start in range(0, len(elements), 2000):
            found = parse_events(json.dumps(elements[start : start + 2000]).encode())
            assert isinstance(found, list)
            receipts.store(turn.session, found, now=turn.now)
    while apply:
        with runtime.turn() as turn:
            if receipts.apply(turn.session, now=turn.now, key=runtime.key) == 0:
                return


def states_of(runtime):
    with runtime.turn(write=False) as turn:
        return dict(turn.session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all())


def count(runtime, model, *conditions):
    with runtime.turn(write=False) as turn:
        return turn.session.scalar(select(func.count()).select_from(model).where(*conditions))


@contextmanager
def statements(runtime):
    seen = []

    def note(connection, cursor, statement, parameters, context, executemany):
        seen.append(statement)

    with runtime.turn(write=False) as turn:
        engine = turn.session.get_bind()
    engine = getattr(engine, "engine", engine)
    listening.listen(engine, "before_cursor_execute", note)
    yield seen
    listening.remove(engine, "before_cursor_execute", note)


@pytest.mark.sqlite
@pytest.mark.parametrize("end", ENDS)
def test_six_facts_lead_to_one_state_in_all_720_orders(runtime, cast, end):
    rows = left(runtime, 720)
    orders = list(itertools.permutations(ENDS[end]))
    for step in range(6):
        come(runtime, [fact(orders[i][step], row, rows[row]) for i, row in enumerate(rows)])
    assert states_of(runtime) == {end: 720}
    told = {"bounced": (720, 0), "complained": (720, 720), "delivered": (0, 0)}[end]
    assert count(runtime, Touch, Touch.kind == "bounced") == told[0]
    assert count(runtime, Touch, Touch.kind == "complained") == told[1]


def test_five_copies_shuffled_over_a_week_are_one(runtime, cast, clock):
    rows = left(runtime, 30)
    told = [fact(name, row, email) for row, email in rows.items() for name in ENDS["complained"]]
    chance = random.Random(3)
    for _ in range(5):
        chance.shuffle(told)
        come(runtime, told)
        clock.advance(timedelta(days=2))
    assert states_of(runtime) == {"complained": 30}
    assert count(runtime, Receipt) == count(runtime, ProviderEvent) == 180
    assert count(runtime, Suppression) == 30


@pytest.mark.sqlite
def test_ten_thousand_facts_at_once_take_a_constant_number_of_statements(runtime, cast):
    rows = left(runtime, 2500)
    told = [fact(n, row, mail) for row, mail in rows.items() for n in ("processed", "delivered", "open", "click")]
    random.Random(1).shuffle(told)
    come(runtime, told, apply=False)
    costs = []
    handled = 500
    while handled == 500:
        with statements(runtime) as seen, runtime.turn() as turn:
            handled = receipts.apply(turn.session, now=turn.now, key=runtime.key)
        costs.append(len(seen))
    assert states_of(runtime) == {"delivered": 2500}
    assert count(runtime, ProviderEvent, ProviderEvent.handled_at.is_(None)) == 0
    assert max(costs) <= 25
    assert len(costs) == 21


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("processed", "sent"),
        ("deferred", "sent"),
        ("delivered", "delivered"),
        ("open", "delivered"),
        ("click", "delivered"),
        ("bounce", "bounced"),
        ("dropped", "bounced"),
        ("unsubscribe", "delivered"),
        ("group_unsubscribe", "delivered"),
        ("spamreport", "complained"),
        ("group_resubscribe", "unconfirmed"),
        ("some_new_event", "unconfirmed"),
    ],
)
def test_any_fact_with_our_id_settles_what_was_unconfirmed(runtime, cast, name, state):
    [(row, email)] = left(runtime, 1, state="unconfirmed").items()
    come(runtime, [fact(name, row, email)])
    settled = delivery(runtime, row)
    assert settled.state == state
    assert (settled.sent_at is not None) == (state != "unconfirmed")
    assert count(runtime, Touch, Touch.kind == "emailed") == (state != "unconfirmed")


def test_people_of_one_request_are_told_apart_by_their_address(runtime, cast):
    rows = left(runtime, 3, request="req-1")
    odd = list(rows.items())[1]
    told = fact("delivered", None, odd[1], sg_message_id="req-1.filter0001.16648.515E0B88.0")
    come(runtime, [told, fact("delivered", None, "stranger@crowd.example", sg_message_id="req-1.x")])
    assert [delivery(runtime, row).state for row in rows] == ["sent", "delivered", "sent"]


def test_a_blocked_bounce_comes_back_but_stops_nobody(runtime, cast):
    [(row, email)] = left(runtime, 1).items()
    come(runtime, [fact("bounce", row, email, type="blocked", reason=f"451 {email.upper()} is busy")])
    assert delivery(runtime, row).state == "bounced"
    assert count(runtime, Suppression) == 0
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Receipt.text)).one() == "451 (address) is busy"
        assert "crowd.example" not in json.dumps(turn.session.scalars(select(ProviderEvent.payload)).one())


def test_opens_by_machines_stand_apart(runtime, cast):
    [(row, email)] = left(runtime, 1).items()
    come(runtime, [fact("open", row, email, sg_machine_open=True), fact("open", row, email, sg_event_id="2")])
    with runtime.turn(write=False) as turn:
        assert sorted(turn.session.scalars(select(Receipt.event))) == ["machine-open", "open"]


def test_no_fact_takes_a_suppression_away_and_a_complaint_outlives_an_unsubscribe(runtime, cast):
    [(row, email)] = left(runtime, 1).items()
    come(runtime, [fact("unsubscribe", row, email)])
    come(runtime, [fact("group_resubscribe", row, email), fact("delivered", row, email), fact("click", row, email)])
    come(runtime, [fact("spamreport", row, email)])
    come(runtime, [fact("unsubscribe", row, email, sg_event_id="again")])
    with runtime.turn(write=False) as turn:
        assert [(s.reason, s.lifted_at) for s in turn.session.scalars(select(Suppression))] == [("complained", None)]


@pytest.mark.parametrize("name", ["unsubscribe", "group_unsubscribe", "spamreport"])
def test_wishes_about_unknown_deliveries_count(runtime, cast, name):
    come(runtime, [fact(name, 10**15, "someone@elsewhere.example")])
    assert count(runtime, Suppression, Suppression.address_hash == hashed(runtime, "someone@elsewhere.example")) == 1


def test_facts_that_must_wait_do_not_stand_in_the_way_of_others(runtime, cast):
    rows = left(runtime, 3, on_their_way=1)
    first, second, third = rows
    told = [fact("delivered", first, rows[first], sg_event_id=f"w{n}") for n in range(4)]
    come(runtime, [*told, fact("delivered", second, rows[second]), fact("delivered", third, rows[third])], apply=False)
    with runtime.turn() as turn:
        assert receipts.apply(turn.session, now=turn.now, key=runtime.key, limit=2) == 2
        assert receipts.apply(turn.session, now=turn.now, key=runtime.key, limit=2) == 0
    assert [delivery(runtime, each).state for each in rows] == ["sending", "delivered", "delivered"]


def test_a_bounce_that_names_nothing_finds_the_last_mail_to_that_address(runtime, cast):
    [(row, email)] = left(runtime, 1).items()
    come(runtime, [fact("delivered", None, email), fact("bounce", None, email)])
    assert delivery(runtime, row).state == "bounced"
    with runtime.turn(write=False) as turn:
        outcomes = dict(turn.session.execute(select(ProviderEvent.event, ProviderEvent.outcome)).all())
    assert outcomes == {"delivered": "no-delivery", "bounce": "applied"}
