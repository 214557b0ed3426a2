"""The second factor: asked for where it is required, used once, and survivable without the phone."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.practice import passwords
from outreach.practice.models import Person
from outreach.runtime import Runtime, open_runtime
from outreach.web import create_app
from tests.people import csrf_of, post

OLIVE = "olive@cedarlane.example"
PASSWORD = "nine geese over the barn"


@pytest.fixture
def strict(settings: Settings, clock: FrozenClock) -> Iterator[Flask]:
    """An installation as `make run` starts it: a second factor is required."""
    runtime = open_runtime(replace(settings, second_factor_required=True), clock=clock)
    give_password(runtime)
    yield create_app(runtime)
    runtime.close()


def give_password(runtime: Runtime) -> None:
    with runtime.turn() as turn:
        person = turn.session.scalar(select(Person).where(Person.email == OLIVE))
        assert person
        person.password = passwords.hashed(PASSWORD)


def enter(browser: FlaskClient) -> str:
    return str(post(browser, "/login", {"email": OLIVE, "password": PASSWORD}).headers["Location"])


def set_up(browser: FlaskClient) -> str:
    """Answers the code that was used."""
    page = post(browser, "/tf-setup", {"setup": "authenticator"}).get_data(as_text=True)
    found = re.search(r"<code>([A-Z2-7 -]+)</code>", page)
    assert found
    totp = pyotp.TOTP(re.sub(r"[ -]", "", found[1]))
    action = re.search(r'action="(/tf-(?:validate|setup/)[^"]*)"', page)
    assert action
    code = totp.now()
    assert browser.post(action[1], data={"code": code, "csrf_token": csrf_of(page)}).status_code == 302
    return code


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/change").status_code == 200


def test_a_password_alone_opens_nothing_where_a_code_is_required(strict: Flask) -> None:
    browser = strict.test_client()
    assert enter(browser).startswith("/tf-setup")
    assert not is_in(browser)
    set_up(browser)
    assert is_in(browser)


def test_a_code_that_was_used_is_not_taken_again(strict: Flask) -> None:
    first, second = strict.test_client(), strict.test_client()
    enter(first)
    used = set_up(first)
    assert enter(second).startswith("/tf-validate")
    assert b"not right, or it was used already" in post(second, "/tf-validate", {"code": used}).data
    assert not is_in(second)


def test_a_recovery_code_works_once_without_the_phone(strict: Flask) -> None:
    browser = strict.test_client()
    enter(browser)
    set_up(browser)
    page = post(browser, "/mf-recovery-codes").get_data(as_text=True)
    codes = re.findall(r"<code>([0-9a-f-]{19})</code>", page)
    assert len(codes) == 8
    for expected in (True, False):
        other = strict.test_client()
        enter(other)
        post(other, "/mf-recovery", {"code": codes[0]})
        assert is_in(other) is expected


def test_recovery_codes_are_kept_as_digests(strict: Flask) -> None:
    browser = strict.test_client()
    enter(browser)
    set_up(browser)
    page = post(browser, "/mf-recovery-codes").get_data(as_text=True)
    code = re.findall(r"<code>([0-9a-f-]{19})</code>", page)[0]
    with strict.extensions["outreach"].turn(write=False) as turn:
        kept = turn.session.scalar(select(Person.mf_recovery_codes).where(Person.email == OLIVE))
    assert kept
    assert not any(code in entry or code.replace("-", "") in entry for entry in kept)


def test_wrong_codes_are_throttled_like_wrong_passwords(strict: Flask) -> None:
    first, second = strict.test_client(), strict.test_client()
    enter(first)
    set_up(first)
    enter(second)
    for _ in range(8):
        post(second, "/tf-validate", {"code": "000000"})
    assert b"Too many wrong tries" in post(second, "/tf-validate", {"code": "000000"}).data


def test_where_it_is_offered_it_can_be_taken_and_dropped(app: Flask, runtime: Runtime) -> None:
    give_password(runtime)
    browser = app.test_client()
    assert enter(browser) == "/"
    set_up(browser)
    post(browser, "/logout", form_at="/change")
    assert enter(browser).startswith("/tf-validate")
    with runtime.turn() as turn:
        person = turn.session.scalar(select(Person).where(Person.email == OLIVE))
        assert person
        assert person.tf_primary_method == "authenticator"
