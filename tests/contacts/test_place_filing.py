"""Organizations are closed, deleted, merged and taken apart again."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts import belonging, place_filing
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.record_models import MergeRecord
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post


def place(turn: Turn, name: str) -> Organization:
    return turn.session.scalars(select(Organization).where(Organization.name == name)).one()


def twin_of(turn: Turn, name: str, **more: Any) -> Organization:
    twin = Organization(name=name, created_at=turn.now, **more)
    turn.session.add(twin)
    turn.session.flush()
    return twin


def test_a_place_with_people_is_closed_and_not_deleted(turn: Turn) -> None:
    lakeside = place(turn, "Lakeside Orthopedics")
    refused = place_filing.trash_place(turn.session, lakeside, now=turn.now)
    assert isinstance(refused, Refusal)
    assert "2 people belong here" in refused.text
    place_filing.close_place(lakeside, on=turn.now.date())
    place_filing.close_place(lakeside, on=turn.now.date().replace(year=2030))
    assert lakeside.closed_on == turn.now.date()
    empty = twin_of(turn, "Empty")
    assert place_filing.trash_place(turn.session, empty, now=turn.now) is None
    assert empty.deleted_at == turn.now
    assert place_filing.restore_place(turn.session, empty) is None
    assert empty.deleted_at is None


def test_a_place_with_people_among_others_is_not_deleted_either(turn: Turn, cast: Cast) -> None:
    elsewhere, raman = twin_of(turn, "Tuesdays"), turn.session.get_one(Contact, cast.raman)
    stay = belonging.join(turn.session, raman, elsewhere, now=turn.now, today=turn.now.date(), by_id=None)
    refused = place_filing.trash_place(turn.session, elsewhere, now=turn.now)
    assert isinstance(refused, Refusal)
    assert "1 person belongs here" in refused.text
    assert isinstance(stay, Membership)
    belonging.leave(turn.session, stay, now=turn.now, today=turn.now.date(), by_id=None)
    assert "1 person who left keeps it in their history." in place_filing.effects_of_trash(turn.session, elsewhere)
    assert place_filing.trash_place(turn.session, elsewhere, now=turn.now) is None


def test_deleting_a_place_tells_what_happens_and_the_trash_gives_it_back(maya: FlaskClient, runtime: Runtime) -> None:
    with runtime.turn() as turn:
        here = f"/organizations/{twin_of(turn, 'Typed twice').id}"
        full = f"/organizations/{place(turn, 'Lakeside Orthopedics').id}"
    assert "2 people belong here" in maya.get(f"{full}/trash").get_data(as_text=True)
    assert "It leaves the list" in maya.get(f"{here}/trash").get_data(as_text=True)
    post(maya, f"{here}/trash", form_at=f"{here}/trash")
    assert "Typed twice" in maya.get("/contacts/trash").get_data(as_text=True)
    post(maya, f"{here}/restore", form_at="/contacts/trash")
    assert maya.get(here).status_code == 200


def test_places_that_look_alike_are_noticed_once(turn: Turn) -> None:
    twin = twin_of(turn, "lakeside orthopedics")
    lakeside = place(turn, "Lakeside Orthopedics")
    pairs = place_filing.look_alike_places(turn.session)
    assert [(pair.first_id, pair.second_id) for pair in pairs] == [(lakeside.id, twin.id)]


def test_people_follow_a_merged_place_and_come_back(turn: Turn, cast: Cast) -> None:
    session, kept, gone = turn.session, place(turn, "Northgate Clinic"), place(turn, "Lakeside Orthopedics")
    gone.npi, gone.front_desk = "1234567893", "Denise"
    raman = session.get_one(Contact, cast.raman)
    belonging.join(session, raman, kept, now=turn.now, today=turn.now.date(), by_id=None, role="Tuesdays")
    version = raman.version
    record = place_filing.merge_places(
        session, kept, gone, from_gone={"npi": True, "front_desk": True}, now=turn.now, by_id=cast.maya
    )
    assert isinstance(record, MergeRecord)
    assert (kept.npi, kept.front_desk) == ("1234567893", "Denise")
    here = [person.id for person, _ in belonging.people_of(session, kept.id)]
    assert {cast.raman, cast.denise, cast.okafor} <= set(here)
    assert raman.version > version
    stays = session.scalars(select(Membership).where(Membership.contact_id == cast.raman)).all()
    assert [(stay.organization_id, stay.role) for stay in stays] == [(kept.id, "Tuesdays")]
    back = place_filing.unmerge_places(session, record, now=turn.now)
    assert isinstance(back, Organization)
    assert (back.npi, back.deleted_at) == ("1234567893", None)
    assert session.get_one(Organization, kept.id).front_desk == ""
    again = {person.id for person, _ in belonging.people_of(session, back.id)}
    assert again == {cast.raman, cast.denise}
    assert session.get_one(Contact, cast.denise).organization_id == back.id


def test_a_place_is_not_merged_with_itself_or_twice(turn: Turn) -> None:
    kept, gone = place(turn, "Northgate Clinic"), place(turn, "Lakeside Orthopedics")
    more: dict[str, Any] = {"from_gone": {}, "now": turn.now, "by_id": None}
    assert isinstance(place_filing.merge_places(turn.session, kept, kept, **more), Refusal)
    assert isinstance(place_filing.merge_places(turn.session, kept, gone, **more), MergeRecord)
    assert isinstance(place_filing.merge_places(turn.session, kept, gone, **more), Refusal)
    assert isinstance(place_filing.restore_place(turn.session, gone), Refusal)


@pytest.mark.parametrize("field", ["physicians", "staff"])
def test_a_count_that_is_none_is_refused_and_nothing_is_lost(maya: FlaskClient, runtime: Runtime, field: str) -> None:
    with runtime.turn(write=False) as turn:
        where = f"/organizations/{place(turn, 'Northgate Clinic').id}/edit"
    sent = {"name": "Northgate Clinic", "type": "medical-practice", field: "many", "parking": "Behind the house"}
    answer = post(maya, where, sent)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "whole number" in page
    assert "Behind the house" in page


def test_an_office_is_described_logged_merged_closed_and_deleted(
    maya: FlaskClient, runtime: Runtime, cast: Cast
) -> None:
    with runtime.turn() as turn:
        clinic, lakeside = place(turn, "Northgate Clinic").id, place(turn, "Lakeside Orthopedics").id
        empty = twin_of(turn, "Northgate Clinic").id
    here = f"/organizations/{clinic}"
    office = {"front_desk": "Rosa", "physicians": "4", "preferred_channel": "direct", "lunch_hour": "12 to 1"}
    sent = {"name": "Northgate Clinic", "type": "medical-practice", "owner_id": str(cast.maya), **office}
    assert post(maya, f"{here}/edit", sent).status_code == 303
    page = maya.get(here).get_data(as_text=True)
    assert all(word in page for word in ("Rosa", "12 to 1", "Direct", "Maya Jensen"))
    line = {
        "contact_id": "0",
        "text": "Dropped off pads",
        "kind": "drop-off",
        "minutes": "10",
        "next_step": "Call Rosa",
    }
    assert post(maya, f"{here}/log", line, form_at=here).status_code == 303
    page = maya.get(here).get_data(as_text=True)
    assert "Dropped off pads" in page
    assert "10 minutes" in page
    wrong = post(maya, f"{here}/log", line | {"minutes": "9000"}, form_at=here)
    assert wrong.status_code == 422
    assert "Dropped off pads" in wrong.get_data(as_text=True)
    assert "the same name and ZIP" in maya.get("/contacts/duplicates/").get_data(as_text=True)
    merge = f"/contacts/duplicates/places/{clinic}/{empty}"
    assert "Rosa" in maya.get(merge).get_data(as_text=True)
    assert post(maya, merge, {}).headers["Location"] == here
    assert maya.get(f"/organizations/{empty}").status_code == 404
    assert post(maya, f"{here}/close", form_at=here).status_code == 303
    assert "Its people and story stay" in maya.get(here).get_data(as_text=True)
    assert "Northgate" not in maya.get(f"/contacts/{cast.raman}/places").get_data(as_text=True)
    assert "Northgate" not in maya.get("/organizations/").get_data(as_text=True)
    assert "Northgate" in maya.get("/organizations/?closed=yes").get_data(as_text=True)
    assert post(maya, f"{here}/reopen", form_at=here).status_code == 303
    assert post(maya, f"/organizations/{lakeside}/trash", form_at=here).headers["Location"].endswith(str(lakeside))


def test_two_tabs_about_one_place_do_not_overwrite_each_other(maya: FlaskClient, runtime: Runtime) -> None:
    with runtime.turn(write=False) as turn:
        where = f"/organizations/{place(turn, 'Northgate Clinic').id}/edit"
    page = maya.get(where).get_data(as_text=True)
    version = page.split('name="version"')[1].split('value="')[1].split('"')[0]
    first = {"name": "Northgate Clinic", "type": "medical-practice", "version": version, "front_desk": "Rosa"}
    assert post(maya, where, first).status_code == 303
    second = first | {"front_desk": "", "parking": "Behind the house"}
    said = post(maya, where, second)
    assert said.status_code == 422
    text = said.get_data(as_text=True)
    assert "Behind the house" in text
    assert "Different now: Front desk, Parking" in text
    newer = text.split('name="version"')[1].split('value="')[1].split('"')[0]
    assert post(maya, where, second | {"version": newer}).status_code == 303
