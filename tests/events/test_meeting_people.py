"""People met at a conference are noted on a phone: once each, with a note to write, and nothing typed is lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns.models import StepDone
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.events.models import Attendance
from tests.campaigns import drips
from tests.campaigns.drips import call, live, way_of
from tests.events.lunches import plan, wait_until
from tests.people import post

CARD = {
    "name": "Dr. Zoë O'Brien, MD",
    "kind": "physician",
    "organization": "Harbor Spine",
    "email": "zoe@harbor.example",
    "phone": "",
    "note": "Wants our shoulder protocol",
}


@pytest.fixture
def here(runtime, cast, clock):
    """The page of a conference on its day."""
    with runtime.turn() as turn:
        event_id = plan(turn, cast, type="conference", title="Spine days", meal=False).id
    wait_until(clock, "2026-03-26T18:00:00+00:00")
    return f"/events/{event_id}/met"


def test_a_card_becomes_one_contact_with_a_note_to_write_within_two_days(maya, runtime, cast, here):
    for _ in range(2):
        assert post(maya, here, CARD).status_code == 303
    with runtime.turn(write=False) as turn:
        (met,) = turn.session.scalars(select(Contact).where(Contact.email == "zoe@harbor.example")).all()
        assert (met.first_name, met.last_name, met.source) == ("Zoë", "O'Brien", "Met at Spine days")
        (task,) = turn.session.scalars(select(Task).where(Task.contact_id == met.id)).all()
        assert str(task.due_on) == "2026-03-28"
        texts = turn.session.scalars(select(Touch.text).where(Touch.contact_id == met.id)).all()
        assert "Works at Harbor Spine. Wants our shoulder protocol" in texts
        assert turn.session.scalars(select(Attendance.contact_id)).all() == [met.id]
    assert "O&#39;Brien" in maya.get(here).get_data(as_text=True)


def test_two_people_without_addresses_and_one_known_already(maya, runtime, cast, here):
    for name in ("Ada Lund", "Ben Lund", "ada lund"):
        assert post(maya, here, {**CARD, "name": name, "email": ""}).status_code == 303
    assert post(maya, here, {**CARD, "name": "P. Raman", "email": "P.Raman@lakeside.example"}).status_code == 303
    with runtime.turn(write=False) as turn:
        there = turn.session.scalars(select(Attendance.contact_id).order_by(Attendance.id)).all()
        assert len(there) == 3
        assert there[-1] == cast.raman, "whose address is known keeps their record"


@pytest.mark.parametrize("first", ["capture", "campaign"])
def test_the_campaign_takes_whom_we_met_and_one_note_by_hand_is_enough(maya, runtime, cast, clock, here, first):
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).kind = "physician"
    note = call("Write by hand: good to meet you", task="write")
    if first == "campaign":
        campaign_id = live(runtime, [note])
        clock.advance(timedelta(days=1))
        drips.tick(runtime)
    assert post(maya, here, {**CARD, "name": "Priya Raman", "email": "p.raman@lakeside.example"}).status_code == 303
    if first == "capture":
        campaign_id = live(runtime, [note])
        clock.advance(timedelta(days=1))
        drips.tick(runtime)
    way = way_of(runtime, campaign_id, cast.raman)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(StepDone.step_key).where(StepDone.enrollment_id == way.id)).all() == ["s1"]
        found = select(Task.origin).where(Task.contact_id == cast.raman, Task.kind == "write", Task.closed_at.is_(None))
        (origin,) = turn.session.scalars(found).all()
        assert origin.startswith("event:" if first == "capture" else "campaign:")


@pytest.mark.parametrize("changed", [{"name": " "}, {"email": "nobody"}, {"kind": "client"}])
def test_a_card_that_cannot_be_used_comes_back_as_it_was_typed(maya, runtime, here, changed):
    answer = post(maya, here, {**CARD, **changed})
    assert answer.status_code == 422
    assert "Wants our shoulder protocol" in answer.get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        assert not turn.session.scalars(select(Attendance.id)).all()


def test_before_the_day_nobody_is_noted(maya, runtime, cast):
    with runtime.turn() as turn:
        event_id = plan(turn, cast).id
    assert "on the day of the event" in maya.get(f"/events/{event_id}/met").get_data(as_text=True)
