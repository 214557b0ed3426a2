"""Somebody is away: a colleague has what is due meanwhile, and it comes back by itself."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.contacts import tasks
from outreach.contacts.tasks import Task
from outreach.events import standing_in
from outreach.events.away_models import Absence
from outreach.events.models import Event
from outreach.practice.models import Person
from tests.events.lunches import THE_DAY, at, plan, sent, tick, wait_until
from tests.people import post, sign_in

WEEK_BEFORE = THE_DAY - timedelta(days=7)


def due(turn, cast, day, title="Call", owner=None):
    return tasks.add(turn.session, now=turn.now, kind="call", title=title, due_on=day, owner_id=owner or cast.maya).id


def owner_of(runtime, task_id):
    with runtime.turn(write=False) as turn:
        return turn.session.get_one(Task, task_id).owner_id


@pytest.fixture
def lunch(runtime, cast):
    with runtime.turn() as turn:
        event = plan(turn, cast)
        late, far, done = (due(turn, cast, THE_DAY + timedelta(days=n)) for n in (-27, 60, 0))
        tasks.close(turn.session, turn.session.get_one(Task, done), now=turn.now, by_id=cast.maya)
        return event.id, late, far, done


def away(client, cast, first=WEEK_BEFORE, last=THE_DAY, **changed):
    typed = {"who": cast.maya, "to": cast.theo, "from": first.isoformat(), "until": last.isoformat(), **changed}
    return post(client, "/events/away", typed)


def test_it_goes_over_on_the_first_day_and_comes_back_after_the_last(maya, runtime, cast, clock, lunch):
    event_id, late, far, done = lunch
    assert away(maya, cast).status_code == 303
    assert owner_of(runtime, late) == cast.maya, "nothing moves before the first day"
    wait_until(clock, f"{WEEK_BEFORE}T05:30-04:00")
    tick(runtime, "hand-over")
    assert owner_of(runtime, late) == cast.maya, "nor in the night"
    wait_until(clock, f"{WEEK_BEFORE}T06:30-04:00")
    tick(runtime, "hand-over")
    with runtime.turn() as turn:
        assert turn.session.get_one(Event, event_id).host_id == cast.theo
        owners = {task.owner_id for task in turn.session.query(Task).where(Task.event_id == event_id)}
        assert owners == {cast.theo}, "the follow-up after the lunch goes with the lunch"
        came_in = due(turn, cast, THE_DAY - timedelta(days=1), "Call about Marisol Vega")
        tasks.close(turn.session, turn.session.get_one(Task, late), now=turn.now, by_id=cast.theo)
    tick(runtime, "hand-over")
    assert [owner_of(runtime, one) for one in (came_in, far, done)] == [cast.theo, cast.maya, cast.maya]
    wait_until(clock, f"{THE_DAY + timedelta(days=1)}T06:30-04:00")
    tick(runtime, "hand-over", "hand-over")
    assert [owner_of(runtime, one) for one in (came_in, late)] == [cast.maya, cast.theo], "what is done stays his"
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Event, event_id).host_id == cast.maya
    [asked, told, over], [back] = sent(runtime, to="theo@"), sent(runtime, to="maya@")
    assert asked.subject == "You are to stand in for Maya Jensen from March 19"
    assert told.subject == "You stand in for Maya Jensen until March 26"
    assert over.subject == "Maya Jensen is back"
    assert "1 event" in told.text
    assert "1 task was finished" in back.text
    assert "Marisol" not in told.text + back.text


def test_it_can_be_called_off_and_changed_and_nothing_is_lost(maya, runtime, cast, lunch):
    _, late, far, _ = lunch
    with runtime.turn(write=False) as turn:
        today = turn.now.date()
    away(maya, cast, first=today, last=today)
    assert owner_of(runtime, late) == cast.theo, "an absence of today begins at once"
    with runtime.turn(write=False) as turn:
        one = turn.session.scalars(select(Absence.id)).one()
    later = (THE_DAY + timedelta(days=60)).isoformat()
    assert post(maya, f"/events/away/{one}/until", {"until": later}, form_at="/events/away").status_code == 303
    assert owner_of(runtime, far) == cast.theo
    post(maya, f"/events/away/{one}/until", {"until": today.isoformat()}, form_at="/events/away")
    assert owner_of(runtime, far) == cast.maya, "what lies beyond the new last day comes back"
    for _ in range(2):
        post(maya, f"/events/away/{one}/end", form_at="/events/away")
    assert owner_of(runtime, late) == cast.maya
    tick(runtime, "send")
    said = [mail.subject for mail in sent(runtime, to="theo@")]
    assert said.count("Maya Jensen is back") == 1, "whoever stands in hears of each change, once"
    assert sum("is away until" in one for one in said) == 2
    assert away(maya, cast, first=today, last=today).status_code == 303, "and may be planned anew"


def test_what_the_colleague_gave_on_stays_there(maya, runtime, cast, lunch):
    with runtime.turn(write=False) as turn:
        today = turn.now.date()
    away(maya, cast, first=today)
    with runtime.turn() as turn:
        turn.session.get_one(Task, lunch[1]).owner_id = cast.olive
        standing_in.come_back(turn.session, turn.session.scalars(select(Absence)).one(), now=turn.now, world=runtime)
    assert owner_of(runtime, lunch[1]) == cast.olive


def test_who_leaves_meanwhile_breaks_no_chain(maya, runtime, cast, clock, lunch):
    away(maya, cast, first=at(f"{clock.now():%Y-%m-%d}T00:00+00:00").date())
    with runtime.turn() as turn:
        turn.session.get_one(Person, cast.theo).active = False
    tick(runtime, "hand-over")
    assert owner_of(runtime, lunch[1]) == cast.maya, "a colleague who left gives back at once"
    with runtime.turn() as turn:
        turn.session.get_one(Person, cast.theo).active = True
        turn.session.get_one(Person, cast.maya).active = False
    olive = sign_in(maya.application, runtime, "olive@cedarlane.example")
    assert b"Left the practice" in olive.get("/events/away").data
    typed = {"who": cast.maya, "to": cast.olive}
    assert post(olive, "/events/away/for-good", typed, form_at="/events/away").status_code == 303
    assert [owner_of(runtime, one) for one in lunch[1:]] == [cast.olive, cast.olive, cast.maya], "history stays hers"
    assert (
        post(olive, "/events/away/for-good", {"who": cast.theo, "to": cast.olive}, form_at="/events/away").status_code
        == 422
    )


def test_what_makes_no_sense_hands_nothing_over(maya, runtime, cast, lunch):
    me = str(cast.maya)
    for changed in ({"to": me}, {"to": ""}, {"to": "999"}, {"until": "2026-01-05"}, {"until": "soon"}, {"from": "x"}):
        answer = away(maya, cast, **changed)
        assert answer.status_code == 422
        assert "Nothing was changed" in answer.get_data(as_text=True)
    away(maya, cast)
    assert "away from March 19" in away(maya, cast, last=WEEK_BEFORE).get_data(as_text=True), "twice"
    cross = away(maya, cast, who=cast.olive, to=cast.maya).get_data(as_text=True)
    assert "Maya Jensen is away from" in cross
    chain = away(maya, cast, who=cast.theo, to=cast.olive).get_data(as_text=True)
    assert "Theo Park stands in for Maya Jensen" in chain


def test_a_clinician_hands_over_only_what_is_their_own(maya, app, runtime, cast, lunch):
    theo = sign_in(app, runtime, "theo@cedarlane.example")
    assert away(theo, cast).status_code == 403
    assert away(theo, cast, who=cast.theo, to=cast.maya).status_code == 303
    away(maya, cast, who=cast.olive, to=cast.maya, first=THE_DAY + timedelta(days=9), last=THE_DAY + timedelta(days=9))
    with runtime.turn(write=False) as turn:
        olives = turn.session.scalars(select(Absence.id).where(Absence.person_id == cast.olive)).one()
    assert post(theo, f"/events/away/{olives}/end", form_at="/events/away").status_code == 403
