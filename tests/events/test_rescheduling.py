"""Moving and cancelling: the calendar entry follows, reminders follow, nobody is left standing at the door."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.contacts.consent import address_hash, suppress
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task, close
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.events import inviting, rescheduling, rsvping
from outreach.events.models import Event, EventMessage, Invitation
from outreach.events.planning import When
from outreach.runtime import Runtime
from tests.events.lunches import THE_DAY, entry_of, lunch_with, plan, send, sent, tick
from tests.people import Cast

LATER = When(THE_DAY + timedelta(days=7), 12 * 60 + 30, 60, "America/New_York", "Conference room")


def change(runtime: Runtime, event_id: int, when: When | None) -> rescheduling.Changed:
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        if when is None:
            made = rescheduling.cancel(turn.session, event, now=turn.now, world=runtime, by_id=None)
        else:
            made = rescheduling.move(turn.session, event, when, now=turn.now, world=runtime, by_id=None)
    assert isinstance(made, rescheduling.Changed), made
    send(runtime)
    return made


def refused(runtime: Runtime, event_id: int, when: When) -> str:
    with runtime.turn() as turn:
        made = rescheduling.move(
            turn.session, turn.session.get_one(Event, event_id), when, now=turn.now, world=runtime, by_id=None
        )
    assert isinstance(made, Refusal)
    return made.reason


def say(runtime: Runtime, contact_id: int, answer: str) -> None:
    with runtime.turn() as turn:
        one = turn.session.scalars(select(Invitation).where(Invitation.contact_id == contact_id)).one()
        rsvping.answer(turn.session, one, now=turn.now, answer=answer, source="page")


def opt_out(runtime: Runtime, email: str) -> None:
    with runtime.turn() as turn:
        hashed = address_hash(runtime.key, email)
        suppress(turn.session, now=turn.now, hashed=hashed, reason="unsubscribed", source="page")


def test_a_moved_lunch_replaces_the_entry_of_everyone_invited(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman, cast.okafor)
    assert change(runtime, event_id, LATER) == rescheduling.Changed(told=2)
    before, after = sent(runtime, to="p.raman")
    method, entry = entry_of(after)
    assert (method, entry.sequence.value, after.kind) == ("REQUEST", "1", "invitation-update")
    assert entry.uid.value == entry_of(before)[1].uid.value
    assert entry.dtstart.value.isoformat() == "2026-04-02T12:30:00-04:00"
    assert "Thursday, April 2, 12:30 to 1:30 pm" in after.text


def test_only_time_and_place_raise_the_sequence(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    same = When(THE_DAY, 12 * 60 + 15, 60, "America/New_York", "Conference room")
    assert change(runtime, event_id, same) == rescheduling.Changed()
    room = When(THE_DAY, 12 * 60 + 15, 60, "America/New_York", "Library")
    assert change(runtime, event_id, room).told == 1
    assert entry_of(sent(runtime)[-1])[1].sequence.value == "1"


def test_a_new_room_keeps_the_answers_a_new_time_asks_again(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    say(runtime, cast.raman, "yes")
    change(runtime, event_id, When(THE_DAY, 12 * 60 + 15, 60, "America/New_York", "Library"))
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Invitation.answer)).one() == "yes"
    change(runtime, event_id, LATER)
    with runtime.turn(write=False) as turn:
        one = turn.session.scalars(select(Invitation)).one()
        assert (one.answer, one.earlier_answer) == ("none", "yes")


def test_an_invitation_that_still_waits_is_replaced_not_updated(
    runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    with runtime.turn() as turn:
        event = plan(turn, cast)
        made = inviting.invite(turn.session, event, now=turn.now, world=runtime, by_id=None, contact_ids=[cast.raman])
        assert isinstance(made, inviting.Invited)
    change(runtime, event.id, LATER)
    [mail] = sent(runtime)
    assert mail.kind == "invitation"
    assert entry_of(mail)[1].sequence.value == "1"


def test_moving_across_the_clock_change_and_to_another_zone(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    change(runtime, event_id, When(date(2026, 11, 2), 12 * 60 + 15, 60, "America/New_York", "Room"))
    entry = entry_of(sent(runtime)[-1])[1]
    assert entry.dtstart.value.isoformat() == "2026-11-02T12:15:00-05:00"
    change(runtime, event_id, When(date(2026, 11, 2), 12 * 60 + 15, 60, "America/Denver", "Room"))
    entry = entry_of(sent(runtime)[-1])[1]
    assert entry.dtstart.value.isoformat() == "2026-11-02T12:15:00-07:00"
    assert "12:15 to 1:15 pm (MST)" in sent(runtime)[-1].text


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (When(date(2026, 2, 1), 720, 60, "America/New_York"), "past"),
        (When(THE_DAY, 720, 60, "Nowhere/Here"), "unknown-zone"),
    ],
)
def test_a_move_that_cannot_be_changes_nothing(runtime: Runtime, cast: Cast, when: When, reason: str) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    assert refused(runtime, event_id, when) == reason
    send(runtime)
    assert len(sent(runtime)) == 1
    with runtime.turn(write=False) as turn:
        event = turn.session.get_one(Event, event_id)
        assert (event.sequence, event.starts_on) == (0, THE_DAY)


def test_cancelling_takes_the_entry_out_of_every_calendar_and_drops_the_rest(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman, cast.okafor)
    say(runtime, cast.okafor, "no")
    assert change(runtime, event_id, None) == rescheduling.Changed(told=2)
    for mail in sent(runtime, kind="cancellation"):
        method, entry = entry_of(mail)
        assert (method, entry.status.value, entry.sequence.value) == ("CANCEL", "CANCELLED", "1")
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Task).where(Task.closed_at.is_(None))).all() == []
        assert set(turn.session.scalars(select(EventMessage.state))) == {"cancelled", "sent"}
    assert change(runtime, event_id, None) == rescheduling.Changed()
    assert len(sent(runtime, kind="cancellation")) == 2


def test_who_opted_out_is_called_about_the_cancellation(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman, cast.okafor)
    opt_out(runtime, "p.raman@lakeside.example")
    assert change(runtime, event_id, None) == rescheduling.Changed(told=1, to_call=1)
    with runtime.turn(write=False) as turn:
        [task] = turn.session.scalars(select(Task).where(Task.closed_at.is_(None)))
        assert (task.kind, task.contact_id, task.owner_id) == ("call", cast.raman, cast.maya)
        assert "Dr. Priya Raman" in task.title
    assert [mail.to_email for mail in sent(runtime, kind="cancellation")] == ["s.okafor@northgate.example"]


def test_a_cancellation_that_is_stopped_in_the_outbox_becomes_one_call(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman, cast.okafor, cast.denise)
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        made = rescheduling.cancel(turn.session, event, now=turn.now, world=runtime, by_id=None)
        assert made == rescheduling.Changed(told=3)
        turn.session.get_one(Contact, cast.okafor).deceased_on = turn.now.date()
    opt_out(runtime, "p.raman@lakeside.example")
    tick(runtime, "call-unreached")
    assert [mail.to_email for mail in sent(runtime, kind="cancellation")] == ["front@lakeside.example"]
    open_ones = select(Task).where(Task.closed_at.is_(None), Task.kind == "call")
    for _ in range(2):
        tick(runtime, "call-unreached")
        with runtime.turn() as turn:
            [task] = turn.session.scalars(open_ones)
            assert (task.contact_id, task.owner_id) == (cast.raman, cast.maya)
            assert "is cancelled" in task.title
    with runtime.turn() as turn:
        close(turn.session, turn.session.scalars(open_ones).one(), now=turn.now, by_id=None)
    tick(runtime, "call-unreached")
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(open_ones).all() == [], "what was called is not asked again"


def test_who_never_got_the_invitation_gets_no_cancellation(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        event = plan(turn, cast)
        inviting.invite(turn.session, event, now=turn.now, world=runtime, by_id=None, contact_ids=[cast.raman])
    assert change(runtime, event.id, None) == rescheduling.Changed()
    assert sent(runtime) == []
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Delivery.state)).all() == ["cancelled"]


def test_who_said_yes_by_telephone_is_called(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        event = plan(turn, cast)
        added = inviting.add_by_phone(turn.session, event, cast.silent, now=turn.now, answer="yes", by_id=None)
        assert isinstance(added, Invitation)
    assert change(runtime, event.id, LATER).to_call == 1
    assert change(runtime, event.id, None).to_call == 1
    with runtime.turn() as turn:
        [task] = turn.session.scalars(select(Task).where(Task.closed_at.is_(None)))
        assert "is cancelled" in task.title, "nobody is called about a move that another change made untrue"


def test_nobody_is_asked_to_call_who_died(runtime: Runtime, cast: Cast) -> None:
    with runtime.turn() as turn:
        event = plan(turn, cast)
        inviting.add_by_phone(turn.session, event, cast.silent, now=turn.now, answer="yes", by_id=None)
        turn.session.get_one(Contact, cast.silent).deceased_on = turn.now.date()
    assert change(runtime, event.id, LATER).to_call == 0


@pytest.mark.postgresql
def test_a_change_counts_on_from_the_one_that_was_made_meanwhile(runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    with runtime.turn() as turn:
        seen_before = turn.session.get_one(Event, event_id)
        change(runtime, event_id, LATER)
        rescheduling.cancel(turn.session, seen_before, now=turn.now, world=runtime, by_id=None)
    send(runtime)
    assert [entry_of(mail)[1].sequence.value for mail in sent(runtime)] == ["0", "1", "2"]


def test_an_event_that_is_over_is_neither_moved_nor_cancelled(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    with runtime.turn() as turn:
        turn.session.get_one(Event, event_id).status = "took-place"
    assert refused(runtime, event_id, LATER) == "over"
    clock.advance(timedelta(days=30))
    tick(runtime, "remind-events", "follow-up-events")
    assert len(sent(runtime)) == 1
