"""The pages of this room in Chromium: nothing that axe finds, nothing too wide, nothing the policy blocks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.practice.setting_up import make_code
from outreach.runtime import open_runtime
from outreach.schema import load_all
from outreach.web import create_app
from tests.browser.chromium import open_browser
from tests.browser.live import carry_session, complaints, press, served
from tests.people import sign_in

pytestmark = pytest.mark.browser

SETTINGS = ("practice", "hours", "people/", "people/rights", "payers/1", "services/1", "audit/", "account")
"""One of each sort; the others are made of the same parts."""


@pytest.fixture
def page() -> Iterator[Page]:
    with open_browser() as browser:
        opened = browser.new_page()
        blocked: list[str] = []
        opened.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
        yield opened
        assert blocked == []


def test_the_settings_stand_up_to_axe_at_both_widths(page: Page, settings: Settings, clock: FrozenClock) -> None:
    runtime = open_runtime(replace(settings, public_url=None), clock=clock)
    app = create_app(runtime)
    olive: FlaskClient = sign_in(app, runtime, "olive@cedarlane.example")
    with served(app) as address:
        carry_session(olive, page.context, address)
        found = []
        for path in SETTINGS:
            page.goto(f"{address}/settings/{path}")
            found += complaints(page)
    runtime.close()
    assert found == []


@pytest.fixture
def empty(tmp_path: Path, clock: FrozenClock) -> Iterator[tuple[Flask, str]]:
    """An application before its first run, and the code."""
    database = f"sqlite:///{tmp_path / 'empty.db'}"
    runtime = open_runtime(
        Settings(mode="test", home=tmp_path, database_url=database, secret_key=b"e" * 64), clock=clock
    )
    load_all().metadata.create_all(runtime.engine)
    with runtime.turn() as turn:
        code = make_code(turn.session, now=turn.now)
    assert code
    yield create_app(runtime), code
    runtime.close()


def test_the_first_run_can_be_gone_through_in_a_browser(page: Page, empty: tuple[Flask, str]) -> None:
    app, code = empty
    with served(app) as address:
        page.goto(address + "/login")
        found = complaints(page)
        page.fill("[name=code]", code)
        press(page.locator("text=Begin"))
        for typed in (
            {"name": "Birch Hill Therapy"},
            {"street": "4 Birch Hill", "city": "Albany", "state": "NY", "zip5": "12207"},
            {},
            {"sender_email": "ann@birchhill.example"},
            {},
        ):
            found += complaints(page)
            for name, value in typed.items():
                page.fill(f"[name={name}]", value)
            press(page.locator("text=Continue"))
        found += complaints(page)
        words = "a lantern in the orchard"
        for name, value in (("person_name", "Ann Birch"), ("password", words), ("again", words)):
            page.fill(f"[name={name}]", value)
        press(page.locator("text=Finish"))
        found += complaints(page)
        page.fill("[name=email]", "ann@birchhill.example")
        page.fill("[name=password]", words)
        press(page.locator("button:has-text('Sign in')"))
        expect(page.locator("h1")).to_have_text("Protect your account")
        page.click("text=Show the picture to scan")
        found += complaints(page)
    assert found == []
