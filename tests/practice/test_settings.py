"""Settings: who may change what, and what cannot be."""

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.clock import FrozenClock
from outreach.errors import Refusal
from outreach.practice import offering, quieting, staffing
from outreach.practice.catalogue_models import ServiceChange
from outreach.practice.models import Participation, Payer, Person, QuietDay, Service, WebSession
from outreach.practice.queries import in_network, practice_of, quiet_days
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.people import Cast, post, sign_in

ABOUT = {
    "name": "Cedar Lane Therapy", "disciplines": ["PT", "OT"], "street": "12 Cedar Lane", "city": "Millbrook",
    "state": "NY", "zip5": "12545", "country": "US", "time_zone": "America/Chicago",
}  # fmt: skip
NED = {"name": "Ned Poe", "email": "ned@cedarlane.example", "role": "clinician", "discipline": ""}
PAGES = (
    "practice",
    "sender",
    "hours",
    "people/",
    "payers",
    "services",
    "services/0",
    "locations",
    "locations/0",
    "account",
)


@pytest.fixture
def olive(app: Flask, runtime: Runtime) -> FlaskClient:
    """A browser in which the administrator is signed in."""
    return sign_in(app, runtime, "olive@cedarlane.example")


@pytest.mark.parametrize("page", [*PAGES, "people/new", "people/1", "payers/1", "audit/", "audit/check"])
def test_every_page_opens_for_the_administrator(olive: FlaskClient, page: str) -> None:
    answer = olive.get(f"/settings/{page}")
    assert answer.status_code == 200
    assert b"style=" not in answer.data


@pytest.mark.parametrize("page", PAGES)
def test_the_coordinator_reads_and_cannot_save(maya: FlaskClient, page: str) -> None:
    text = maya.get(f"/settings/{page}").get_data(as_text=True)
    assert page == "account" or ">Save<" not in text
    assert page == "account" or "an administrator can change them" in text


def test_a_reader_sees_only_the_own_account(app: Flask, runtime: Runtime) -> None:
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    assert rita.get("/settings/").headers["Location"] == "/settings/account"
    assert rita.get("/settings/account").status_code == 200
    assert rita.get("/settings/people/").status_code == 403


def test_the_practice_moves_and_the_record_says_who_did_it(olive: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    assert post(olive, "/settings/practice", ABOUT).status_code == 303
    with runtime.turn(write=False) as turn:
        practice = practice_of(turn.session)
        assert (practice.time_zone, practice.disciplines) == ("America/Chicago", ["PT", "OT"])
        entry = turn.session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.actor_id) == ("change-practice", cast.olive)


def test_an_unknown_zone_is_said_and_nothing_is_saved(olive: FlaskClient, runtime: Runtime) -> None:
    answer = post(olive, "/settings/practice", {**ABOUT, "name": "Other name", "time_zone": "Atlantis"})
    assert answer.status_code == 422
    assert b"There is no time zone called" in answer.data
    assert b'value="Other name"' in answer.data
    with runtime.turn(write=False) as turn:
        assert practice_of(turn.session).name == "Cedar Lane Therapy"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sender_email", "nobody", "is not an email address"),
        ("public_url", "http://outreach.example", "must begin with https"),
        ("public_url", "outreach", "as it stands in a browser"),
        ("sender_name", "", "Please fill this in"),
    ],
)
def test_a_sender_that_cannot_be_is_refused(olive: FlaskClient, field: str, value: str, said: str) -> None:
    typed = {"sender_name": "Maya", "sender_email": "maya@cedarlane.example", field: value}
    answer = post(olive, "/settings/sender", typed)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_sending_hours_change_and_cannot_reach_into_the_night(olive: FlaskClient, runtime: Runtime) -> None:
    assert (
        post(olive, "/settings/hours", {"from_minute": "600", "until_minute": "960", "weekdays": ["1"]}).status_code
        == 303
    )
    assert (
        post(olive, "/settings/hours", {"from_minute": "60", "until_minute": "960", "weekdays": ["1"]}).status_code
        == 422
    )
    with runtime.turn(write=False) as turn:
        assert practice_of(turn.session).send_from_minute == 600


