"""Today, calendar, search, help and analytics in Chromium: axe, policy, width, keyboard, and without script."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect

from outreach.config import Settings
from outreach.runtime import Runtime
from tests.browser.chromium import open_browser
from tests.browser.live import complaining, press, served, violations
from tests.newsletters.browsing import SIZES, Screens
from tests.people import Cast
from tests.today.test_today import planned

pytestmark = pytest.mark.browser
PAGES = (
    "/",
    "/calendar",
    "/calendar/mine?span=week",
    "/search?q=ra",
    "/help",
    "/reports/",
    "/reports/monthly?month=2025-11",
    "/reports/sources",
)


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Served over http here, so that the browser keeps and sends the cookie."""
    return replace(settings, public_url=None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@contextmanager
def visited(
    browser: Browser, app: Flask, client: FlaskClient, path: str, *, size: str = "desk", script: bool = True
) -> Iterator[tuple[Page, list[str]]]:
    """The page as Maya sees it, and what the console said."""
    width, height = SIZES[size]
    with served(app) as base:
        context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
        kept = client._cookies.values()  # type: ignore[attr-defined]
        context.add_cookies([{"name": one.key, "value": one.value, "url": base} for one in kept])
        page = context.new_page()
        said = complaining(page)
        page.goto(base + path)
        page.wait_for_load_state("networkidle")
        yield page, said
        context.close()


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_passes_axe_fits_its_width_and_keeps_the_policy(
    browser: Browser, app: Flask, runtime: Runtime, size: str
) -> None:
    with served(app) as base:
        screens = Screens(browser, base, app, runtime, size)
        for path in PAGES:
            screens.is_clean(path, f"today-{path.strip('/').split('?')[0].replace('/', '-')}")
        screens.close()


def test_today_shows_the_first_call_without_a_click(browser: Browser, app: Flask, maya: FlaskClient) -> None:
    with visited(browser, app, maya, "/", size="phone") as (page, _):
        first = page.locator(".contact-row.is-first")
        phone = first.get_by_text("(555) 014-2287, ask for Denise").bounding_box()
        assert phone is not None
        assert phone["y"] + phone["height"] < 844 - 60
    with visited(browser, app, maya, "/") as (page, _):
        for said in ("Going out today", "Needs your OK by 10:15.", "Reminder: Lakeside lunch", "Coming up"):
            expect(page.get_by_text(said).first).to_be_visible()
        expect(page.get_by_text("1 of 2 are coming")).to_be_visible()


def test_a_row_is_done_in_a_dialog_and_by_its_key(
    browser: Browser, app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with visited(browser, app, maya, "/") as (page, said):
        page.get_by_role("link", name="Call Dr. Samuel Okafor").click()
        dialog = page.locator("#dialog[open]")
        dialog.get_by_label("What happened?").fill("Left word with the desk")
        assert violations(page) == []
        press(dialog.get_by_role("button", name="Done"))
        page.get_by_text("1 done today").wait_for()
        expect(page.get_by_role("status").get_by_role("button", name="Undo")).to_be_visible()
        assert said == []
        page.locator("h1").click()
        page.keyboard.press("e")
        page.get_by_text("2 done today").wait_for()
    rows = planned(runtime)
    assert cast.okafor not in rows
    assert cast.raman not in rows


def test_everything_on_a_row_works_without_script(
    browser: Browser, app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with visited(browser, app, maya, "/", script=False) as (page, _):
        page.locator(".is-first summary", has_text="Snooze").click()
        press(page.get_by_role("button", name="When they refer again"))
        expect(page.locator(".is-first .row-name")).to_contain_text("Dr. Samuel Okafor")
        press(page.get_by_role("link", name="Send Tom Brandt"))
        page.get_by_label("What happened?").fill("Sent the handout")
        press(page.get_by_role("button", name="Done"))
        expect(page.get_by_text("1 done today")).to_be_visible()
    assert cast.tom not in planned(runtime)


def test_analytics_is_complete_without_script(browser: Browser, app: Flask, maya: FlaskClient) -> None:
    with visited(browser, app, maya, "/reports/", script=False) as (page, said):
        assert said == []
        expect(page.get_by_role("table", name="Referrals by month and source type")).to_be_visible()
        page.get_by_label("Service", exact=True).select_option("PT")
        press(page.get_by_role("button", name="Show"))
        expect(page).to_have_url(re.compile("service=PT"))


def test_a_filter_of_analytics_is_in_the_address(browser: Browser, app: Flask, maya: FlaskClient) -> None:
    with visited(browser, app, maya, "/reports/") as (page, said):
        page.get_by_label("Service", exact=True).select_option("OT")
        page.wait_for_url("**service=OT**")
        page.locator("chart-view canvas").first.wait_for()
        expect(page.get_by_label("Service", exact=True)).to_have_value("OT")
        expect(page.get_by_role("link", name="Download")).to_have_attribute("href", re.compile("service=OT"))
        assert said == []
