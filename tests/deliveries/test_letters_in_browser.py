"""The screens of letters in Chromium: clean at both widths, and everything without script."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from outreach.contacts.models import Contact
from outreach.deliveries.transports.registry import Transports
from tests.browser.chromium import open_browser
from tests.browser.live import press
from tests.deliveries.test_letters_on_paper import Outside, letter, more_clients, opts_out, sheet
from tests.newsletters.browsing import Screens, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def base(app, runtime, cast):
    runtime.transports = Transports([Outside()])
    with runtime.turn() as turn:
        home = {"street": "44 Elm Street", "city": "Cedarville", "state": "WA", "zip5": "98101"}
        turn.session.execute(update(Contact).where(Contact.id == cast.marisol).values(home))
    with served(app) as address:
        yield address


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_screen_is_clean(browser, base, app, runtime, cast, size):
    people = more_clients(runtime, 6)
    letter(runtime, cast.marisol, *people[:2])
    sheet(runtime)
    letter(runtime, *people[2:5], source_id=2)
    with runtime.turn() as turn:
        turn.session.execute(update(Contact).where(Contact.id == people[4]).values(zip5=""))
    letter(runtime, people[5], source_id=3)
    opts_out(runtime)
    screens = Screens(browser, base, app, runtime, size)
    screens.is_clean("/outbox/letters", "letters")
    screens.is_clean("/outbox/letters/1", "letter-sheet")
    screens.close()


def test_a_sheet_is_made_and_mailed_without_script(browser, base, app, runtime, cast):
    letter(runtime, cast.marisol)
    screens = Screens(browser, base, app, runtime, "desk", script=False)
    page = screens.open("/outbox/letters")
    press(page.get_by_role("button", name="Make a sheet of 1 letter"))
    press(page.get_by_role("button", name="Mark 1 letter as mailed"))
    expect(page.get_by_text("1 letter is mailed and on the timelines.")).to_be_visible()
    screens.close()
