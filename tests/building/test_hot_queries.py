"""What runs every few seconds finds its rows by its own index, on both databases, and never reads a whole table."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from jobs.catalog import job_named
from outreach.campaigns import stepping
from outreach.contacts import consent
from outreach.deliveries import claiming, fencing, outbox, queries, receipts, recording
from outreach.deliveries.house import house_of
from outreach.deliveries.models import Delivery
from outreach.deliveries.recording import Finished
from outreach.deliveries.transports.protocol import Accepted
from outreach.deliveries.transports.sendgrid_events import parse_events
from outreach.deliveries.ways import throttling
from outreach.newsletters import dispatching
from tests.building.watching import add_history, plan_of, plans_of, said, walks_over
from tests.deliveries.posting import crowd, message_in, put
from tests.newsletters.issues import an_issue

WAITING = ("ix_delivery_due", "ix_delivery_message_waiting")
"""Both hold only what waits; with as few rows as here PostgreSQL takes either."""
pytestmark = [pytest.mark.sqlite, pytest.mark.postgresql]


def ready(runtime, many=40):
    """That many newsletters that are due, and a hundred times as many that have left long ago."""
    people = crowd(runtime, many)
    with runtime.turn() as turn:
        message = message_in(turn.session, turn.now, kind="newsletter", topic="newsletter")
    put(runtime, *people, kind="newsletter", message_id=message)
    with runtime.turn() as turn:
        add_history(turn.session, message, 1, 5_000)
    return people


def house(runtime, turn):
    return house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)


def used(plans, index):
    return any(index in plan for plan in plans.values())


def assert_no_walk(plans, table="delivery"):
    for statement, plan in plans.items():
        assert not walks_over(plan, table), (statement, plan)


def test_what_is_due_is_found_and_claimed_along_its_index(runtime):
    ready(runtime)
    with runtime.turn() as turn:
        with said(runtime) as statements:
            assert claiming.due_kinds(turn.session, now=turn.now) == ["newsletter"]
            waiting = claiming.candidates(turn.session, now=turn.now, kind="newsletter", limit=20)
        plans = plans_of(turn.session, statements, "delivery")
        assert len(plans) == 2
        for statement, plan in plans.items():
            assert any(index in plan for index in WAITING), (statement, plan)
        assert runtime.engine.dialect.name != "sqlite" or all("ix_delivery_due" in plan for plan in plans.values())
        assert_no_walk(plans)
        with said(runtime) as statements:
            assert len(claiming.claim(turn.session, now=turn.now, kind="newsletter", limit=20, among=waiting)) == 20
        plans = plans_of(turn.session, statements, "delivery")
        assert "PRIMARY KEY" in str(plans) or "pk_delivery" in str(plans)
        assert_no_walk(plans)


def test_the_sweep_looks_only_at_what_is_leased_can_expire_or_is_due(runtime):
    ready(runtime)
    with runtime.turn() as turn:
        now = turn.now + timedelta(days=1)
        with said(runtime) as statements:
            claiming.sweep(turn.session, now=now, house=house(runtime, turn))
        plans = plans_of(turn.session, statements, "delivery")
        for indexes in (("ix_delivery_lease",), ("ix_delivery_not_after_at",), WAITING):
            assert any(used(plans, index) for index in indexes), (indexes, plans)
        assert_no_walk(plans)


def test_the_fence_and_the_record_go_by_the_rows_they_hold(runtime):
    ready(runtime)
    with runtime.turn() as turn:
        mine = house(runtime, turn)
        rows = claiming.claim(turn.session, now=turn.now, kind="newsletter", limit=10)
        with said(runtime) as statements:
            fenced = fencing.fence(turn.session, rows, now=turn.now, house=mine)
            assert len(fenced.ids) == 10
            done = [Finished(row, f"<{row.id}@x>", "0" * 64, Accepted("p"), turn.now) for row in rows]
            recording.record(turn.session, done, now=turn.now)
        plans = plans_of(turn.session, statements, "delivery")
        assert len(plans) >= 2
        assert_no_walk(plans)
        if runtime.engine.dialect.name != "sqlite":
            return  # a table with no rows is read faster without any index, and PostgreSQL knows that it has none
        fence = next(plan for statement, plan in plans.items() if "fenced_at" in statement.partition("WHERE")[0])
        for table, index in (("suppression", "ix_suppression_live"), ("consent", "ix_consent_contact_id")):
            assert index in fence, (index, fence)
            assert not walks_over(fence, table), fence


@pytest.mark.parametrize(
    ("tab", "index"),
    [
        ("scheduled", "ix_delivery_due"),
        ("held", "ix_delivery_needs_a_look"),
        ("failed", "ix_delivery_needs_a_look"),
        ("unconfirmed", "ix_delivery_needs_a_look"),
        ("sent", "ix_delivery_sent_at"),
        ("stopped", "ix_delivery_stopped"),
    ],
)
def test_the_outbox_lists_read_their_own_rows_only(runtime, tab, index):
    ready(runtime)
    with runtime.turn() as turn:
        with said(runtime) as statements:
            queries.lines(turn.session, tab)
        plans = plans_of(turn.session, statements, "delivery", small=True)
        assert used(plans, index), plans
        assert_no_walk(plans)


@pytest.mark.parametrize("tab", ["scheduled", "sent", "stopped"])
def test_the_outbox_finds_a_whole_address_by_its_hash(runtime, tab):
    ready(runtime)
    with runtime.turn() as turn:
        with said(runtime) as statements:
            queries.lines(turn.session, tab, person="N7@crowd.example", key=runtime.key)
        plans = plans_of(turn.session, statements, "delivery", small=True)
        assert used(plans, "uq_delivery_address"), plans
        assert used(plans, "ix_contact_address_hash"), plans
        assert_no_walk(plans)


def test_facts_of_a_provider_are_matched_by_our_number_or_its_own(runtime):
    ready(runtime)
    with runtime.turn() as turn:
        named = turn.session.scalars(select(Delivery.id).order_by(Delivery.id)).first()
        shared = {"timestamp": 1772460000}
        events = [
            {**shared, "sg_event_id": "a", "event": "delivered", "mid": str(named), "email": "n0@crowd.example"},
            {**shared, "sg_event_id": "b", "event": "bounce", "sg_message_id": "rq1.f", "email": "n1@crowd.example"},
        ]
        receipts.store(turn.session, parse_events(json.dumps(events).encode()), now=turn.now)
        with said(runtime) as statements:
            receipts.apply(turn.session, now=turn.now, key=runtime.key)
        plans = plans_of(turn.session, statements, "delivery")
        assert used(plans, "ix_delivery_provider_message_id") or used(plans, "uq_delivery_address"), plans
        assert_no_walk(plans)
        unhandled = plans_of(turn.session, statements, "provider_event", small=True)
        assert used(unhandled, "ix_provider_event_unhandled"), unhandled


def test_a_campaign_tick_goes_by_what_is_due(runtime):
    with runtime.turn() as turn:
        with said(runtime) as statements:
            stepping.tick(turn.session, now=turn.now, world=runtime)
        plans = plans_of(turn.session, statements, "campaign_enrollment", small=True)
        assert used(plans, "ix_campaign_enrollment_due"), plans
        assert_no_walk(plans, "campaign_enrollment")


def test_a_newsletter_tick_goes_by_who_is_left(runtime, clock):
    an_issue(runtime, *crowd(runtime, 5))
    clock.advance(timedelta(minutes=2))
    with runtime.turn() as turn:
        with said(runtime) as statements:
            assert dispatching.dispatch(turn.session, now=turn.now, world=runtime, limit=3) == 3
        plans = plans_of(turn.session, statements, "newsletter_recipient", small=True)
        assert used(plans, "ix_newsletter_recipient_left"), plans
        assert_no_walk(plans, "newsletter_recipient")
        # Planning reads the people it plans, by number, and never the whole address book.
        sqlite = runtime.engine.dialect.name == "sqlite"  # PostgreSQL reads a small table at once into a hash
        about_people = [one for one in statements if sqlite and "contact" in one.statement]
        assert_no_walk({one.statement: plan_of(turn.session, one) for one in about_people}, "contact")


def test_counting_what_waits_and_limiting_a_way_read_no_history(runtime):
    ready(runtime)
    with runtime.turn() as turn:
        with said(runtime) as statements:
            outbox.waiting_in(turn.session, "all")
            throttling.take(turn.session, {"memory": 5}, now=turn.now)
        assert_no_walk(plans_of(turn.session, statements, "delivery"))


def test_planning_a_batch_looks_its_people_up_by_both_unique_keys(runtime):
    people = ready(runtime)
    with said(runtime) as statements:
        put(runtime, *people, kind="newsletter", step="again")
    with runtime.turn() as turn:
        plans = plans_of(turn.session, statements, "delivery", small=True)
        asked = next(plan for statement, plan in plans.items() if "UNION" in statement)
        assert_no_walk({"union": asked})
        if runtime.engine.dialect.name == "sqlite":  # PostgreSQL knows that a step has few rows here
            assert "uq_delivery_address" in asked, asked
            assert "AND contact_id=? AND occurrence=?" in asked, asked


def test_an_opt_out_finds_its_people_by_their_address(runtime):
    ready(runtime)
    with runtime.turn() as turn:
        with said(runtime) as statements:
            consent.suppress(turn.session, now=turn.now, hashed="0" * 64, reason="unsubscribed", source="page")
        plans = plans_of(turn.session, statements, "contact", small=True)
        assert used(plans, "ix_contact_address_hash"), plans


def test_the_planner_of_newsletters_takes_large_slices():
    assert job_named("dispatch-newsletters").batch >= 10_000


def test_a_query_without_its_index_is_noticed(runtime):
    ready(runtime)
    with runtime.turn() as turn:
        for index in WAITING:
            turn.session.execute(text(f"DROP INDEX {index}"))
        with said(runtime) as statements:
            claiming.candidates(turn.session, now=turn.now, kind="newsletter", limit=20)
        (plan,) = plans_of(turn.session, statements, "delivery").values()
        assert walks_over(plan, "delivery"), plan
