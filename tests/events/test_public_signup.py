"""Anybody signs up for a talk on a public page: places, the waiting list, hostile forms, and deletion afterwards."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.events import places, signing_up, telling
from outreach.events.models import Event
from outreach.events.public_models import EventPage, EventSignup
from outreach.events.signing_up import Typed
from tests.events.lunches import plan
from tests.people import post

NADIA = {"name": "Nadia Öz نادية", "phone": "(555) 214-7001", "party": "2", "form_key": "one"}


@pytest.fixture
def talk(runtime, cast):
    """A talk with three places and its public page; answers (event id, code)."""
    with runtime.turn() as turn:
        event = plan(turn, cast, type="community-talk", title="Steady on your feet", meal=False, capacity=3)
        page = signing_up.open_page(turn.session, event, now=turn.now, by_id=cast.maya, words="Bring a friend.")
        return event.id, page.code


def rows(runtime):
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(EventSignup).order_by(EventSignup.id)).all()


def sign_up(turn, event_id, name, party=1):
    page = turn.session.get_one(EventPage, event_id)
    return signing_up.sign_up(turn.session, page, Typed(name, "555-214-7001", "", party, name), now=turn.now)


def test_somebody_signs_up_once_and_becomes_neither_contact_nor_mail(visitor, runtime, talk):
    before = visitor.get(f"/come/{talk[1]}").get_data(as_text=True)
    assert "Steady on your feet" in before
    assert "Bring a friend." in before
    assert not rows(runtime), "looking changes nothing"
    for _ in range(2):
        answer = post(visitor, f"/come/{talk[1]}", NADIA)
        assert answer.headers["Location"] == f"/come/{talk[1]}?thanks=coming"
    (one,) = rows(runtime)
    assert (one.name, one.party, one.state) == (NADIA["name"], 2, "coming")
    assert "You have a place" in visitor.get(f"/come/{talk[1]}?thanks=coming").get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(Contact.id).where(Contact.name == one.name)) is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"name": "  "}, "tell us your name"),
        ({"phone": ""}, "leave a phone number or an email"),
        ({"phone": "12"}, "not look like a phone number"),
        ({"phone": "", "email": "nobody"}, "not look like an email"),
        ({"party": "7"}, "up to 6 people"),
        ({"party": "many"}, "up to 6 people"),
    ],
)
def test_a_form_that_cannot_be_used_comes_back_with_what_was_typed(visitor, runtime, talk, changed, why):
    answer = post(visitor, f"/come/{talk[1]}", {**NADIA, **changed})
    assert answer.status_code == 422
    assert why in answer.get_data(as_text=True)
    assert not rows(runtime)


def test_programs_and_floods_are_kept_out(visitor, runtime, talk):
    assert visitor.post(f"/come/{talk[1]}", data=NADIA).status_code == 400, "without its CSRF token"
    assert post(visitor, f"/come/{talk[1]}", {**NADIA, "homepage": "x"}).status_code == 303
    assert not rows(runtime)
    statuses = [post(visitor, f"/come/{talk[1]}", {**NADIA, "form_key": str(each)}).status_code for each in range(6)]
    assert statuses == [303] * 5 + [429]
    assert visitor.get("/come/guessed").status_code == 404


def test_places_are_shared_with_invitations_and_the_first_who_fits_moves_up(runtime, cast, talk):
    with runtime.turn() as turn:
        ada, ben, cleo, dan = (
            sign_up(turn, talk[0], name, party) for name, party in zip("ABCD", (2, 2, 1, 1), strict=True)
        )
        assert [each.state for each in (ada, ben, cleo, dan)] == ["coming", "waiting", "coming", "waiting"]
        event = turn.session.get_one(Event, talk[0])
        assert places.free_places(turn.session, event) == 0
        assert signing_up.withdraw(turn.session, cleo, now=turn.now) == [dan], "two do not fit where one left"
        assert signing_up.withdraw(turn.session, cleo, now=turn.now) == [], "a second press changes nothing"
        event.capacity = 5
        assert places.move_up(turn.session, event, now=turn.now) == [ben]
        told = telling.tell(turn.session, now=turn.now, world=runtime)
        calls = turn.session.scalars(select(Task.title).where(Task.origin.like(f"event-call:{event.id}:%"))).all()
        assert (told, len(calls)) == (2, 2), "they left a number only"


def test_only_a_talk_that_lies_ahead_has_a_page_and_a_closed_one_takes_nobody(runtime, cast, clock, talk):
    with runtime.turn() as turn:
        lunch = plan(turn, cast)
        refused = signing_up.open_page(turn.session, lunch, now=turn.now, by_id=None)
        assert isinstance(refused, Refusal)
        assert refused.reason == "not-public"
        event = turn.session.get_one(Event, talk[0])
        signing_up.close_page(turn.session, event, now=turn.now)
        assert sign_up(turn, talk[0], "Ada").reason == "closed"
        signing_up.open_page(turn.session, event, now=turn.now, by_id=None)
        assert sign_up(turn, talk[0], "Ada").state == "coming"
        ends_at = event.ends_at
    clock.advance(ends_at - clock.now() + timedelta(days=89))
    with runtime.turn() as turn:
        assert sign_up(turn, talk[0], "Ben").reason == "past"
        assert signing_up.purge(turn.session, now=turn.now) == 0
        assert signing_up.purge(turn.session, now=turn.now + timedelta(days=2)) == 1


def test_maya_opens_the_page_and_ticks_off_who_came(maya, runtime, cast, talk):
    with runtime.turn() as turn:
        signup_id = sign_up(turn, talk[0], "Ada Lund", 2).id
    here = f"/events/{talk[0]}/sign-ups"
    page = maya.get(here).get_data(as_text=True)
    assert "Ada Lund" in page
    assert f"/come/{talk[1]}" in page
    assert here in maya.get(f"/events/{talk[0]}").get_data(as_text=True)
    post(maya, f"{here}/{signup_id}", {"do": "came"}, form_at=here)
    assert rows(runtime)[0].came
    post(maya, f"{here}/page", {"do": "close"}, form_at=here)
    assert "sign-up is closed" in maya.get(here).get_data(as_text=True)
    post(maya, f"{here}/{signup_id}", {"do": "withdraw"}, form_at=here)
    assert rows(runtime)[0].state == "cancelled"
