"""A Thanksgiving card: a list in November, email on its day, paper to the post, and the right people only."""

import re
from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from jobs import runner
from outreach.contacts import consent
from outreach.contacts.models import Contact
from tests.cards.runs import NOVEMBER, changed, housed, on
from tests.newsletters.issues import group
from tests.newsletters.test_screens import fields_of
from tests.people import csrf_of, post, sign_in, to_others


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


def write(maya, group_id):
    """Maya takes the words as they are, ticks both ways and makes the list; answers the run's id."""
    where = post(maya, "/cards/new", {"occasion": "thanksgiving"}, form_at="/cards/new?occasion=thanksgiving")
    page = maya.get(where.headers["Location"]).get_data(as_text=True)
    data = {**fields_of(page), "groups": str(group_id), "by_email": "yes", "on_paper": "yes", "act": "list"}
    maya.post(where.headers["Location"], data={**data, "csrf_token": csrf_of(page)})
    return int(re.findall(r"\d+", where.headers["Location"])[0])


def approve(maya, run_id):
    page = maya.get(f"/cards/{run_id}/list").get_data(as_text=True)
    data = {name: re.search(rf'name="{name}" value="(\d+)"', page)[1] for name in ("version", "by_email", "on_paper")}
    return post(maya, f"/cards/{run_id}/approve", data, form_at=f"/cards/{run_id}/list")


def next_week(app, runtime):
    """Maya signs in again: the session of days ago is over."""
    return sign_in(app, runtime, "maya@cedarlane.example")


def printed(maya, run_id):
    answer = post(maya, f"/cards/{run_id}/print/cards", form_at=f"/cards/{run_id}")
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.data)).pages)


def test_a_card_on_its_date_by_email_and_on_paper(app, maya, runtime, cast, clock):
    with runtime.turn() as turn:
        everybody = group(
            turn, "Card list", *(getattr(cast, name) for name in ("raman", "okafor", "silent", "marisol", "tom"))
        )
        housed(turn, cast.silent, cast.marisol)
        changed(turn, cast.marisol, email=None, address_hash=None)
        changed(turn, cast.tom, deceased_on=date(2026, 6, 1))
        group_id = everybody.id
    run = write(maya, group_id)
    page = maya.get(f"/cards/{run}/list").get_data(as_text=True)
    assert "Approve: 2 by email, 2 on paper" in page
    assert "deceased" in page
    approve(maya, run)

    with runtime.turn() as turn:
        okafor = turn.session.get(Contact, cast.okafor)
        consent.suppress(turn.session, now=turn.now, hashed=okafor.address_hash, reason="unsubscribed", source="page")

    paper = printed(maya, run)
    assert "Dear Dr. Marsh," in paper
    assert "Dear Marisol," in paper
    for name in ("Raman", "Okafor", "Tom", "Brandt"):
        assert name not in paper
    post(maya, f"/cards/{run}/mailed", {"mailed_on": "2026-11-16"}, form_at=f"/cards/{run}")

    for day in (20, 23):
        clock.advance(on(11, day) - clock.now())
        runner.run_everything(runtime)
    assert to_others(runtime) == []
    clock.advance(on(11, 24) - clock.now())
    runner.run_everything(runtime, rounds=2)
    clock.advance(on(11, 25) - clock.now())
    runner.run_everything(runtime, rounds=2)
    [mail] = to_others(runtime)
    assert mail.to_email == "p.raman@lakeside.example"
    assert mail.subject == "Thankful for you"
    page = next_week(app, runtime).get(f"/cards/{run}").get_data(as_text=True)
    assert "Done" in page
    assert "they unsubscribed" in page
    assert "Mailed Nov 16" in page


def test_whoever_dies_before_the_sheet_is_printed_is_not_on_it(maya, runtime, cast, clock):
    with runtime.turn() as turn:
        housed(turn, cast.silent, cast.greta)
        changed(turn, cast.greta, email=None, address_hash=None)
        group_id = group(turn, "Card list", cast.silent, cast.greta).id
    run = write(maya, group_id)
    approve(maya, run)
    with runtime.turn() as turn:
        changed(turn, cast.silent, deceased_on=date(2026, 11, 17))
    paper = printed(maya, run)
    assert "Greta" in paper
    assert "Marsh" not in paper
    assert "deceased" in maya.get(f"/cards/{run}").get_data(as_text=True)


def test_a_worker_that_slept_over_the_feast_wishes_nobody_a_late_one(app, maya, runtime, cast, clock):
    with runtime.turn() as turn:
        group_id = group(turn, "Card list", cast.raman).id
    run = write(maya, group_id)
    approve(maya, run)
    clock.advance(on(11, 30) - clock.now())
    runner.run_everything(runtime, rounds=2)
    assert to_others(runtime) == []
    page = next_week(app, runtime).get(f"/cards/{run}").get_data(as_text=True)
    assert "its time had passed" in page
