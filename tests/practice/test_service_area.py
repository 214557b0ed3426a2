"""The service area in ZIPs, and distances from ZIP centroids."""

import io
import zipfile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.practice import offering, service_area
from outreach.practice.area_models import ZipDistance
from outreach.practice.models import Location, Practice
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post, sign_in

GAZETTEER = (
    "GEOID\tALAND\tAWATER\tALAND_SQMI\tAWATER_SQMI\tINTPTLAT\tINTPTLONG                 \n"
    "12545\t1\t1\t1\t1\t41.80\t-73.70\n"
    "12572\t1\t1\t1\t1\t41.92\t-73.90\n"
    "90001\t1\t1\t1\t1\t33.97\t-118.25\n"
)


def furnished(turn: Turn, gazetteer: str = GAZETTEER) -> Location:
    here = Location(name="Millbrook", zip5="12545")
    turn.session.add(here)
    turn.session.flush()
    assert service_area.load_places(turn.session, gazetteer.encode()) == 3
    return here


def test_new_york_and_los_angeles_are_2475_miles_apart() -> None:
    # The airports JFK and LAX: 2,475 statute miles by the great circle mapper; a sphere is within half a percent.
    far = service_area.miles_between((40.6398, -73.7789), (33.9425, -118.4081))
    assert far == pytest.approx(2475, rel=0.005)
    assert service_area.miles_between((41.8, -73.7), (41.8, -73.7)) == 0


def test_distances_are_kept_from_the_nearest_open_clinic(turn: Turn) -> None:
    here = furnished(turn)
    reach = service_area.reaches(turn.session, ["12545", "12572", "90001", ""])
    assert (reach["12545"].miles, reach["12545"].location) == (0.0, "Millbrook")
    assert reach["12572"].miles == pytest.approx(13.2, abs=0.2)
    assert reach["90001"].miles is None
    assert reach["12572"].served is None
    other = Location(name="Rhinebeck", zip5="12572")
    turn.session.add(other)
    turn.session.flush()
    service_area.measure(turn.session, [other])
    assert service_area.reaches(turn.session, ["12572"])["12572"].location == "Rhinebeck"
    other.closed_on = turn.now.date()
    turn.session.flush()
    assert service_area.reaches(turn.session, ["12572"])["12572"].location == here.name


def test_a_file_with_bars_or_packed_in_an_archive_loads_too(turn: Turn) -> None:
    furnished(turn, GAZETTEER.replace("\t", "|"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("2024_Gaz_zcta_national.txt", GAZETTEER)
    assert service_area.load_places(turn.session, packed.getvalue()) == 3


@pytest.mark.parametrize("wrong", [b"", b"PK\x03\x04 broken", b"name,zip\nx,1\n", b"\xff\xfe\x00", b"%PDF-1.7"])
def test_a_wrong_file_changes_nothing(turn: Turn, wrong: bytes) -> None:
    furnished(turn)
    said = service_area.load_places(turn.session, wrong)
    assert isinstance(said, Refusal)
    assert said.reason == "not-a-gazetteer"
    assert service_area.known_places(turn.session) == 3


def test_a_place_off_the_earth_is_refused(turn: Turn) -> None:
    assert isinstance(service_area.load_places(turn.session, GAZETTEER.replace("41.80", "141.80").encode()), Refusal)


def test_a_clinic_that_moves_is_measured_again(turn: Turn) -> None:
    here = furnished(turn)
    moved = offering.save_location(
        turn.session, here, turn.session.get_one(Practice, 1), name="Rhinebeck", zip5="12572"
    )
    assert isinstance(moved, Location)
    near = turn.session.scalars(select(ZipDistance.zip5).where(ZipDistance.miles == 0)).all()
    assert near == ["12572"]


def test_contacts_are_found_by_distance_and_area(turn: Turn, cast: Cast) -> None:
    furnished(turn)
    turn.session.get_one(Contact, cast.raman).zip5 = "12545"
    turn.session.get_one(Contact, cast.okafor).zip5 = "12572"
    turn.session.get_one(Contact, cast.tom).zip5 = "90001"
    turn.session.flush()
    ids = select(Contact.id).order_by(Contact.id)
    near = turn.session.scalars(ids.where(service_area.within_miles(Contact.zip5, 20))).all()
    assert near == sorted([cast.raman, cast.okafor])
    assert turn.session.scalars(ids.where(service_area.within_miles(Contact.zip5, 5))).all() == [cast.raman]
    assert turn.session.scalars(ids.where(service_area.in_service_area(Contact.zip5))).all() == []
    assert service_area.serve_around(turn.session, 20) == 2
    assert turn.session.scalars(ids.where(service_area.in_service_area(Contact.zip5))).all() == near


def test_the_area_is_typed_in_any_form(turn: Turn) -> None:
    assert service_area.set_service_zips(turn.session, "12545, 12572-0001\n12545;12501") == 3
    assert service_area.service_zips(turn.session) == ["12501", "12545", "12572"]
    refused = service_area.set_service_zips(turn.session, "12545 Millbrook")
    assert isinstance(refused, Refusal)
    assert "Millbrook" in refused.text
    assert len(service_area.service_zips(turn.session)) == 3
    assert isinstance(service_area.serve_around(turn.session, 10), Refusal)


def test_an_administrator_loads_the_file_and_a_coordinator_reads(
    app: Flask, runtime: Runtime, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        turn.session.add(Location(name="Millbrook", zip5="12545"))
    olive = sign_in(app, runtime, "olive@cedarlane.example")
    assert "No distances yet" in maya.get("/settings/area").get_data(as_text=True)
    assert post(maya, "/settings/area", {"zips": "12545"}, form_at="/contacts/").status_code == 403
    sent = {"file": (io.BytesIO(GAZETTEER.encode()), "gaz.txt")}
    answer = post(olive, "/settings/area/places", sent, form_at="/settings/area", content_type="multipart/form-data")
    assert answer.status_code == 303
    assert "3 ZIPs have their place" in olive.get("/settings/area").get_data(as_text=True)
    post(olive, "/settings/area/around", {"miles": "20"}, form_at="/settings/area")
    assert "12545 12572" in olive.get("/settings/area").get_data(as_text=True)
    wrong = post(olive, "/settings/area", {"zips": "12545 here"})
    assert wrong.status_code == 422
    assert "12545 here" in wrong.get_data(as_text=True)
    bad = {"file": (io.BytesIO(b"no"), "gaz.txt")}
    answer = post(olive, "/settings/area/places", bad, form_at="/settings/area", content_type="multipart/form-data")
    assert answer.status_code == 422
