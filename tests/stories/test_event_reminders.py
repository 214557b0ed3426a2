"""A lunch from the invitation to the thank-you, in virtual time: reminders follow the event and the answers."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.contacts.consent import address_hash, suppress
from outreach.contacts.models import Contact
from outreach.deliveries.models import Delivery
from outreach.events import rescheduling
from outreach.events.models import Event, EventMessage
from outreach.events.planning import When
from outreach.runtime import Runtime
from tests.events.lunches import THE_DAY, at, entry_of, lunch_with, page_of, press, sent, tick, wait_until
from tests.people import Cast


def live_through(runtime: Runtime, clock: FrozenClock, until: str, *, hours: int = 1) -> None:
    """Every so many hours the ticks of events run, until that instant."""
    while clock.now() < at(until):
        clock.advance(timedelta(hours=hours))
        tick(runtime, "remind-events", "follow-up-events")


def move(runtime: Runtime, event_id: int, when: When) -> None:
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        made = rescheduling.move(turn.session, event, when, now=turn.now, world=runtime, by_id=None)
        assert isinstance(made, rescheduling.Changed)


def reminders(runtime: Runtime) -> list[tuple[str, str, str]]:
    """(kind, to whom, local time) of the reminders that left."""
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(
            select(Delivery.kind, Delivery.email, Delivery.sent_at, Delivery.zone)
            .where(Delivery.kind.startswith("reminder"), Delivery.sent_at.is_not(None))
            .order_by(Delivery.sent_at, Delivery.email)
        ).all()

    return [
        (kind, email.split("@")[0], f"{when.astimezone(ZoneInfo(zone)):%m-%d %H}") for kind, email, when, zone in rows
    ]


def test_reminders_differ_by_answer_and_each_comes_once(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    lunch_with(runtime, cast, cast.raman, cast.okafor, cast.denise)
    press(visitor, page_of(sent(runtime, to="p.raman")[0]), "yes")
    press(visitor, page_of(sent(runtime, to="front")[0]), "no")
    live_through(runtime, clock, "2026-03-30T00:00:00+00:00", hours=2)
    assert reminders(runtime) == [
        ("reminder-unanswered", "s.okafor", "03-12 09"),
        ("reminder", "p.raman", "03-19 09"),
        ("reminder-unanswered", "s.okafor", "03-19 09"),
        ("reminder", "p.raman", "03-25 09"),
    ]
    for mail in sent(runtime, kind="reminder"):
        assert bool(mail.list_unsubscribe_url) == (mail.kind == "reminder-unanswered")


def test_an_event_that_moves_after_the_reminder_was_planned_takes_it_along(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    press(visitor, page_of(sent(runtime)[0]), "yes")
    wait_until(clock, "2026-03-24T15:00:00+00:00")
    tick(runtime, "remind-events")
    with runtime.turn(write=False) as turn:
        waiting = turn.session.scalars(select(Delivery).where(Delivery.step == "remind-1")).one()
        assert (waiting.state, waiting.due_at) == ("scheduled", at("2026-03-25T13:00:00+00:00"))
    move(runtime, event_id, When(THE_DAY + timedelta(days=14), 12 * 60 + 15, 60, "America/New_York", "Room"))
    tick(runtime)
    update = sent(runtime, kind="invitation-update")[0]
    assert entry_of(update)[1].sequence.value == "1"
    press(visitor, page_of(update), "yes")
    live_through(runtime, clock, "2026-04-12T00:00:00+00:00", hours=2)
    assert reminders(runtime) == [("reminder", "p.raman", "04-02 09"), ("reminder", "p.raman", "04-08 09")]
    with runtime.turn(write=False) as turn:
        old = turn.session.scalars(
            select(Delivery).where(Delivery.step == "remind-1", Delivery.occurrence == "0")
        ).one()
        assert (old.state, old.reason) == ("cancelled", "event-changed")
        planned = turn.session.scalars(select(EventMessage.state).where(EventMessage.sequence == 0))
        assert "planned" not in set(planned)


def test_a_reminder_arrives_at_nine_where_its_reader_lives(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.okafor).time_zone = "America/Los_Angeles"
        turn.session.get_one(Contact, cast.denise).time_zone = "Europe/Berlin"
    lunch_with(runtime, cast, cast.okafor, cast.denise, cast.raman)
    live_through(runtime, clock, "2026-03-14T00:00:00+00:00")
    assert sorted(reminders(runtime)) == [
        ("reminder-unanswered", "front", "03-12 09"),
        ("reminder-unanswered", "p.raman", "03-12 09"),
        ("reminder-unanswered", "s.okafor", "03-12 09"),
    ]
    assert "9:15 am in your time" in sent(runtime, to="okafor", kind="reminder")[0].text


def test_who_answers_while_the_reminder_waits_does_not_get_it(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    lunch_with(runtime, cast, cast.raman)
    wait_until(clock, "2026-03-11T20:00:00+00:00")
    tick(runtime, "remind-events")
    press(visitor, page_of(sent(runtime)[0]), "no")
    live_through(runtime, clock, "2026-03-30T00:00:00+00:00", hours=6)
    assert reminders(runtime) == []


def test_a_cancelled_event_reminds_nobody(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    wait_until(clock, "2026-03-11T20:00:00+00:00")
    tick(runtime, "remind-events")
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        rescheduling.cancel(turn.session, event, now=turn.now, world=runtime, by_id=None)
    live_through(runtime, clock, "2026-03-30T00:00:00+00:00", hours=6)
    assert reminders(runtime) == []
    assert [mail.kind for mail in sent(runtime)] == ["invitation", "cancellation"]


def test_after_a_long_stop_no_reminder_comes_after_the_event(runtime: Runtime, cast: Cast, clock: FrozenClock) -> None:
    lunch_with(runtime, cast, cast.raman)
    wait_until(clock, "2026-03-26T20:00:00+00:00")
    tick(runtime, "remind-events")
    assert reminders(runtime) == []


def test_a_reminder_that_waited_through_a_stop_of_the_worker_expires_with_the_event(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    lunch_with(runtime, cast, cast.raman)
    press(visitor, page_of(sent(runtime)[0]), "yes")
    wait_until(clock, "2026-03-24T15:00:00+00:00")
    tick(runtime, "remind-events")
    wait_until(clock, "2026-03-26T17:00:00+00:00")
    tick(runtime, "remind-events")
    assert reminders(runtime) == []
    with runtime.turn(write=False) as turn:
        reminder = turn.session.scalars(select(Delivery).where(Delivery.step == "remind-1")).one()
        assert (reminder.state, reminder.reason) == ("expired", "too-late")


def test_an_opt_out_stops_the_commercial_reminder_and_spares_the_accepted_meeting(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    lunch_with(runtime, cast, cast.raman, cast.okafor)
    press(visitor, page_of(sent(runtime, to="p.raman")[0]), "yes")

    def no_events(email: str) -> Any:
        with runtime.turn() as turn:
            hashed = address_hash(runtime.key, email)
            suppress(turn.session, now=turn.now, hashed=hashed, reason="unsubscribed", source="page", topic="events")

    no_events("p.raman@lakeside.example")
    no_events("s.okafor@northgate.example")
    live_through(runtime, clock, "2026-03-27T00:00:00+00:00", hours=3)
    assert {(kind, who) for kind, who, _ in reminders(runtime)} == {("reminder", "p.raman")}
