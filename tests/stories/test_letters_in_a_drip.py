"""A client whom no email may reach goes through a campaign on paper."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from outreach.campaigns.models import StepDone
from outreach.clock import FrozenClock
from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.deliveries.paper import paper
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.deliveries.transports.registry import Transports
from outreach.errors import Refusal
from outreach.reports import monthly
from outreach.reports.rules import Span
from outreach.runtime import Runtime
from tests.campaigns.drips import drafted, email, live, published, tick, wait, way_of
from tests.people import Cast, post

LETTERS = [email("Hello again"), wait(20), email("How are you")]


class Outside(MemoryTransport):
    """A way out of the house under no agreement."""

    name = kind = "smtp"
    leaves_nothing = False


@pytest.fixture(autouse=True)
def _no_way_for_clients(runtime: Runtime, cast: Cast) -> None:
    runtime.transports = Transports([Outside()])
    with runtime.turn() as turn:
        home = {"street": "44 Elm Street", "city": "Cedarville", "state": "WA", "zip5": "98101"}
        turn.session.execute(update(Contact).where(Contact.id == cast.marisol).values(home))


def letters(runtime: Runtime) -> list[Delivery]:
    with runtime.turn(write=False) as turn:
        return list(turn.session.scalars(select(Delivery).order_by(Delivery.id)))


def steps_done(runtime: Runtime) -> list[str]:
    with runtime.turn(write=False) as turn:
        return list(turn.session.scalars(select(StepDone.outcome).order_by(StepDone.id)))


def emails_counted(runtime: Runtime) -> str:
    march, february = Span(date(2026, 3, 1), date(2026, 3, 31)), Span(date(2026, 2, 1), date(2026, 2, 28))
    with runtime.turn(write=False) as turn:
        found = monthly.lines(turn.session, march, february, today=march.last, zone=ZoneInfo("America/New_York"))
    return next(line.value for line in found if line.label == "Emails sent")


def make_sheet(maya: FlaskClient) -> None:
    post(maya, "/outbox/letters/sheets", {"after": "0"}, form_at="/outbox/letters")


def mailed(maya: FlaskClient, clock: FrozenClock) -> None:
    post(maya, "/outbox/letters/1/mailed", {"mailed_on": clock.now().date().isoformat()}, form_at="/outbox/letters/1")


def days(clock: FrozenClock, runtime: Runtime, number: int) -> None:
    for _ in range(number):
        clock.advance(timedelta(days=1))
        tick(runtime, rounds=1)


def test_without_the_option_a_campaign_for_clients_cannot_be_published(runtime: Runtime) -> None:
    refused = published(runtime, drafted(runtime, LETTERS, kind="former-client"))
    assert isinstance(refused, Refusal)
    assert refused.reason == "not-ready"


def test_each_step_is_a_letter_and_the_next_comes_in_its_time(
    runtime: Runtime, clock: FrozenClock, cast: Cast, maya: FlaskClient
) -> None:
    campaign = live(runtime, LETTERS, kind="former-client", letters=True)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert [(each.transport, each.state) for each in letters(runtime)] == [("print", "scheduled")]
    page = maya.get("/outbox/letters").get_data(as_text=True)
    assert "Make a sheet of 1 letter" in page
    make_sheet(maya)
    pages = maya.get("/outbox/letters/1/letters.pdf")
    assert pages.mimetype == "application/pdf"
    mailed(maya, clock)
    assert [each.state for each in letters(runtime)] == ["sent"]
    assert steps_done(runtime)[0] == "sent"
    assert emails_counted(runtime) == "0"
    results = maya.get(f"/campaigns/{campaign}").get_data(as_text=True)
    assert re.search(r"\b1\b", results)
    days(clock, runtime, 18)
    assert len(letters(runtime)) == 1
    days(clock, runtime, 6)
    assert [(each.transport, each.state) for each in letters(runtime)] == [("print", "sent"), ("print", "scheduled")]
    assert runtime.transports["smtp"].sent == []
    with runtime.turn(write=False) as turn:
        kinds = list(turn.session.scalars(select(Touch.kind).where(Touch.contact_id == cast.marisol)))
    assert kinds.count("mailed") == 1
    assert "emailed" not in kinds


def opts_out(runtime: Runtime, contact_id: int) -> None:
    with runtime.turn() as turn:
        hashed = turn.session.get_one(Contact, contact_id).address_hash or ""
        consent.suppress(turn.session, now=turn.now, hashed=hashed, reason="unsubscribed", source="staff")


def test_an_opt_out_before_the_sheet_removes_the_letter(
    runtime: Runtime, clock: FrozenClock, cast: Cast, maya: FlaskClient
) -> None:
    campaign = live(runtime, LETTERS, kind="former-client", letters=True)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    opts_out(runtime, cast.marisol)
    tick(runtime)
    make_sheet(maya)
    assert [each.state for each in letters(runtime)] in (["cancelled"], ["suppressed"])
    assert way_of(runtime, campaign, cast.marisol).stop_reason == "unsubscribed"


def test_an_opt_out_after_the_sheet_is_told_on_its_page_and_is_not_mailed(
    runtime: Runtime, clock: FrozenClock, cast: Cast, maya: FlaskClient
) -> None:
    live(runtime, LETTERS, kind="former-client", letters=True)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    make_sheet(maya)
    opts_out(runtime, cast.marisol)
    assert "Take 1 letter out of the pile" in maya.get("/outbox/letters/1").get_data(as_text=True)
    tick(runtime)
    assert "Take 1 letter out of the pile" in maya.get("/outbox/letters/1").get_data(as_text=True)
    mailed(maya, clock)
    assert "sent" not in [each.state for each in letters(runtime)]
    assert maya.get("/outbox/letters/1/letters.pdf").status_code in (302, 303)


def test_letters_that_are_switched_on_later_free_those_that_were_held(
    runtime: Runtime, clock: FrozenClock, cast: Cast
) -> None:
    usual = runtime.transports
    runtime.transports = Transports([MemoryTransport()])
    live(runtime, LETTERS, kind="former-client")
    clock.advance(timedelta(minutes=2))
    runtime.transports = usual
    tick(runtime)
    assert [(each.state, each.reason) for each in letters(runtime)] == [("held", "no-allowed-transport")]
    with runtime.turn() as turn:
        paper.switch(turn.session, "campaign", letters(runtime)[0].source_id, on=True, now=turn.now)
    clock.advance(timedelta(minutes=2))
    tick(runtime)
    assert [(each.state, each.transport) for each in letters(runtime)] == [("scheduled", "print")]


def test_the_option_is_a_box_in_the_settings_of_the_campaign(runtime: Runtime, maya: FlaskClient) -> None:
    campaign = drafted(runtime, LETTERS, kind="former-client")
    here = f"/campaigns/{campaign}"
    edit = maya.get(f"{here}/edit/group?pane=edit").get_data(as_text=True)
    rev = re.search(r'name="rev" value="(\d+)"', edit)
    chosen = re.search(r'<option selected value="(\d+)"', edit)
    assert rev
    assert chosen
    assert "no way out may carry mail to them" in maya.get(f"{here}/publish").get_data(as_text=True)
    form = {
        "rev": rev[1],
        "name": "Hello",
        "group_id": chosen[1],
        "entry": "group",
        "topic": "education",
        "letters": "y",
    }
    post(maya, f"{here}/setup", form, form_at=f"{here}/edit/group?pane=edit")
    review = maya.get(f"{here}/publish").get_data(as_text=True)
    assert "1 person gets a letter to print" in review
    assert not isinstance(published(runtime, campaign), Refusal)
