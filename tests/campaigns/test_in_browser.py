"""Campaigns in Chromium: clean screens at both widths, typing that saves itself, the keyboard, and no script at all."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, expect

from outreach.campaigns.drafting import shown_version
from outreach.campaigns.steps import step_of
from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.runtime import Runtime
from tests.browser.chromium import open_browser
from tests.browser.live import carry_session, complaining, complaints, press, served
from tests.campaigns.drips import asks, call, drafted, email, keys, live, stop_on, tick, wait

pytestmark = pytest.mark.browser
WELCOME = [
    email("Hello"),
    wait(14),
    asks("clicked-or-replied", [call("Call them")], [email("Guide")]),
    stop_on("referred", "replied", tell=True),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without https in front: Chromium keeps its cookie over plain loopback."""
    return replace(settings, public_url="")


@pytest.fixture
def base(app: Flask) -> Iterator[str]:
    with served(app) as address:
        yield address


def opened(browser: Browser, maya: FlaskClient, base: str, path: str, **options: bool) -> tuple[Page, list[str]]:
    context: BrowserContext = browser.new_context(viewport={"width": 1440, "height": 900}, **options)  # type: ignore[arg-type]
    carry_session(maya, context, base)
    page = context.new_page()
    said = complaining(page)
    page.goto(f"{base}{path}")
    page.wait_for_load_state("networkidle")
    return page, said


def test_every_screen_is_clean_at_both_widths(
    browser: Browser, maya: FlaskClient, base: str, runtime: Runtime, clock: FrozenClock
) -> None:
    campaign_id = live(runtime, WELCOME)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    page, said = opened(browser, maya, base, "/campaigns/")
    found = complaints(page)
    where = f"/campaigns/{campaign_id}"
    paths = ["/campaigns/new", where, f"{where}/publish", f"{where}/people", f"{where}/try", f"{where}/end"]
    paths += [
        f"{where}/day",
        f"{where}/day?on=2026-02-27",
        f"{where}/enroll?who=tom",
        "/campaigns/of/1",
        f"{where}/edit/new?pane=edit&after=s1",
    ]
    paths += [f"{where}/edit/{key}?pane=edit" for key in ("group", "s1", "s2", "s3", "s4", "s6")]
    paths += [f"{where}/edit/s1?pane={pane}" for pane in ("steps", "preview", "checks")]
    for path in paths:
        page.goto(f"{base}{path}")
        found += complaints(page)
    assert found == []
    assert said == []
    page.context.close()


def test_typing_saves_by_itself_and_the_preview_follows(
    browser: Browser, maya: FlaskClient, base: str, runtime: Runtime
) -> None:
    campaign_id = drafted(runtime, WELCOME)
    page, said = opened(browser, maya, base, f"/campaigns/{campaign_id}/edit/s1")
    page.fill("#subject", "A team around the corner")
    page.get_by_text("Saved just now").wait_for()
    page.locator(".preview-inbox", has_text="A team around the corner").wait_for()
    page.reload()
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    page.wait_for_url(f"{base}/campaigns/{campaign_id}/edit")
    expect(page.locator("#subject")).to_have_value("Hello")
    page.fill("#subject", "Kept on the way out")
    press(page.locator("#step-s3 .step-link"))
    expect(page.locator("#step-s1")).to_contain_text("Kept on the way out")
    assert said == []
    page.context.close()


def test_a_step_is_added_by_keyboard_alone(browser: Browser, maya: FlaskClient, base: str, runtime: Runtime) -> None:
    campaign_id = drafted(runtime, WELCOME)
    page, _ = opened(browser, maya, base, f"/campaigns/{campaign_id}/edit")
    page.locator(".wire-add").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/edit/new"))
    expect(page.get_by_role("heading", name="Add a step", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add: Wait")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/edit/s\d+"))
    assert len(keys(runtime, campaign_id)) == 5
    page.context.close()


def test_a_step_is_dragged_to_a_plus(browser: Browser, maya: FlaskClient, base: str, runtime: Runtime) -> None:
    campaign_id = drafted(runtime, WELCOME)
    page, said = opened(browser, maya, base, f"/campaigns/{campaign_id}/edit/s1")
    page.locator("#step-s1 .step-link").drag_to(page.locator(".wire-add").last)
    page.wait_for_url(f"{base}/campaigns/{campaign_id}/edit/s1?pane=edit")
    expect(page.locator(".flow > .step-item").last).to_contain_text("Hello")
    assert keys(runtime, campaign_id) == ["s2", "s3", "s6", "s1"]
    assert said == []
    page.context.close()


def test_without_script_a_campaign_is_built_tried_and_published(
    browser: Browser, maya: FlaskClient, base: str, runtime: Runtime
) -> None:
    campaign_id = drafted(runtime, WELCOME)
    page, _ = opened(browser, maya, base, f"/campaigns/{campaign_id}/edit/s1", java_script_enabled=False)
    page.fill("#subject", "Typed without script")
    press(page.locator("#email").get_by_role("button", name="Save", exact=True).last)
    expect(page).to_have_url(re.compile("pane=edit"))
    page.goto(f"{base}/campaigns/{campaign_id}/edit/s2")
    page.fill("#days", "21")
    press(page.get_by_role("button", name="Save", exact=True))
    page.get_by_text("Wait 21 days").first.wait_for()
    page.goto(f"{base}/campaigns/{campaign_id}/try")
    page.get_by_text("Email 1: Hello").wait_for()
    page.goto(f"{base}/campaigns/{campaign_id}/publish")
    press(page.get_by_role("button", name="Publish to 2 physicians"))
    page.get_by_text("Version 1 is live").wait_for()
    with runtime.turn(write=False) as turn:
        first = step_of(shown_version(turn.session, campaign_id).steps, "s1")
    assert first is not None
    assert first["draft"]["subject"] == "Typed without script"
    page.context.close()
