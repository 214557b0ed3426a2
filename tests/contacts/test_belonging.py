"""Where people belong: several places with role and dates, and the family by relation alone."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from outreach.contacts import belonging, editing, timeline
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.profile import place_history
from outreach.contacts.record_models import OPPOSITE, RELATIONS
from outreach.errors import Refusal
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post


def place(turn: Turn, name: str) -> Organization:
    return turn.session.scalars(select(Organization).where(Organization.name == name)).one()


def joined(turn: Turn, contact: Contact, to: Organization, **more: object) -> Membership | Refusal:
    today = turn.now.date()
    return belonging.join(turn.session, contact, to, now=turn.now, today=today, by_id=None, **more)  # type: ignore[arg-type]


def stays(turn: Turn, contact_id: int) -> list[tuple[int, bool]]:
    rows = turn.session.scalars(select(Membership).where(Membership.contact_id == contact_id).order_by(Membership.id))
    return [(row.organization_id, row.until_on is None) for row in rows]


def test_a_person_belongs_to_two_places_and_counts_at_both(turn: Turn, cast: Cast) -> None:
    raman, clinic = turn.session.get_one(Contact, cast.raman), place(turn, "Northgate Clinic")
    made = joined(turn, raman, clinic, role="Surgeon on Tuesdays")
    assert isinstance(made, Membership)
    assert raman.organization_id != clinic.id
    assert cast.raman in [person.id for person, _ in belonging.people_of(turn.session, clinic.id)]
    home = place(turn, "Lakeside Orthopedics")
    assert cast.raman in [person.id for person, _ in belonging.people_of(turn.session, home.id)]
    again = joined(turn, raman, clinic)
    assert isinstance(again, Refusal)
    assert again.reason == "there-already"


def test_a_move_ends_the_main_stay_and_no_other(turn: Turn, cast: Cast) -> None:
    raman, elm = turn.session.get_one(Contact, cast.raman), place(turn, "Elm Park Senior Center")
    home, clinic = place(turn, "Lakeside Orthopedics"), place(turn, "Northgate Clinic")
    joined(turn, raman, elm)
    changed = editing.edit_contact(
        turn.session, raman, now=turn.now, key=b"k", by_id=None, version=raman.version, organization_id=clinic.id
    )
    assert isinstance(changed, Contact)
    assert stays(turn, raman.id) == [(home.id, False), (elm.id, True), (clinic.id, True)]
    back = editing.edit_contact(
        turn.session, raman, now=turn.now, key=b"k", by_id=None, version=raman.version, organization_id=elm.id
    )
    assert isinstance(back, Contact)
    assert stays(turn, raman.id) == [(home.id, False), (elm.id, True), (clinic.id, False)]


def test_leaving_the_main_place_makes_another_the_main_one(turn: Turn, cast: Cast) -> None:
    raman, clinic = turn.session.get_one(Contact, cast.raman), place(turn, "Northgate Clinic")
    joined(turn, raman, clinic)
    here = Membership.contact_id == raman.id, Membership.organization_id != clinic.id
    first = turn.session.scalars(select(Membership).where(*here)).one()
    today = turn.now.date()
    assert belonging.leave(turn.session, first, now=turn.now, today=today, by_id=None) is None
    assert raman.organization_id == clinic.id
    assert [person.id for person, _ in belonging.former_people_of(turn.session, first.organization_id)] == [raman.id]
    assert belonging.make_main(turn.session, first, now=turn.now, by_id=None) is not None


@pytest.mark.parametrize(("since", "until", "reason"), [(1, None, "in-the-future"), (-1, -2, "ends-before-it-begins")])
def test_days_that_cannot_be_are_refused(turn: Turn, cast: Cast, since: int, until: int | None, reason: str) -> None:
    day = turn.now.date()
    dates = {"since_on": day + timedelta(days=since), "until_on": day + timedelta(days=until) if until else None}
    said = joined(turn, turn.session.get_one(Contact, cast.raman), place(turn, "Northgate Clinic"), **dates)
    assert isinstance(said, Refusal)
    assert said.reason == reason


def test_the_story_of_a_place_keeps_to_the_days_people_were_there(turn: Turn, cast: Cast) -> None:
    session, clinic, day = turn.session, place(turn, "Northgate Clinic"), timedelta(days=1)
    raman = session.get_one(Contact, cast.raman)
    joined(turn, raman, clinic, since_on=turn.now.date() - 20 * day, until_on=turn.now.date() - 10 * day)
    for back, text in ((30, "before"), (15, "there"), (2, "after")):
        timeline.add(session, now=turn.now, at=turn.now - back * day, contact_id=raman.id, kind="call", text=text)
    timeline.add(session, now=turn.now, contact_id=cast.okafor, kind="visit", text="always here")
    told = place_history(session, clinic.id, timeline.OWN_KINDS, limit=50)
    assert [entry.touch.text for entry in told if entry.touch.kind != "edited"] == ["always here", "there"]
    home = place_history(session, place(turn, "Lakeside Orthopedics").id, timeline.OWN_KINDS, limit=50)
    assert "after" in [entry.touch.text for entry in home]


def test_family_is_seen_from_both_sides_and_only_by_the_relation(turn: Turn, cast: Cast) -> None:
    marisol, tom = turn.session.get_one(Contact, cast.marisol), turn.session.get_one(Contact, cast.tom)
    assert belonging.relate(turn.session, marisol, tom, relation="child", now=turn.now, by_id=None) is None
    assert [(one.contact.id, one.relation) for one in belonging.family_of(turn.session, marisol.id)] == [
        (tom.id, "Son or daughter")
    ]
    assert [one.relation for one in belonging.family_of(turn.session, tom.id)] == ["Parent"]
    assert belonging.relate(turn.session, tom, marisol, relation="caregiver", now=turn.now, by_id=None) is None
    assert [one.relation for one in belonging.family_of(turn.session, marisol.id)] == ["Cared for by them"]
    assert belonging.relate(turn.session, tom, tom, relation="child", now=turn.now, by_id=None) is not None
    belonging.unrelate(turn.session, marisol, tom.id)
    assert belonging.family_of(turn.session, tom.id) == []


def test_every_relation_has_its_opposite() -> None:
    assert all(OPPOSITE[OPPOSITE[word]] == word for word in OPPOSITE)
    assert set(OPPOSITE) <= set(RELATIONS)


def test_places_and_family_are_kept_on_their_page(runtime: Runtime, maya: FlaskClient, cast: Cast) -> None:
    with runtime.turn(write=False) as turn:
        clinic = place(turn, "Northgate Clinic").id
    where = f"/contacts/{cast.raman}/places"
    assert "Lakeside Orthopedics" in maya.get(where).get_data(as_text=True)
    assert post(maya, where, {"organization_id": "0"}).status_code == 422
    sent = {"organization_id": str(clinic), "role": "Surgeon on Tuesdays", "since_on": "2026-01-05"}
    assert post(maya, where, sent).status_code == 303
    page = maya.get(where).get_data(as_text=True)
    assert "Surgeon on Tuesdays" in page
    assert "Surgeon on Tuesdays" in maya.get(f"/organizations/{clinic}").get_data(as_text=True)
    assert "Surgeon on Tuesdays" in maya.get(f"/contacts/{cast.raman}").get_data(as_text=True)
    family = f"/contacts/{cast.marisol}/family"
    unknown = post(maya, family, {"who": "Zebra", "relation": "child"}, form_at=where)
    assert unknown.status_code == 422
    assert "Nobody is called that" in unknown.get_data(as_text=True)
    assert post(maya, family, {"who": "Tom Brandt", "relation": "child"}, form_at=where).status_code == 303
    assert "Son or daughter" in maya.get(f"/contacts/{cast.marisol}").get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        stay = turn.session.scalar(select(func.max(Membership.id)).where(Membership.organization_id == clinic))
    assert post(maya, f"/contacts/places/{stay}/main", form_at=where).status_code == 303
    assert post(maya, f"/contacts/places/{stay}/end", form_at=where).status_code == 303
    assert "who left" in maya.get(f"/organizations/{clinic}").get_data(as_text=True)