def test_a_quiet_day_is_added_and_taken_back(olive: FlaskClient, runtime: Runtime) -> None:
    form = {"on": "2026-04-10", "name": "Staff retreat"}
    assert post(olive, "/settings/hours/quiet-days", form, form_at="/settings/hours").status_code == 303
    with runtime.turn(write=False) as turn:
        assert quiet_days(turn.session) == {date(2026, 4, 10)}
    assert b"is quiet already" in post(olive, "/settings/hours/quiet-days", form, form_at="/settings/hours").data
    post(olive, "/settings/hours/quiet-days/2026-04-10/drop", form_at="/settings/hours")
    with runtime.turn(write=False) as turn:
        assert quiet_days(turn.session) == frozenset()


def test_holidays_are_frozen_once_and_a_dropped_one_stays_dropped(turn: Turn) -> None:
    practice = practice_of(turn.session)
    today = date(2026, 3, 2)
    assert quieting.freeze_holidays(turn.session, practice=practice, today=today) > 20
    turn.session.flush()
    assert quieting.freeze_holidays(turn.session, practice=practice, today=today) == 0
    assert not isinstance(quieting.drop_quiet_day(turn.session, on=date(2026, 10, 12)), Refusal)
    turn.session.flush()
    assert quieting.freeze_holidays(turn.session, practice=practice, today=today) == 0
    assert turn.session.get(QuietDay, date(2026, 10, 12)) is None


def test_a_new_person_chooses_a_password_by_a_link_that_works_once(
    olive: FlaskClient, app: Flask, runtime: Runtime, clock: FrozenClock
) -> None:
    page = post(olive, "/settings/people/new", NED)
    link = page.get_data(as_text=True).partition('value="https://outreach.cedarlane.example')[2].partition('"')[0]
    browser = app.test_client()
    password = {"password": "otters under the pier", "again": "otters under the pier"}
    assert post(browser, link, password).headers["Location"] == "/login"
    assert browser.get(link).status_code == 404
    answer = post(browser, "/login", {"email": "ned@cedarlane.example", "password": password["password"]})
    assert answer.status_code == 302
    with runtime.turn(write=False) as turn:
        ned = turn.session.scalars(select(Person).where(Person.email == "ned@cedarlane.example")).one()
        assert ned.role == "clinician"


def test_a_link_that_is_old_cut_short_or_altered_opens_nothing(turn: Turn, cast: Cast) -> None:
    person = turn.session.get_one(Person, cast.maya)
    link = staffing.password_link(b"k" * 64, person, now=turn.now)
    assert staffing.person_of_link(turn.session, b"k" * 64, link, now=turn.now) is person
    for wrong in (link[:-1], link + "x", link.replace("-", "", 1), "9" * 40 + "-1-x", "", "é-1-ü", "9" * 20 + "-1-x"):
        assert staffing.person_of_link(turn.session, b"k" * 64, wrong, now=turn.now) is None
    assert staffing.person_of_link(turn.session, b"k" * 64, f"{person.id}-{'9' * 20}-x", now=turn.now) is None
    assert staffing.person_of_link(turn.session, b"k" * 64, link, now=turn.now + timedelta(days=3)) is None


def test_the_last_administrator_can_neither_leave_nor_become_less(
    olive: FlaskClient, cast: Cast, runtime: Runtime
) -> None:
    here = f"/settings/people/{cast.olive}"
    post(olive, f"{here}/let-go", form_at=here)
    assert post(olive, here, {"name": "Olive Stone", "role": "clinician"}).status_code == 422
    with runtime.turn(write=False) as turn:
        person = turn.session.get_one(Person, cast.olive)
        assert (person.active, person.role) == (True, "administrator")


def test_a_changed_role_signs_the_person_out(
    olive: FlaskClient, maya: FlaskClient, cast: Cast, runtime: Runtime
) -> None:
    assert maya.get("/settings/account").status_code == 200
    post(olive, f"/settings/people/{cast.maya}", {"name": "Maya Jensen", "role": "clinician"})
    assert maya.get("/settings/account").status_code == 302


