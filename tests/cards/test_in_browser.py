"""Cards in Chromium: clean screens at both widths, and everything without script."""

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import open_browser
from tests.browser.live import press
from tests.cards.runs import NOVEMBER, approve, changed, housed, run
from tests.newsletters.browsing import Screens, served
from tests.newsletters.issues import group

pytestmark = pytest.mark.browser


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def base(clock, app):
    with served(app) as address:
        yield address


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_screen_is_clean(browser, base, app, runtime, cast, size):
    everybody = (cast.raman, cast.okafor, cast.silent, cast.marisol, cast.greta)
    with runtime.turn() as turn:
        housed(turn, cast.silent, cast.greta)
        changed(turn, cast.greta, email=None, address_hash=None)
        draft = run(turn, runtime, *everybody).id
        going = run(turn, runtime, *everybody, occasion="holiday-season")
        approve(turn, runtime, going)
        going = going.id
    screens = Screens(browser, base, app, runtime, size)
    for path, name in (
        ("/cards/", "cards"),
        ("/cards/new?occasion=doctors-day", "card-new"),
        (f"/cards/{draft}/edit", "card-composer"),
        (f"/cards/{draft}/list", "card-list"),
        (f"/cards/{going}", "card-run"),
    ):
        screens.is_clean(path, name)
    screens.close()


def test_cards_are_written_listed_approved_and_printed_without_script(browser, base, app, runtime, cast):
    with runtime.turn() as turn:
        housed(turn, cast.silent)
        group(turn, "Doctors", cast.raman, cast.silent)
    screens = Screens(browser, base, app, runtime, "desk", script=False)
    page = screens.open("/cards/")
    press(page.get_by_role("link", name="Write cards for Thanksgiving").first)
    press(page.get_by_role("button", name="Write these cards"))
    page.get_by_label("Doctors").check()
    press(page.get_by_role("button", name="Make the list"))
    press(page.get_by_role("button", name="Approve: 1 by email, 1 on paper"))
    with page.expect_download() as loading:
        page.get_by_role("button", name="Cards (PDF)").click()
    assert loading.value.suggested_filename == "thanksgiving-2026-cards.pdf"
    screens.open(page.url.removeprefix(base))
    press(page.get_by_role("button", name="Mark 1 card as mailed"))
    expect(page.locator("main")).to_contain_text("Mailed Nov 16")
    screens.close()
