"""People and places in Chromium: nothing for axe to find, nothing wider than the screen, and all without script too."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import select

from outreach.config import Settings
from outreach.contacts import belonging, tasks, timeline
from outreach.contacts.models import Contact, Organization
from outreach.practice import service_area
from outreach.practice.models import Location
from outreach.runtime import Runtime
from tests.browser.chromium import open_browser
from tests.browser.live import carry_session, complaining, complaints, press, served
from tests.contacts.test_merging import twin_of
from tests.people import Cast, sign_in
from tests.practice.test_service_area import GAZETTEER

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Served over http here, so that the browser keeps and sends the cookie."""
    return replace(settings, public_url=None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def pages(runtime: Runtime, cast: Cast) -> list[str]:
    """Every screen of this part, with something on it."""
    with runtime.turn() as turn:
        session, raman = turn.session, turn.session.get_one(Contact, cast.raman)
        session.add(Location(name="Millbrook", zip5="12545"))
        session.flush()
        service_area.load_places(session, GAZETTEER.encode())
        raman.zip5, raman.therapy_relationship, raman.languages = "12572", "Mostly Riverside PT", "Tamil, தமிழ்"
        clinic = session.scalars(select(Organization).where(Organization.name == "Northgate Clinic")).one()
        clinic.front_desk, clinic.physicians, clinic.preferred_channel = "Rosa", 4, "direct"
        today = turn.now.date()
        belonging.join(session, raman, clinic, now=turn.now, today=today, by_id=None, role="Surgeon on Tuesdays")
        tom = session.get_one(Contact, cast.tom)
        belonging.relate(session, raman, tom, relation="sibling", now=turn.now, by_id=None)
        for kind, text in (
            ("emailed", "Our news"),
            ("bounced", "No such box"),
            ("replied", "Thanks"),
            ("call", "Talked"),
        ):
            timeline.add(session, now=turn.now, contact_id=raman.id, kind=kind, text=text, minutes=5)
        tasks.add(
            session, now=turn.now, kind="call", title="Call", due_on=today, owner_id=cast.olive, contact_id=raman.id
        )
        twin, place = twin_of(turn, cast.raman, city="Salem").id, clinic.id
        same = Organization(name=clinic.name, created_at=turn.now)
        session.add(same)
        session.flush()
        contact = f"/contacts/{cast.raman}"
        merges = [f"/contacts/duplicates/{cast.raman}/{twin}", f"/contacts/duplicates/places/{place}/{same.id}"]
        places = ["/organizations/", f"/organizations/{place}", f"/organizations/{place}/edit", "/settings/area"]
        own = [contact, *(f"{contact}/{page}" for page in ("edit", "places", "record", "erase"))]
        return [*own, *places, "/contacts/duplicates/", *merges, "/contacts/tasks", "/contacts/log-touch"]


def opened(browser: Browser, client: FlaskClient, address: str, *, script: bool = True) -> BrowserContext:
    client.get("/contacts/")
    context = browser.new_context(java_script_enabled=script)
    carry_session(client, context, address)
    return context


def test_axe_finds_nothing_and_everything_fits(
    browser: Browser, app: Flask, runtime: Runtime, pages: list[str]
) -> None:
    client = sign_in(app, runtime, "olive@cedarlane.example")
    with served(app) as address:
        context = opened(browser, client, address)
        page = context.new_page()
        said = complaining(page)
        found = []
        for path in pages:
            assert page.goto(address + path).status == 200, path  # type: ignore[union-attr]
            page.wait_for_load_state("networkidle")
            found += complaints(page)
        context.close()
    assert found == []
    assert said == []


def test_a_line_is_logged_and_taken_back_by_keyboard_and_without_script(
    browser: Browser, app: Flask, runtime: Runtime, maya: FlaskClient, cast: Cast
) -> None:
    with served(app) as address:
        context = opened(browser, maya, address, script=False)
        page = context.new_page()
        page.goto(f"{address}/contacts/{cast.raman}")
        page.get_by_label("What happened?").fill("Brought the new guide")
        page.get_by_text("Minutes and promised next step").click()
        page.get_by_label("Minutes", exact=True).fill("15")
        press(page.get_by_role("button", name="Drop-off"), "Enter")
        expect(page.get_by_text("Brought the new guide (15 minutes)")).to_be_visible()
        press(page.get_by_role("button", name="Undo"), "Enter")
        expect(page.get_by_text("Brought the new guide (15 minutes)")).to_be_hidden()
        context.close()