def test_an_address_that_is_known_in_other_case_is_refused(olive: FlaskClient) -> None:
    answer = post(olive, "/settings/people/new", {**NED, "email": "MAYA@cedarlane.example"})
    assert b"belongs to somebody here already" in answer.data


def test_participation_is_dated_and_answers_for_any_day(turn: Turn) -> None:
    payer = turn.session.scalars(select(Payer).where(Payer.name == "Acme Health")).one()
    assert in_network(turn.session, payer.id, date(2026, 3, 2)) is None
    first = offering.participate(
        turn.session, payer, status="in-network", since_on=date(2025, 1, 1), until_on=date(2025, 12, 31)
    )
    assert isinstance(first, Participation)
    offering.participate(turn.session, payer, status="out-of-network", since_on=date(2026, 2, 1), until_on=None)
    days = (date(2025, 6, 1), date(2026, 1, 15), date(2026, 3, 2))
    assert [in_network(turn.session, payer.id, day) for day in days] == [True, None, False]


def test_a_service_is_added_changed_and_retired(olive: FlaskClient, runtime: Runtime) -> None:
    typed = {"name": "Balance and falls", "discipline": "PT", "ages": "65 and up"}
    assert post(olive, "/settings/services/0", typed).status_code == 303
    assert b"There is one called" in post(olive, "/settings/services/0", {**typed, "name": "balance AND falls"}).data
    with runtime.turn(write=False) as turn:
        service_id = turn.session.scalars(select(Service.id).where(Service.name == "Balance and falls")).one()
    post(olive, f"/settings/services/{service_id}/retire", form_at=f"/settings/services/{service_id}")
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Service, service_id).retired_on == date(2026, 3, 2)


def test_a_service_is_confirmed_and_told_with_figures(olive: FlaskClient, maya: FlaskClient, runtime: Runtime) -> None:
    with runtime.turn(write=False) as turn:
        service = turn.session.scalars(select(Service).order_by(Service.id).limit(1)).one()
    page = f"/settings/services/{service.id}"
    assert b"Please confirm" in maya.get("/settings/services").data
    assert post(maya, f"{page}/confirm", form_at=page).status_code == 303
    figure = {"finding": "87% walk again", "source": "Our records", "from_on": "2025-01-01", "until_on": "2025-12-31"}
    assert b"may point to one" in post(olive, f"{page}/outcomes", {**figure, "people": "3"}, form_at=page).data
    assert post(olive, f"{page}/outcomes", {**figure, "people": "30"}, form_at=page).status_code == 303
    shown = maya.get(page).get_data(as_text=True)
    assert "n = 30" in shown
    assert "Confirmed on Monday, March 2" in shown
    typed = {"name": service.name, "discipline": service.discipline, "location_ids": ["1"]}
    typed["referral_criteria"] = "Falls"
    post(olive, "/settings/locations/0", {"name": "Main Street"})
    assert post(olive, page, typed).status_code == 303
    post(olive, f"{page}/outcomes/1/remove", form_at=page)
    with runtime.turn(write=False) as turn:
        assert turn.session.get_one(Service, service.id).location_ids == [1]
        assert turn.session.scalars(select(ServiceChange.parts)).all() == [["Locations", "When to refer"]]
    assert "n = 30" not in maya.get(page).get_data(as_text=True)


def test_one_can_sign_out_everywhere_but_here(app: Flask, runtime: Runtime, cast: Cast) -> None:
    here, there = (sign_in(app, runtime, "theo@cedarlane.example") for _ in range(2))
    post(here, "/settings/account/sign-out-others", form_at="/settings/account")
    assert here.get("/settings/account").status_code == 200
    assert there.get("/settings/account").status_code == 302
    with runtime.turn(write=False) as turn:
        assert len(turn.session.scalars(select(WebSession)).all()) == 1


def test_shortcuts_can_be_switched_off(app: Flask, runtime: Runtime, cast: Cast) -> None:
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    post(rita, "/settings/account/shortcuts", {"on": "no"}, form_at="/settings/account")
    assert b"data-shortcuts" not in rita.get("/settings/account").data
