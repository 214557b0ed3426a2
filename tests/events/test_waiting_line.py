"""One line for invited people and those who signed up: who gets a free place, how they hear of it, and a rush."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.contacts.tasks import Task
from outreach.deliveries.models import Delivery
from outreach.events import places, rescheduling, signing_up
from outreach.events.models import Event, Invitation
from outreach.events.public_models import EventPage, EventSignup
from outreach.events.signing_up import Typed
from tests.events.lunches import NOON, invite, page_of, plan, press, send, sent, tick


@pytest.fixture
def talk(runtime, cast):
    """A talk with two places, its page, and two people invited; answers the event's id."""
    with runtime.turn() as turn:
        event = plan(turn, cast, type="community-talk", title="Steady on your feet", meal=False, capacity=2)
        signing_up.open_page(turn.session, event, now=turn.now, by_id=None)
        invite(turn, runtime, event, cast.raman, cast.okafor)
        event_id = event.id
    send(runtime)
    return event_id


def sign_up(runtime, event_id, name, email="", party=1):
    with runtime.turn() as turn:
        typed = Typed(name, "555-214-7001", email, party, name)
        made = signing_up.sign_up(turn.session, turn.session.get_one(EventPage, event_id), typed, now=turn.now)
        assert isinstance(made, EventSignup), made
        return made.state


def said(runtime, event_id):
    """{contact id: answer} of the invited."""
    with runtime.turn(write=False) as turn:
        rows = turn.session.execute(
            select(Invitation.contact_id, Invitation.answer).where(Invitation.event_id == event_id)
        )
        return dict(rows.all())


def signed_up(runtime):
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(EventSignup).order_by(EventSignup.id)).all()


def calls(runtime):
    with runtime.turn(write=False) as turn:
        found = select(Task.title).where(Task.origin.startswith("event-call:"), Task.closed_at.is_(None))
        return turn.session.scalars(found.order_by(Task.id)).all()


def test_a_no_frees_a_place_for_who_signed_up_and_a_withdrawal_one_for_who_was_invited(
    visitor, runtime, cast, clock, talk
):
    raman, okafor = (page_of(sent(runtime, to=name)[0]) for name in ("p.raman", "s.okafor"))
    press(visitor, raman, "yes")
    assert sign_up(runtime, talk, "Ada Lund") == "coming"
    assert sign_up(runtime, talk, "Ben Lund", "ben@mail.example") == "waiting"
    clock.advance(timedelta(minutes=3))
    press(visitor, okafor, "yes")
    assert said(runtime, talk)[cast.okafor] == "waiting"
    press(visitor, raman, "no")
    assert [each.state for each in signed_up(runtime)] == ["coming", "coming"]
    assert said(runtime, talk)[cast.okafor] == "waiting", "who waited longer had it first"
    with runtime.turn() as turn:
        ada = turn.session.scalars(select(EventSignup).order_by(EventSignup.id)).first()
        signing_up.withdraw(turn.session, ada, now=turn.now)
    assert said(runtime, talk)[cast.okafor] == "yes"
    tick(runtime, "tell-events")
    tick(runtime, "tell-events")
    (to_ben,) = sent(runtime, to="ben@mail.example")
    assert to_ben.kind == "system"
    assert "a place opened up, and it is yours" in to_ben.text
    (to_okafor,) = sent(runtime, to="s.okafor", kind="invitation-update")
    assert to_okafor.subject.startswith("You have a place")
    assert page_of(to_okafor, "no")
    assert calls(runtime) == []
    with runtime.turn(write=False) as turn:
        asked = select(Delivery.audience_class).where(Delivery.step == "signup-place")
        assert turn.session.scalars(asked).all() == ["client"], "who signs up for a talk may be one"


def test_who_signed_up_hears_of_a_move_and_of_a_cancellation_by_mail_or_by_one_list_of_calls(runtime, cast, talk):
    for name, mail in (("Ada", ""), ("Ben", "ben@mail.example"), ("Cleo", "")):
        sign_up(runtime, talk, name, mail)
    for hours in (2, 1):
        with runtime.turn() as turn:
            later = NOON.__class__(NOON.on, NOON.minute + 60 * hours, 60, NOON.zone, "Hall")
            rescheduling.move(
                turn.session, turn.session.get_one(Event, talk), later, now=turn.now, world=runtime, by_id=None
            )
    tick(runtime, "tell-events")
    (told,) = sent(runtime, to="ben@mail.example")
    assert "1:15 to 2:15 pm" in told.text, "moved twice at once is told once"
    assert calls(runtime) == ["Call 2 people who signed up: “Steady on your feet” was moved"]
    with runtime.turn() as turn:
        rescheduling.cancel(turn.session, turn.session.get_one(Event, talk), now=turn.now, world=runtime, by_id=None)
    tick(runtime, "tell-events")
    assert sent(runtime, to="ben@mail.example")[-1].subject == "Cancelled: Steady on your feet"
    assert calls(runtime) == ["Call 2 people who signed up: “Steady on your feet” is cancelled"]


def test_a_rush_for_twelve_places_takes_exactly_twelve(runtime, talk):
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, talk)
        event.capacity = 12
    names = [f"Guest {number}" for number in range(60)]
    with ThreadPoolExecutor(12) as crowd:
        states = list(crowd.map(lambda name: sign_up(runtime, talk, name), names))
    assert (states.count("coming"), states.count("waiting")) == (12, 48)
    assert [each.state for each in signed_up(runtime)] == ["coming"] * 12 + ["waiting"] * 48
    with runtime.turn(write=False) as turn:
        assert places.free_places(turn.session, turn.session.get_one(Event, talk)) == 0
