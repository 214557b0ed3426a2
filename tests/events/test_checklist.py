"""The checklist ticks itself off where the program knows: nobody is nagged about what is done or pointless."""

from datetime import timedelta

from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.events import attending
from outreach.events.models import Event
from outreach.runtime import Runtime
from tests.events.lunches import lunch_with
from tests.people import Cast


def outcome_of(runtime: Runtime, event_id: int, step: str) -> str | None:
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(Task.outcome).where(Task.origin == f"event:{event_id}:{step}")).one()


def test_sending_the_invitations_ticks_off_its_task(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    assert outcome_of(runtime, event_id, "invite") == "done"
    assert outcome_of(runtime, event_id, "brief") is None


def test_what_was_to_do_before_the_day_is_dropped_when_the_event_took_place(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    with runtime.turn(write=False) as turn:
        starts_at = turn.session.get_one(Event, event_id).starts_at
    assert starts_at is not None
    clock.advance(starts_at + timedelta(hours=2) - clock.now())
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        signed = attending.sign_in(turn.session, event, now=turn.now, by_id=None, contact_id=cast.raman)
        assert not isinstance(signed, Refusal)
        held = attending.take_place(turn.session, event, now=turn.now, by_id=None, cost_cents=2_000)
        assert not isinstance(held, Refusal)
    assert outcome_of(runtime, event_id, "brief") == "dropped"
    assert outcome_of(runtime, event_id, "sign-in") == "done"
    assert outcome_of(runtime, event_id, "follow-up") is None
