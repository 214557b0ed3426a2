"""The day itself: who came, what it cost, and the thank-you afterwards."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.errors import Refusal
from outreach.events import attending, following_up
from outreach.events.leaving import Left, note_left
from outreach.events.models import Attendance, Event, EventMessage
from outreach.gifts.models import ValueEntry
from outreach.gifts.recording import Given, record
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import THE_DAY, lunch_with, plan, sent, tick, wait_until
from tests.people import Cast

AFTER_LUNCH = "2026-03-26T14:00:00-04:00"
NEXT_DAY = "2026-03-27T09:30:00-04:00"


def came(turn: Turn, event: Event, *contact_ids: int) -> None:
    for each in contact_ids:
        assert isinstance(attending.sign_in(turn.session, event, now=turn.now, by_id=None, contact_id=each), Attendance)


def held(turn: Turn, event: Event, cost_cents: int | None = None) -> attending.Held:
    made = attending.take_place(turn.session, event, now=turn.now, by_id=None, cost_cents=cost_cents)
    assert isinstance(made, attending.Held), made
    return made


def test_nobody_signs_in_before_the_day(turn: Turn, cast: Cast) -> None:
    early = attending.sign_in(turn.session, plan(turn, cast), now=turn.now, by_id=None, contact_id=cast.raman)
    assert isinstance(early, Refusal)
    assert early.reason == "too-early"


def test_invited_people_and_walk_ins_sign_in_once(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        came(turn, event, cast.raman, cast.denise, cast.raman)
        for typed in (" New\nnurse ", "New nurse"):
            attending.sign_in(turn.session, event, now=turn.now, by_id=None, name=typed, role="staff")
    with runtime.turn(write=False) as turn:
        rows = turn.session.scalars(select(Attendance).order_by(Attendance.id)).all()
        assert [(row.contact_id, row.name, row.role, row.walk_in) for row in rows] == [
            (cast.raman, "", "clinician", False),
            (cast.denise, "", "staff", True),
            (None, "New nurse", "staff", True),
        ]
        told = turn.session.scalars(select(Touch).where(Touch.kind == "attended")).all()
        assert {touch.contact_id for touch in told} == {cast.raman, cast.denise}
    assert "attended" in PERSONAL


def test_a_slip_at_the_door_is_taken_back(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        came(turn, event, cast.raman)
        assert attending.sign_out(turn.session, event, 1) is None
        assert turn.session.scalars(select(Touch).where(Touch.kind == "attended")).all() == []


def test_the_meal_is_shared_over_the_sheet_and_stands_in_the_ledger(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        came(turn, event, cast.raman, cast.denise)
        attending.sign_in(turn.session, event, now=turn.now, by_id=None, name="Theo Park", role="ours")
        assert held(turn, event, 10_000) == attending.Held(present=3, in_ledger=2)
        assert held(turn, event, 10_000).in_ledger == 2
    with runtime.turn(write=False) as turn:
        rows = turn.session.scalars(select(ValueEntry).order_by(ValueEntry.contact_id)).all()
        assert [(row.contact_id, row.amount_cents, row.given_on) for row in rows] == [
            (cast.raman, 3_334, THE_DAY),
            (cast.denise, 3_334, THE_DAY),
        ]


def test_a_meal_nobody_signed_for_cannot_be_split(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        refused = attending.take_place(turn.session, event, now=turn.now, by_id=None, cost_cents=10_000)
        assert isinstance(refused, Refusal)
        assert (refused.reason, event.status) == ("no-sign-in", "booked")


def test_who_is_remembered_after_the_meal_was_shared_is_in_the_ledger_too(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        came(turn, event, cast.raman)
        held(turn, event, 2_000)
        came(turn, event, cast.okafor)
        eaten = select(ValueEntry.contact_id, ValueEntry.amount_cents).order_by(ValueEntry.id)
        assert turn.session.execute(eaten).all() == [(cast.raman, 2_000), (cast.okafor, 1_000)]
        other = attending.take_place(turn.session, event, now=turn.now, by_id=None, cost_cents=4_000)
        assert isinstance(other, Refusal)
        assert (other.reason, event.cost_cents) == ("already-shared", 2_000)


def test_a_meal_over_the_limit_is_entered_and_an_administrator_hears_of_it(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        before = Given(cast.raman, THE_DAY, "item", "Books", 53_000)
        record(turn.session, before, now=turn.now, today=THE_DAY, by_id=None)
        event = turn.session.get_one(Event, event_id)
        came(turn, event, cast.raman)
        assert held(turn, event, 2_000).over_limit == 1
        task = turn.session.scalars(select(Task).where(Task.origin == f"value:{event_id}:{cast.raman}")).one()
        assert "$15 over the limit of $535" in task.title
        assert "paid back by Sep 22, 2026" in task.title


def test_an_event_has_not_taken_place_before_it_began(turn: Turn, cast: Cast) -> None:
    early = attending.take_place(turn.session, plan(turn, cast), now=turn.now, by_id=None)
    assert isinstance(early, Refusal)
    assert early.reason == "too-early"


def test_who_came_is_thanked_the_next_day_and_who_did_not_is_not(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman, cast.okafor)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        came(turn, event, cast.raman, cast.denise, cast.silent)
        held(turn, event)
    tick(runtime, "follow-up-events")
    assert sent(runtime, kind="thank-you") == []
    wait_until(clock, NEXT_DAY)
    tick(runtime, "follow-up-events")
    tick(runtime, "follow-up-events")
    thanked = sorted(mail.to_email for mail in sent(runtime, kind="thank-you"))
    assert thanked == ["front@lakeside.example", "p.raman@lakeside.example"]
    assert all(mail.calendar is None and mail.list_unsubscribe_url for mail in sent(runtime, kind="thank-you"))


def test_the_thank_you_waits_for_the_sign_in_sheet_but_not_for_ever(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, NEXT_DAY)
    tick(runtime, "follow-up-events")
    with runtime.turn(write=False) as turn:
        states = select(EventMessage.state).where(EventMessage.step == "thanks")
        assert turn.session.scalars(states).all() == ["planned"]
    clock.advance(following_up.TOO_LATE + timedelta(days=1))
    tick(runtime, "follow-up-events")
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(states).all() == ["skipped"]
    assert event_id


def test_entering_the_sheet_closes_its_task(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, AFTER_LUNCH)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        came(turn, event, cast.raman)
        held(turn, event)
        task = turn.session.scalars(select(Task).where(Task.origin == f"event:{event_id}:sign-in")).one()
        assert task.outcome == "done"


def test_what_is_left_there_is_noted_and_the_next_step_is_one_task(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)

    def noted(**said: Any) -> tuple[str | None, list[tuple[str, date]]]:
        with runtime.turn() as turn:
            event = turn.session.get_one(Event, event_id)
            no = note_left(turn.session, event, Left(**said), now=turn.now, by_id=None)
            open_ones = select(Task).where(Task.origin.contains(":next:"), Task.closed_at.is_(None)).order_by(Task.id)
            found = [(task.title, task.due_on) for task in turn.session.scalars(open_ones)]
            return no.reason if no is not None else None, found

    assert noted(next_step="Send the protocol") == ("too-early", [])
    wait_until(clock, AFTER_LUNCH)
    send_it = "Send the protocol: Shoulders after surgery"
    assert noted(next_step="Send the protocol", next_on=THE_DAY - timedelta(days=1)) == ("past", [])
    assert noted(next_step="Send the protocol") == (None, [(send_it, THE_DAY + timedelta(days=7))])
    assert noted(next_step="Call Denise", materials_left="A poster")[1] == [
        ("Call Denise: Shoulders after surgery", THE_DAY + timedelta(days=7))
    ]
    later = THE_DAY + timedelta(days=20)
    assert noted(next_step="Send the protocol", next_on=later)[1] == [(send_it, later)]
    assert noted() == (None, [])
