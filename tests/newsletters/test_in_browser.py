"""Newsletters in Chromium: clean screens at both widths, a live preview, and everything without script."""

from datetime import timedelta
from threading import Event

import pytest
from playwright.sync_api import expect

from jobs import runner
from outreach.newsletters.models import Issue
from tests.browser.chromium import open_browser
from tests.browser.live import press
from tests.newsletters.browsing import Screens, served
from tests.newsletters.issues import approve, group, issue

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def base(app):
    with served(app) as address:
        yield address


@pytest.fixture
def issues(runtime, cast, clock):
    """A draft, one that was sent, one on its way."""
    with runtime.turn() as turn:
        doctors = group(turn, "Doctors", cast.raman, cast.okafor, cast.silent)
        others = group(turn, "Community and peers", cast.greta, cast.tom)
        sent = issue(turn, runtime, doctors, title="Winter news")
        approve(turn, runtime, sent, 2)
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime, rounds=2)
    with runtime.turn() as turn:
        going = issue(turn, runtime, others, title="Community update")
        approve(turn, runtime, going, 2)
        draft = issue(turn, runtime, doctors, others, title="Spring news")
        return {"draft": draft.id, "sent": sent.id, "going": going.id}


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_screen_is_clean(browser, base, app, runtime, issues, size):
    screens = Screens(browser, base, app, runtime, size)
    for path, name in (
        ("/newsletters/", "newsletters"),
        ("/newsletters/new", "newsletter-new"),
        (f"/newsletters/{issues['draft']}/edit", "newsletter-composer"),
        (f"/newsletters/{issues['draft']}/review", "newsletter-review"),
        (f"/newsletters/{issues['going']}", "newsletter-going"),
        (f"/newsletters/{issues['sent']}", "newsletter-sent"),
        ("/news", "newsletter-archive"),
    ):
        screens.is_clean(path, name)
    screens.close()


def test_typing_saves_by_itself_and_the_preview_follows(browser, base, app, runtime, issues):
    screens = Screens(browser, base, app, runtime, "desk")
    page = screens.open(f"/newsletters/{issues['draft']}/edit")
    page.fill("#subject", "openings in March")
    page.locator("#subject").press("Home")
    page.locator("summary", has_text="Put a detail into the subject").click()
    page.get_by_role("button", name="Our name").click()
    expect(page.locator("#subject")).to_have_value("{{ practice_name }}openings in March")
    page.fill("#subject", "Three openings in March")
    page.get_by_text("Saved just now").wait_for()
    page.locator(".preview-inbox", has_text="Three openings in March").wait_for()
    with runtime.turn(write=False) as turn:
        assert turn.session.get(Issue, issues["draft"]).draft["subject"] == "Three openings in March"
    page.get_by_label("Community and peers").uncheck()
    page.locator("#counted", has_text="2 people would get it now").wait_for()
    # Pressed twice while the answer to a save is on its way: one's own save is not taken for somebody else's.
    saved, answered, plain = Event(), Event(), app.wsgi_app

    def late(environ, start):
        parts = plain(environ, start)
        if "HTTP_HX_REQUEST" in environ:
            saved.set()
            assert answered.wait(60)
        return parts

    app.wsgi_app = late
    page.fill("#preview_line", "And one tip")
    assert saved.wait(60)
    page.get_by_role("button", name="Review and send").dblclick()
    answered.set()
    page.get_by_role("heading", name="Review and send").wait_for()
    assert screens.said == []
    screens.close()


def test_an_issue_is_written_and_sent_without_script(browser, base, app, runtime, cast, clock):
    with runtime.turn() as turn:
        group(turn, "Doctors", cast.raman, cast.okafor)
    screens = Screens(browser, base, app, runtime, "desk", script=False)
    page = screens.open("/newsletters/new")
    press(page.get_by_role("button", name="Start: Peers"))
    page.fill("#subject", "A hello")
    page.fill("textarea", "<p>We have two openings.</p>")
    page.get_by_label("Doctors").check()
    press(page.get_by_role("button", name="Review and send"))
    press(page.get_by_role("button", name="Send to 2 people"))
    expect(page.get_by_text("It leaves in 60 seconds").first).to_be_visible()
    press(page.locator("#main").get_by_role("button", name="Undo"))
    expect(page.get_by_text("Nothing was sent").first).to_be_visible()
    press(page.get_by_role("button", name="Send to 2 people"))
    clock.advance(timedelta(seconds=61))
    runner.run_everything(runtime, rounds=2)
    screens.open(page.url.removeprefix(base))
    expect(page.locator("main")).to_contain_text("2 of 2 people")
    screens.close()
