"""Shortcuts of Today in Chromium, the pages behind its figures, two quick clicks, and marks that do not overlap."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import func, select

from outreach.config import Settings
from outreach.contacts.timeline import Touch
from outreach.runtime import Runtime
from outreach.today.models import DayDone, Snooze
from tests.browser.chromium import open_browser
from tests.browser.live import press, served
from tests.newsletters.browsing import SIZES, Screens
from tests.people import Cast
from tests.today.test_in_browser import visited
from tests.today.test_today import planned

pytestmark = pytest.mark.browser
PAGES = (
    "/today/overdue?whose=all", "/today/figures/referrals", "/today/figures/lapsing", "/settings/rhythm",
    "/settings/rhythm/people/1",
)  # fmt: skip


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


def focused_row(page: Page) -> Locator:
    return page.locator(".row-item:focus, .row-item:has(:focus)").locator(".row-name a")


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_behind_today_pass_axe_and_fit(browser: Browser, app: Flask, runtime: Runtime, size: str) -> None:
    with served(app) as base:
        screens = Screens(browser, base, app, runtime, size)
        for path in PAGES:
            screens.is_clean(path, f"today-{path.strip('/').split('?')[0].replace('/', '-')}")
        screens.close()


def test_j_and_k_walk_the_rows_and_e_marks_the_one_that_has_the_focus(
    browser: Browser, app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with visited(browser, app, maya, "/") as (page, said):
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(focused_row(page)).to_have_text("Dr. Samuel Okafor")
        page.keyboard.press("k")
        expect(focused_row(page)).to_have_text("Dr. Priya Raman")
        page.keyboard.press("j")
        page.keyboard.press("e")
        page.get_by_text("1 done today").wait_for()
        assert said == []
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(DayDone.contact_id)).all() == [cast.okafor]


def test_s_snoozes_the_first_row_until_tomorrow_and_asks_on_the_others(
    browser: Browser, app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with visited(browser, app, maya, "/") as (page, _):
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("s")
        press(page.locator("#dialog[open]").get_by_role("button", name="When they refer again"))
        page.get_by_text("comes back after a referral").wait_for()
        page.locator("h1").click()
        page.keyboard.press("s")
        page.get_by_text("Dr. Priya Raman comes back on").wait_for()
    assert {cast.okafor, cast.raman}.isdisjoint(planned(runtime))
    with runtime.turn(write=False) as turn:
        assert turn.session.scalar(select(func.count(Snooze.id))) == 2


def test_keys_go_where_they_say_rest_while_typing_and_show_their_list(
    browser: Browser, app: Flask, maya: FlaskClient
) -> None:
    with visited(browser, app, maya, "/") as (page, _):
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("tere")
        expect(page.locator("#site-search")).to_have_value("tere")
        expect(page).to_have_url(re.compile("/$"))
        page.clock.install(time=0)
        page.clock.pause_at(3600)  # a slow machine may take its time between the two keys
        for keys, place in (("gc", "/contacts/"), ("gt", "/"), ("gr", "/referrals/"), ("ga", "/reports/"),
                            ("t", "/contacts/log-touch"), ("r", "/referrals/new")):  # fmt: skip
            page.locator("h1").click()
            for key in keys:
                page.keyboard.press(key)
            page.wait_for_url(re.compile(rf":\d+{place}$"))


def test_two_quick_clicks_on_already_done_are_one_touch(
    browser: Browser, app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with visited(browser, app, maya, "/") as (page, said):
        page.get_by_role("button", name="Already done").first.dblclick()
        page.get_by_text("1 done today").wait_for()
        assert said == []
    with runtime.turn(write=False) as turn:
        told = select(func.count(Touch.id)).where(Touch.origin.startswith("today:"))
        assert turn.session.scalar(told) == 1


def test_the_words_of_two_close_campaign_starts_stand_below_each_other_on_a_phone(
    browser: Browser, app: Flask, maya: FlaskClient
) -> None:
    with visited(browser, app, maya, "/reports/", size="phone") as (page, said):
        boxes = page.evaluate(
            """() => {
              const view = document.querySelector("chart-view[data-stacked]");
              const labels = view.chart.data.labels;
              const one = labels[labels.length - 3], two = labels[labels.length - 2];
              view.dataset.marks = JSON.stringify([[one, "New physician welcome on"], [two, "Lapsing referrer on"],
                [two, "A campaign whose name is far longer than any phone is wide, and then some more on"]]);
              const paint = view.chart.ctx, drawn = [], plain = paint.fillText.bind(paint);
              paint.fillText = (text, x, y) => {
                if (/ on$|…$/.test(text)) drawn.push([x, x + paint.measureText(text).width, y, paint.textAlign]);
                plain(text, x, y);
              };
              view.chart.draw();
              return {drawn, width: view.chart.width};
            }"""
        )
        assert said == []
    drawn = boxes["drawn"]
    assert len(drawn) == 3
    for at, (left, right, y, align) in enumerate(drawn):
        assert align == "left"
        assert 0 <= left <= right <= boxes["width"]
        for other_left, other_right, other_y, _ in drawn[at + 1 :]:
            assert abs(y - other_y) >= 14 or right < other_left or other_right < left
