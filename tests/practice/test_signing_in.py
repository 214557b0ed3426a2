"""Signing in, signing out, and what stands in the way of everybody else."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.audit import AuditEntry
from outreach.clock import FrozenClock
from outreach.content.models import Message
from outreach.deliveries.models import Delivery
from outreach.practice import passwords, sessions
from outreach.practice.models import Person, SignInFailure, WebSession
from outreach.runtime import Runtime
from tests.people import csrf_of, post

MAYA = "maya@cedarlane.example"
PASSWORD = "the heron waits by the mill"


@pytest.fixture
def door(app: Flask, runtime: Runtime) -> FlaskClient:
    """A browser before the sign-in page; Maya has a password."""
    with runtime.turn() as turn:
        person = turn.session.scalar(select(Person).where(Person.email == MAYA))
        assert person
        person.password = passwords.hashed(PASSWORD)
    app.session_interface.idle, app.session_interface.absolute = sessions.IDLE, sessions.ABSOLUTE  # type: ignore[attr-defined]
    return app.test_client()


def enter(browser: FlaskClient, password: str = PASSWORD, email: str = MAYA) -> object:
    return post(browser, "/login", {"email": email, "password": password})


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/change").status_code == 200


def test_the_right_password_opens_the_door(door: FlaskClient, runtime: Runtime) -> None:
    assert not is_in(door)
    assert enter(door).status_code == 302
    assert is_in(door)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(AuditEntry.action)) == "sign-in"


@pytest.mark.parametrize(("email", "password"), [(MAYA, "the heron waits by the mall"), ("no@body.example", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_read_the_same(door: FlaskClient, email: str, password: str) -> None:
    answer = enter(door, password, email)
    assert b"That address and password do not go together." in answer.data
    assert not is_in(door)


def test_eight_wrong_tries_close_the_account_for_a_quarter_of_an_hour(door: FlaskClient, clock: FrozenClock) -> None:
    for _ in range(8):
        enter(door, "wrong wrong wrong")
    assert b"Too many wrong tries" in enter(door).data
    clock.advance(timedelta(minutes=16))
    assert enter(door).status_code == 302


def test_other_spellings_of_the_address_share_the_tries(door: FlaskClient) -> None:
    for spelling in ("maya@cedarlane\u3002example", "maya@\u24d2edarlane.example"):
        for _ in range(4):
            enter(door, "wrong wrong wrong", spelling)
    assert b"Too many wrong tries" in enter(door).data


def test_a_sign_in_forgives_the_wrong_tries_before_it(door: FlaskClient, runtime: Runtime) -> None:
    enter(door, "wrong wrong wrong")
    enter(door)
    with runtime.turn(write=False) as turn:
        assert len(turn.session.scalars(select(SignInFailure)).all()) == 1, "only the address remembers"


def test_signing_out_ends_the_session_on_the_server(door: FlaskClient, runtime: Runtime) -> None:
    enter(door)
    assert post(door, "/logout", form_at="/change").status_code == 302
    assert not is_in(door)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(WebSession)).all() == []


def test_the_cookie_changes_at_sign_in_and_only_its_digest_is_kept(door: FlaskClient, runtime: Runtime) -> None:
    door.get("/login")
    before = door.get_cookie("__Host-outreach")
    assert before
    assert before.value.startswith("v."), "a visitor has no row"
    enter(door)
    after = door.get_cookie("__Host-outreach")
    assert after
    assert after.value != before.value
    assert (after.secure, after.http_only, after.same_site, after.path) == (True, True, "Lax", "/")
    with runtime.turn(write=False) as turn:
        kept = turn.session.scalars(select(WebSession)).one()
        assert kept.digest == sessions.digest_of(after.value)
        assert kept.person_id


def test_a_visitors_cookie_cannot_name_a_person(door: FlaskClient) -> None:
    door.get("/login")
    cookie = door.get_cookie("__Host-outreach")
    assert cookie
    door.set_cookie("__Host-outreach", cookie.value[:-2] + "xx")
    assert not is_in(door)


def test_a_session_ends_after_half_an_hour_of_rest(door: FlaskClient, clock: FrozenClock) -> None:
    enter(door)
    for _ in range(4):
        clock.advance(timedelta(minutes=20))
        assert is_in(door)
    clock.advance(timedelta(minutes=31))
    assert not is_in(door)


def test_a_session_ends_after_twelve_hours_whatever_happens(door: FlaskClient, clock: FrozenClock) -> None:
    enter(door)
    for _ in range(35):
        clock.advance(timedelta(minutes=20))
        assert is_in(door)
    clock.advance(timedelta(minutes=20))
    assert not is_in(door)


def test_a_revoked_session_does_not_come_back(door: FlaskClient, runtime: Runtime) -> None:
    enter(door)
    with runtime.turn() as turn:
        person = turn.session.scalar(select(Person).where(Person.email == MAYA))
        assert person
        assert sessions.revoke(turn.session, person.id) == 1
    assert not is_in(door)


def test_a_person_who_left_is_out_at_once(door: FlaskClient, runtime: Runtime) -> None:
    enter(door)
    with runtime.turn() as turn:
        person = turn.session.scalar(select(Person).where(Person.email == MAYA))
        assert person
        person.active = False
    assert not is_in(door)


def test_a_new_password_signs_out_the_other_browsers(door: FlaskClient, app: Flask) -> None:
    elsewhere = app.test_client()
    enter(door)
    enter(elsewhere)
    changed = {
        "password": PASSWORD,
        "new_password": "a kettle sings at four",
        "new_password_confirm": "a kettle sings at four",
    }
    assert post(door, "/change", changed).status_code == 302
    assert is_in(door)
    assert not is_in(elsewhere)


def test_a_new_password_is_told_by_mail_without_any_secret(door: FlaskClient, runtime: Runtime) -> None:
    enter(door)
    words = "a kettle sings at four"
    post(door, "/change", {"password": PASSWORD, "new_password": words, "new_password_confirm": words})
    with runtime.turn(write=False) as turn:
        notice = turn.session.scalars(select(Delivery)).one()
        assert (notice.email, notice.kind, notice.audience_class) == (MAYA, "system", "staff")
        message = turn.session.get_one(Message, notice.message_id)
        assert message.draft["subject"] == "Your password was changed"
        assert words not in str(message.draft)


@pytest.mark.parametrize("weak", ["short", "password1234", "cedar lane therapy", "qwertyuiop123"])
def test_a_weak_new_password_is_refused_with_a_reason(door: FlaskClient, weak: str) -> None:
    enter(door)
    answer = post(door, "/change", {"password": PASSWORD, "new_password": weak, "new_password_confirm": weak})
    assert answer.status_code == 200
    assert b"field-error" in answer.data


def test_a_token_in_the_address_is_no_way_in(door: FlaskClient, app: Flask, runtime: Runtime) -> None:
    with app.test_request_context(), runtime.turn(write=False) as turn:
        person = turn.session.scalar(select(Person).where(Person.email == MAYA))
        assert person
        token = person.get_auth_token()
    assert door.get(f"/change?auth_token={token}").status_code == 302
    assert door.get("/change", headers={"Authentication-Token": token}).status_code == 302


def test_a_form_from_another_site_is_refused(door: FlaskClient) -> None:
    enter(door)
    page = door.get("/change").get_data(as_text=True)
    data = {"csrf_token": csrf_of(page)}
    assert door.post("/logout", data=data, headers={"Origin": "https://elsewhere.example"}).status_code == 400
    assert door.post("/logout", data={}).status_code == 400
    assert is_in(door)
    assert door.post("/logout", data=data, headers={"Origin": "https://outreach.cedarlane.example"}).status_code == 302


def test_a_planted_link_signs_nobody_out(maya: FlaskClient) -> None:
    assert maya.get("/tf-validate").status_code == 302
    assert maya.get("/").status_code == 200
