"""Answers: the page, the telephone, places and diets. Looking never answers."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.events import inviting, places, queries, rescheduling, rsvping
from outreach.events.models import Event, Invitation, Rsvp
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import invite, lunch_with, page_of, plan, press, sent
from tests.people import Cast


def kept(runtime: Runtime) -> Invitation:
    with runtime.turn(write=False) as turn:
        return turn.session.scalars(select(Invitation)).one()


def heads(turn: Turn, event: Event) -> queries.Heads:
    return queries.heads(queries.guests(turn.session, event))


def answer(turn: Turn, one: Invitation, said: str, **more: Any) -> Rsvp | Refusal:
    return rsvping.answer(turn.session, one, now=turn.now, answer=said, source="page", **more)


def test_a_link_preselects_and_only_the_press_records(visitor: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    lunch_with(runtime, cast, cast.raman)
    path = page_of(sent(runtime)[0])
    for _ in range(3):
        shown = visitor.get(path).get_data(as_text=True)
        visitor.head(path)
    assert "Press <strong>Yes</strong> to confirm" in shown
    assert kept(runtime).answer == "none"
    assert press(visitor, path, "yes").status_code == 303
    assert kept(runtime).answer == "yes"


def test_guests_and_special_meals_are_asked_after_the_yes_and_change_until_the_start(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    path = page_of(sent(runtime)[0])
    press(visitor, path, "yes")
    assert "Vegetarian" in visitor.get(path).get_data(as_text=True)
    press(visitor, path, "yes", guests="3", **{"diet-vegetarian": "2", "diet-halal": ""}, comment="We eat fast")
    press(visitor, path, "yes", guests="2", **{"diet-vegetarian": "1"})
    with runtime.turn(write=False) as turn:
        event = turn.session.get_one(Event, event_id)
        assert heads(turn, event) == queries.Heads({"yes": 1}, 2, {"vegetarian": 1})
        assert heads(turn, event).total == 3
        assert queries.comments(turn.session, event) == ["We eat fast"]
        assert len(queries.history(turn.session, 1)) == 3
    press(visitor, path, "no")
    assert (kept(runtime).answer, kept(runtime).guests) == ("no", 0)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"guests": "300"}, "up to 10 people"),
        ({"guests": "-4"}, "up to 10 people"),
        ({"guests": "lots"}, "up to 10 people"),
        ({"guests": "1", "diet-vegan": "9"}, "more special meals than people"),
    ],
)
def test_numbers_that_cannot_be_are_refused_and_the_answer_stands(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, typed: dict[str, str], why: str
) -> None:
    lunch_with(runtime, cast, cast.raman)
    path = page_of(sent(runtime)[0])
    press(visitor, path, "yes", guests="1")
    answered = press(visitor, path, "yes", **typed)
    assert answered.status_code == 422
    assert why in answered.get_data(as_text=True)
    assert (kept(runtime).answer, kept(runtime).guests) == ("yes", 1)


def test_a_token_cut_short_guessed_or_of_another_purpose_gets_the_same_kind_page(
    visitor: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    lunch_with(runtime, cast, cast.raman)
    path = page_of(sent(runtime)[0]).partition("?")[0]
    organizer = re.search(rb"rsvp\+([A-Za-z0-9_-]{22})@", sent(runtime)[0].calendar.ics.replace(b"\r\n ", b""))
    assert organizer
    tries = (path[:-1], path[:8], "/r/x", "/r/" + "A" * 22, f"/r/{organizer.group(1).decode()}", "/r/" + "é" * 200)
    pages = [visitor.get(one) for one in (*tries, f"{path[:-1]}/event.ics")]
    assert {one.status_code for one in pages} == {404}
    assert len({one.data for one in pages}) == 1
    said = pages[0].get_data(as_text=True)
    assert "Nothing was changed" in said
    assert "Shoulders" not in said
    assert "Raman" not in said


def test_a_cancelled_or_past_event_says_so_and_takes_no_answer(
    visitor: FlaskClient, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    path = page_of(sent(runtime)[0])
    token_page = visitor.get(path).get_data(as_text=True)
    clock.advance(timedelta(days=40))
    assert "This event is over" in visitor.get(path).get_data(as_text=True)
    with visitor.session_transaction():
        pass
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', token_page)
    assert csrf
    with runtime.turn() as turn:
        one = turn.session.scalars(select(Invitation)).one()
        late = answer(turn, one, "yes")
        assert isinstance(late, Refusal)
        assert late.reason == "past"
    clock.set(clock.now() - timedelta(days=40))
    with runtime.turn() as turn:
        event = turn.session.get_one(Event, event_id)
        rescheduling.cancel(turn.session, event, now=turn.now, world=runtime, by_id=None)
    assert "This event was cancelled" in visitor.get(path).get_data(as_text=True)


def test_three_hundred_people_for_twelve_places_fill_twelve(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    event = plan(turn, cast, capacity=12)
    everyone = [
        Invitation(
            event_id=event.id, contact_id=cast.raman, uid=f"{n}", issued_at=turn.now, invited_at=turn.now, diets={}
        )
        for n in range(300)
    ]
    from outreach.contacts.models import Contact

    for n, one in enumerate(everyone):
        person = Contact(
            kind="physician",
            last_name=f"Guest {n}",
            sort_name=f"guest {n:03}",
            added_on=turn.now.date(),
            created_at=turn.now,
            updated_at=turn.now,
        )
        turn.session.add(person)
        turn.session.flush()
        one.contact_id = person.id
    turn.session.add_all(everyone)
    turn.session.flush()
    said = [answer(turn, one, "yes") for one in everyone]
    answers = [row.answer for row in said if isinstance(row, Rsvp)]
    assert (answers.count("yes"), answers.count("waiting")) == (12, 288)
    assert places.free_places(turn.session, event) == 0


def test_a_place_that_opens_up_goes_to_the_first_who_waits(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    event = plan(turn, cast, capacity=1)
    first, second = invite(turn, runtime, event, cast.raman, cast.okafor)
    answer(turn, first, "yes")
    answer(turn, second, "yes")
    assert second.answer == "waiting"
    answer(turn, second, "yes", comment="Gladly")
    assert second.answered_at == turn.now
    answer(turn, first, "no")
    assert (first.answer, second.answer) == ("no", "yes")
    assert places.free_places(turn.session, event) == 0


def test_the_same_button_pressed_twice_is_one_answer(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    [one] = invite(turn, runtime, plan(turn, cast), cast.raman)
    assert answer(turn, one, "yes", guests=1) is answer(turn, one, "yes", guests=1)
    assert len(queries.history(turn.session, one.id)) == 1
    answer(turn, one, "yes", guests=2)
    assert len(queries.history(turn.session, one.id)) == 2


def test_more_guests_than_places_are_refused_and_the_yes_stands(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    event = plan(turn, cast, capacity=3)
    [one] = invite(turn, runtime, event, cast.raman)
    answer(turn, one, "yes", guests=1)
    refused = answer(turn, one, "yes", guests=5)
    assert isinstance(refused, Refusal)
    assert (refused.reason, one.guests) == ("full", 1)


def test_every_answer_is_told_and_kept_and_the_last_counts(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    event = plan(turn, cast)
    [one] = invite(turn, runtime, event, cast.raman)
    for said in ("maybe", "no", "yes"):
        answer(turn, one, said)
    told = turn.session.scalars(select(Touch.text).where(Touch.kind == "rsvp").order_by(Touch.id)).all()
    assert [text.partition(":")[0] for text in told] == ["Answered not sure", "Answered no", "Answered yes"]
    assert [row.answer for row in queries.history(turn.session, one.id)] == ["yes", "no", "maybe"]
    assert one.answer == "yes"


def test_diets_never_stand_beside_a_name(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    event_id = lunch_with(runtime, cast, cast.raman)
    with runtime.turn() as turn:
        one = turn.session.scalars(select(Invitation)).one()
        answer(turn, one, "yes", diets={"kosher": 1})
    page = maya.get(f"/events/{event_id}").get_data(as_text=True)
    row = page[page.index("Raman") : page.index("</tr>", page.index("Raman"))]
    assert "kosher" not in row.lower()
    assert "1 kosher" in page


def test_somebody_without_email_can_say_yes_by_telephone(turn: Turn, runtime: Runtime, cast: Cast) -> None:
    event = plan(turn, cast)
    added = inviting.add_by_phone(
        turn.session, event, cast.silent, now=turn.now, answer="yes", guests=1, by_id=cast.maya
    )
    assert isinstance(added, Invitation)
    assert (added.state, heads(turn, event).total) == ("by-phone", 2)
    assert turn.session.scalars(select(Rsvp.source)).one() == "staff"


def test_the_page_offers_the_entry_under_the_same_uid(visitor: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    lunch_with(runtime, cast, cast.raman)
    path = page_of(sent(runtime)[0]).partition("?")[0]
    entry = visitor.get(f"{path}/event.ics")
    assert entry.content_type == "text/calendar; charset=utf-8"
    assert f"UID:{kept(runtime).uid}" in entry.get_data(as_text=True)
    assert "ATTENDEE" not in entry.get_data(as_text=True)
