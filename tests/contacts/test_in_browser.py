"""Contacts and groups in Chromium: clean at both widths, and the builder counts as one chooses."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from outreach.contacts.models import Group
from outreach.runtime import Runtime
from tests.browser.chromium import open_browser
from tests.newsletters.browsing import Screens, served
from tests.people import Cast

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def book(runtime: Runtime, cast: Cast) -> int:
    """A group of combined rules; answers its id."""
    with runtime.turn() as turn:
        rules = {
            "any": [
                {"fact": "kind", "op": "is", "value": ["peer-therapist"]},
                {"not": {"any": [{"fact": "has-email", "op": "no", "value": None}]}},
            ]
        }
        group = Group(name="Either", rules=rules, created_at=turn.now, updated_at=turn.now)
        turn.session.add(group)
        turn.session.flush()
        return group.id


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_contacts_and_groups_are_clean(app: Flask, runtime: Runtime, browser: Browser, book: int, size: str) -> None:
    with served(app) as base:
        screens = Screens(browser, base, app, runtime, size)
        pages = {
            "contacts": "/contacts/",
            "columns": "/contacts/?cols=kind,place,phone,email,owner,tags,touch,yield",
            "nobody": "/contacts/?q=zebra",
            "views": "/contacts/views/new?kind=physician",
            "groups": "/groups/",
            "group": f"/groups/{book}",
            "new-group": "/groups/new",
            "builder": f"/groups/{book}/edit",
        }
        for name, path in pages.items():
            screens.is_clean(path, f"lists-{name}")


def test_the_builder_counts_as_one_chooses(app: Flask, runtime: Runtime, browser: Browser, cast: Cast) -> None:
    with served(app) as base:
        screens = Screens(browser, base, app, runtime, "desk")
        page = screens.open("/groups/new")
        page.get_by_label("Name of the group").fill("Doctors")
        page.get_by_label("What", exact=True).select_option("kind")
        page.get_by_text("Choose a value to see who matches.").wait_for()
        expect(page.locator("#count .callout")).to_have_count(0)
        page.get_by_label("Physician").check()
        page.locator("#count", has_text="3 match now").wait_for()
        page.get_by_role("button", name="Add combined rules").first.click()
        page.get_by_label("Rule 2").get_by_label("What").select_option("has-email")
        page.locator("#count", has_text="2 match now").wait_for()
        screens.picture("lists-built")
        page.get_by_role("button", name="Save group").click()
        page.get_by_role("heading", name="Doctors").wait_for()
        assert screens.said == []


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_what_is_done_to_many_is_clean(app: Flask, runtime: Runtime, browser: Browser, cast: Cast, size: str) -> None:
    with served(app) as base:
        screens = Screens(browser, base, app, runtime, size)
        page = screens.open("/contacts/")
        page.get_by_label("Tick Tom Brandt").check()
        page.get_by_role("button", name="The ticked ones").click()
        page.get_by_role("heading", name="1 contact", exact=True).wait_for()
        screens.picture("lists-bulk")
        page.get_by_label("Tag", exact=True).fill("Golf")
        page.get_by_role("button", name="Tag 1 contact").click()
        page.get_by_text("1 contact new with the tag.").wait_for()
        assert screens.said == []
