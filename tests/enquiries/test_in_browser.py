"""Cards to pass on, who asked to be called, and what is new around issues and cards, in Chromium at both widths."""

import pytest

from outreach.contacts.models import Contact
from outreach.enquiries import enquiring, passing_on
from outreach.enquiries.enquiring import Asked
from outreach.newsletters.recurring import drafting
from tests.browser.chromium import open_browser
from tests.newsletters.browsing import Screens, served
from tests.newsletters.issues import group

pytestmark = pytest.mark.browser


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
    with runtime.turn() as turn:
        session, now = turn.session, turn.now
        card = passing_on.card_for(session, session.get_one(Contact, cast.marisol), now=now, by_id=None)
        passing_on.card_of_place(session, "Front desk", now=now, by_id=None)
        typed = Asked("Nadia Öz", "(555) 214-7001", "", "morning", 1, "one")
        asked = enquiring.ask(session, card, typed, way="paper", now=now, today=now.date(), world=runtime)
        drafting.start(
            session,
            now=now,
            name="News for physicians",
            rhythm="monthly",
            day=5,
            lead_days=28,
            layout="physicians",
            begins_with="last",
            group_ids=[group(turn, "Ortho", cast.raman).id],
            in_archive=False,
            owner_id=cast.maya,
        )
        drafting.draft_due(session, now=now)
        code, enquiry_id, card_id = card.code, asked.id, card.id
    screens = Screens(browser, base, app, runtime, size)
    for path, name in (
        ("/enquiries/", "enquiries"),
        (f"/enquiries/{enquiry_id}", "enquiry"),
        ("/enquiries/cards", "friend-cards"),
        (f"/enquiries/cards/{card_id}", "friend-card"),
        (f"/friend/{code}", "friend"),
        (f"/friend/{code}?thanks=1", "friend-thanks"),
        ("/friend", "friend-code"),
        ("/newsletters/recurring", "recurring"),
        (f"/cards/wishes/{cast.raman}", "card-wishes"),
    ):
        screens.is_clean(path, name)
    screens.close()
