"""The work of what runs all day follows what is due, not what there is: counted in statements and steps."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update

from outreach.campaigns import stepping
from outreach.campaigns.models import CampaignVersion, Enrollment
from outreach.contacts.models import Contact
from outreach.deliveries import claiming, fencing, outbox, receipts, recording
from outreach.deliveries.house import house_of
from outreach.deliveries.models import LEDGER, Delivery
from outreach.deliveries.recording import Finished
from outreach.deliveries.transports.protocol import Accepted
from outreach.deliveries.transports.sendgrid_events import parse_events
from tests.building.watching import add_history, said, work_of
from tests.campaigns.drips import email, live, wait
from tests.deliveries.posting import crowd, message_in, put

FEW, MANY = 100, 1000
ENROLLED = """INSERT INTO campaign_enrollment (campaign_id, version_id, contact_id, occurrence, state, step_key, due_at,
 waits_for, late, stop_reason, entered_at)
SELECT :campaign, :version, id, :occurrence, 'active', :step, '2027-03-02', '', 0, '', '2025-03-02' FROM contact"""


def newsletters(runtime, people, step):
    with runtime.turn() as turn:
        message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    put(runtime, *people, kind="newsletter", message_id=message, step=step)
    return message


def house(runtime, turn):
    return house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)


def a_campaign(runtime):
    """(campaign, version, key of its first step): an email, three days, another."""
    campaign = live(runtime, [email("Hello"), wait(3), email("Again")])
    with runtime.turn(write=False) as turn:
        version = turn.session.scalars(select(CampaignVersion).filter_by(state="published")).one()
        return campaign, version.id, version.steps[0]["key"]


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_claim_fence_and_record_take_the_same_statements_for_a_hundred_and_a_thousand(runtime):
    people, counted = crowd(runtime, 1 + FEW + MANY), {}
    # The first makes the rows that a way out has once.
    for step, chosen in (("first", people[:1]), ("few", people[1 : FEW + 1]), ("many", people[FEW + 1 :])):
        newsletters(runtime, chosen, step)
        with runtime.turn() as turn:
            mine = house(runtime, turn)
            with said(runtime) as statements:
                rows = claiming.claim(turn.session, now=turn.now, kind="newsletter", limit=MANY)
                assert len(fencing.fence(turn.session, rows, now=turn.now, house=mine).ids) == len(chosen)
                done = [Finished(row, f"<{row.id}@x>", "0" * 64, Accepted("p"), turn.now) for row in rows]
                recording.record(turn.session, done, now=turn.now)
            assert not any(one.many for one in statements), [one.statement for one in statements if one.many]
            counted[step] = len(statements)
    assert counted["few"] == counted["many"] <= 14


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_planning_a_crowd_takes_the_same_statements_for_a_hundred_and_a_thousand(runtime):
    people = crowd(runtime, FEW + MANY)
    counted = []
    with runtime.turn() as turn:
        message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
        for step, chosen in (("few", people[:FEW]), ("many", people[FEW:])):
            with said(runtime) as statements:
                found = outbox.fan_out(
                    turn.session,
                    now=turn.now,
                    world=runtime,
                    message_id=message,
                    kind="newsletter",
                    source="newsletter",
                    source_id=1,
                    step=step,
                    contact_ids=select(Contact.id).where(Contact.id.in_(chosen)),
                )
            assert found == {"scheduled": len(chosen)}
            # PostgreSQL counts its tables once a crowd was planned.
            counted.append(sum("ANALYZE" not in one.statement for one in statements))
    assert counted[0] == counted[1] <= 12


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_facts_of_a_provider_take_the_same_statements_for_a_hundred_and_a_thousand(runtime):
    people = crowd(runtime, FEW + MANY)
    newsletters(runtime, people, "1")
    with runtime.turn() as turn:
        rows = turn.session.scalars(select(Delivery).order_by(Delivery.id)).all()
        lease = {"token": "t", "lease_until_at": turn.now}
        free = {"token": None, "lease_until_at": None, "sent_at": turn.now}
        for state, more in (("claimed", lease), ("sending", {}), ("sent", free)):
            turn.session.execute(update(LEDGER).values(state=state, **more))
        named = [(row.id, row.email) for row in rows]
    counted = []
    for chosen in (named[:FEW], named[FEW:]):
        events = [
            {"sg_event_id": f"e{one}", "event": "delivered", "timestamp": 1772460000, "mid": str(one), "email": address}
            for one, address in chosen
        ]
        with runtime.turn() as turn:
            facts = parse_events(json.dumps(events).encode())
            assert receipts.store(turn.session, facts, now=turn.now) == len(chosen)
            with said(runtime) as statements:
                assert receipts.apply(turn.session, now=turn.now, key=runtime.key, limit=MANY) == len(chosen)
            counted.append(len(statements))
    assert counted[0] == counted[1] <= 14


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_a_campaign_tick_takes_the_same_statements_for_a_hundred_and_four_hundred(runtime, clock):
    campaign, version, step = a_campaign(runtime)
    counted = []
    for occurrence, many in enumerate((1, FEW, 4 * FEW)):
        people = crowd(runtime, many)
        with runtime.turn() as turn:
            row = {"campaign_id": campaign, "version_id": version, "state": "active", "step_key": step}
            row |= {"due_at": turn.now, "entered_at": turn.now, "occurrence": occurrence}
            turn.session.execute(insert(Enrollment), [{**row, "contact_id": each} for each in people])
        with runtime.turn() as turn, said(runtime) as statements:
            assert stepping.advance(turn.session, now=turn.now, world=runtime, limit=500) == many
        counted.append(len(statements))
    assert counted[2] <= counted[1] <= 30, counted


@pytest.mark.sqlite
def test_claiming_takes_the_same_steps_with_a_thousand_and_a_hundred_thousand_rows_of_history(runtime):
    message, steps = newsletters(runtime, crowd(runtime, 50), "1"), []
    for first, last in ((1, 1_000), (1_001, 100_000)):
        with runtime.turn() as turn:
            add_history(turn.session, message, first, last)
        with runtime.turn() as turn:
            with work_of(turn.session) as taken:
                claiming.sweep(turn.session, now=turn.now, house=house(runtime, turn))
                assert claiming.due_kinds(turn.session, now=turn.now) == ["newsletter"]
                rows = claiming.claim(turn.session, now=turn.now, kind="newsletter", limit=50)
                assert len(rows) == 50
                claiming.give_back(turn.session, rows, now=turn.now)
            steps.append(taken[0])
    assert steps[1] <= steps[0] * 1.2, steps


@pytest.mark.sqlite
def test_a_tick_with_nothing_due_takes_the_same_steps_for_a_thousand_and_a_hundred_thousand(runtime, cast):
    campaign, version, step = a_campaign(runtime)
    copied = ", ".join(
        column.name
        for column in Contact.__table__.columns
        if column.name not in ("id", "email", "address_hash", "npi", "audience_class")
    )
    people = f"""INSERT INTO contact ({copied})
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)
        SELECT {copied} FROM contact, n WHERE contact.id = :one"""  # noqa: S608
    steps = []
    for occurrence, many in enumerate((1_000, 99_000)):
        with runtime.turn() as turn:
            turn.session.execute(text(people), {"many": many, "one": cast.raman})
            given = {"campaign": campaign, "version": version, "step": step, "occurrence": occurrence}
            turn.session.execute(text(ENROLLED), given)
        with runtime.turn() as turn:
            with work_of(turn.session) as taken:
                assert stepping.tick(turn.session, now=turn.now + timedelta(hours=1), world=runtime) == 0
            steps.append(taken[0])
    assert steps[1] <= steps[0] * 1.2 + 200, steps
