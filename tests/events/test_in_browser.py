"""Events, gifts and stories in Chromium: axe, the policy, both widths, and without script."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from outreach.clock import FrozenClock
from outreach.events import attending, rsvping
from outreach.events.models import Event, Invitation
from outreach.gifts.recording import Given, record, record_eaten
from outreach.runtime import Runtime
from outreach.stories import asking
from tests.browser.chromium import open_browser
from tests.browser.live import heights, press
from tests.events.lunches import THE_DAY, lunch_with, page_of, sent, wait_until
from tests.newsletters.browsing import Screens, served
from tests.people import Cast
from tests.stories_room.permissions import asked, signed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def base(app: Flask) -> Iterator[str]:
    with served(app) as address:
        yield address


@pytest.fixture
def lived(runtime: Runtime, cast: Cast) -> dict[str, str]:
    """A lunch with answers, a gift, two stories; answers the paths of the public pages."""
    event_id = lunch_with(runtime, cast, cast.raman, cast.okafor, cast.denise, capacity=12)
    with runtime.turn() as turn:
        first, second = turn.session.query(Invitation).order_by(Invitation.id).limit(2)
        rsvping.answer(turn.session, first, now=turn.now, answer="yes", guests=2, diets={"vegan": 1}, source="page")
        rsvping.answer(turn.session, second, now=turn.now, answer="maybe", comment="We eat at one", source="page")
        record(
            turn.session,
            Given(cast.raman, turn.now.date(), "item", "Anatomy poster", 41_000),
            now=turn.now,
            today=turn.now.date(),
            by_id=None,
        )
        meal = Given(cast.okafor, turn.now.date(), "meal", "Dinner", 55_000)
        record_eaten(turn.session, meal, now=turn.now, today=turn.now.date(), by_id=None)
        consent = asking.link("", runtime.key, asked(turn, cast, runtime).id)
        copy = asking.link("", runtime.key, signed(turn, cast, runtime).id)
    rsvp = page_of(sent(runtime, to="front")[0])
    answered = page_of(sent(runtime, to="p.raman")[0])
    return {"event": f"/events/{event_id}", "rsvp": rsvp, "answered": answered, "consent": consent, "copy": copy}


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_screen_is_clean_at_both_widths(
    browser: Browser, base: str, app: Flask, runtime: Runtime, cast: Cast, lived: dict[str, str], size: str
) -> None:
    screens = Screens(browser, base, app, runtime, size)
    event = lived["event"]
    for path, name in (
        ("/events/", "events"),
        ("/events/?view=past", "events-empty"),
        ("/events/new", "event-new"),
        (event, "event"),
        (f"{event}/edit", "event-edit"),
        (f"{event}/move", "event-move"),
        (f"{event}/cancel", "event-cancel"),
        (f"{event}/invite?add={cast.tom}&q=elm", "event-invite"),
        (f"{event}/words/invitation", "event-words"),
        (f"{event}/sign-in", "event-sign-in"),
        (f"{event}/sheet", "event-sheet"),
        ("/events/answers", "event-answers"),
        ("/gifts/", "gifts"),
        ("/gifts/new?q=raman", "gift-find"),
        (f"/gifts/new?contact={cast.raman}", "gift-new"),
        ("/gifts/1/strike", "gift-strike"),
        ("/stories/", "stories"),
        ("/stories/new?q=vega", "story-find"),
        (f"/stories/new?contact={cast.marisol}", "story-new"),
        ("/stories/1", "story-asked"),
        ("/stories/2", "story-live"),
        ("/stories/1/form", "story-form"),
        ("/stories/1/paper", "story-paper"),
        ("/stories/2/withdraw", "story-withdraw"),
        ("/stories/website", "stories-website"),
    ):
        screens.is_clean(path, name)
    screens.close()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_public_page_is_clean_at_both_widths(
    browser: Browser, base: str, app: Flask, runtime: Runtime, lived: dict[str, str], size: str
) -> None:
    screens = Screens(browser, base, app, runtime, size)
    for name in ("rsvp", "answered", "consent", "copy"):
        screens.is_clean(lived[name], f"public-{name}")
    screens.is_clean("/testimonials", "public-testimonials")
    screens.close()


def test_an_invitation_is_answered_without_script(
    browser: Browser, base: str, app: Flask, runtime: Runtime, lived: dict[str, str]
) -> None:
    screens = Screens(browser, base, app, runtime, "phone", script=False)
    page = screens.open(lived["rsvp"])
    press(page.get_by_role("button", name="Yes", exact=True))
    expect(page.get_by_role("heading", level=1)).to_have_text("Good, see you there")
    page.get_by_label("How many more come with you?").fill("2")
    page.get_by_label("Vegetarian").fill("1")
    press(page.get_by_role("button", name="Save"))
    expect(page.get_by_label("How many more come with you?")).to_have_value("2")
    assert min(heights(page.get_by_role("button"))) >= 44
    screens.close()


def test_with_script_a_name_is_looked_up_and_invited_too(
    browser: Browser, base: str, app: Flask, runtime: Runtime, lived: dict[str, str]
) -> None:
    screens = Screens(browser, base, app, runtime, "desk")
    page = screens.open(f"{lived['event']}/invite")
    page.get_by_label("Or one by one: name or place").fill("tom")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Add Tom").click()
    page.get_by_role("button", name="Invite 1 person").click()
    expect(page.get_by_text("1 invitation is in the outbox").first).to_be_visible()
    screens.close()


def test_a_lunch_is_planned_invited_and_closed_without_script(
    browser: Browser, base: str, app: Flask, runtime: Runtime, cast: Cast, clock: FrozenClock
) -> None:
    screens = Screens(browser, base, app, runtime, "desk", script=False)
    page = screens.open("/events/new")
    page.get_by_label("Day").fill(THE_DAY.isoformat())
    page.get_by_label("Topic").fill("Shoulders")
    press(page.get_by_role("button", name="Plan it"))
    press(page.get_by_role("link", name="Invite people").first)
    page.get_by_label("Or one by one: name or place").fill("raman")
    press(page.get_by_role("button", name="Show"))
    press(page.get_by_role("link", name="Add Dr. Priya Raman"))
    press(page.get_by_role("button", name="Invite 1 person"))
    expect(page.get_by_text("1 invitation is in the outbox").first).to_be_visible()
    wait_until(clock, "2026-03-26T13:00:00-04:00")
    page.reload()
    press(page.get_by_role("link", name="Sign people in").first)
    press(page.get_by_role("button", name="Here: Dr. Priya Raman"))
    with runtime.turn() as turn:
        event = turn.session.query(Event).one()
        held = attending.take_place(turn.session, event, now=turn.now, by_id=None, cost_cents=2_000)
        assert isinstance(held, attending.Held)
    expect(screens.open("/gifts/").locator("main")).to_contain_text("$20")
    screens.close()
