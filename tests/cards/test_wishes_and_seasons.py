"""Wishes of people, last year's list in October, and the day on which working together began."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from outreach.cards import approving, listing, printing, proposing
from outreach.cards.models import CardRecipient, CardRun
from outreach.cards.wishing import wishing
from outreach.contacts import timeline
from outreach.contacts.tasks import Task
from outreach.deliveries.paper import paper_pages
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from tests.cards.runs import NOVEMBER, approve, dispatch, housed, run, ways
from tests.people import post


@pytest.fixture
def clock(clock):
    clock.set(NOVEMBER)
    return clock


def wish(turn, contact_id, way="either", *not_on):
    return wishing.keep(turn.session, contact_id, way=way, not_on=not_on, now=turn.now, by_id=None)


def test_wishes_decide_the_way_and_the_occasion(runtime, cast, clock):
    with runtime.turn() as turn:
        housed(turn, cast.raman, cast.okafor, cast.silent)
        wish(turn, cast.raman, "print")
        wish(turn, cast.okafor, "none")
        wish(turn, cast.silent, "email")
        wish(turn, cast.tom, "either", "thanksgiving")
        made = run(turn, runtime, cast.raman, cast.okafor, cast.silent, cast.tom)
        found = ways(turn, made)
        assert found[cast.raman] == ("print", "")
        assert found[cast.okafor] == ("skip", "wishes")
        assert found[cast.silent][0] == "skip", "by email only, and there is no address"
        assert found[cast.tom] == ("skip", "wishes")
        answer = listing.choose(turn.session, made, cast.tom, "email", now=turn.now, world=runtime)
        assert isinstance(answer, Refusal), "nobody is put back against their own wish"


def test_a_wish_after_approval_takes_the_card_off_the_sheet(runtime, cast, clock):
    with runtime.turn() as turn:
        housed(turn, cast.silent)
        made = run(turn, runtime, cast.silent)
        assert approve(turn, runtime, made) is made
        wish(turn, cast.silent, "none")
        assert isinstance(printing.draw(turn.session, made, now=turn.now, world=runtime), Refusal)


def test_a_wish_for_the_other_way_after_the_list_was_made_is_told_and_kept_to(runtime, cast, clock):
    with runtime.turn() as turn:
        housed(turn, cast.raman, cast.silent)
        made = run(turn, runtime, cast.raman, cast.okafor, cast.silent)
        listing.choose(turn.session, made, cast.okafor, "email", now=turn.now, world=runtime)
    clock.advance(timedelta(minutes=5))
    with runtime.turn() as turn:
        made = turn.session.get_one(CardRun, made.id)
        for each, way in ((cast.raman, "print"), (cast.okafor, "print"), (cast.silent, "email")):
            wish(turn, each, way)
        found = approving.review(turn.session, made, now=turn.now, world=runtime).findings
        assert any(one.text.startswith("3 people on it have other wishes") for one in found)
        assert approve(turn, runtime, made) is made
        assert isinstance(printing.draw(turn.session, made, now=turn.now, world=runtime), Refusal)
    clock.set(datetime(2026, 11, 24, 15, tzinfo=UTC))
    dispatch(runtime)
    with runtime.turn(write=False) as turn:
        found = ways(turn, made)
    assert found[cast.raman] == ("skip", "wishes"), "on paper only, said after approval"
    assert found[cast.silent] == ("skip", "wishes"), "by email only, said before printing"
    assert found[cast.okafor][0] == "email", "what a person chose by hand stands"


def test_maya_keeps_a_wish(maya, runtime, cast, clock):
    here = f"/cards/wishes/{cast.raman}"
    assert f'href="{here}"' in maya.get(f"/contacts/{cast.raman}").get_data(as_text=True)
    post(maya, here, {"way": "print", "not_on": ["holiday-season"]})
    page = maya.get(here).get_data(as_text=True)
    assert 'value="print" selected' in page
    assert 'value="holiday-season" checked' in page


def proposed(runtime):
    with runtime.turn() as turn:
        return proposing.propose(turn.session, now=turn.now, world=runtime)


def test_last_years_list_comes_back_in_october_once_with_what_was_chosen(runtime, cast, clock):
    with runtime.turn() as turn:
        made = run(turn, runtime, cast.raman, cast.okafor, front="Our own words")
        listing.choose(turn.session, made, cast.okafor, "skip", now=turn.now, world=runtime)
        assert approve(turn, runtime, made) is made
    clock.set(datetime(2027, 9, 30, 15, tzinfo=UTC))
    assert proposed(runtime) == 0
    clock.set(datetime(2027, 10, 1, 15, tzinfo=UTC))
    assert [proposed(runtime), proposed(runtime)] == [1, 0]
    with runtime.turn() as turn:
        again = turn.session.scalars(select(CardRun).where(CardRun.year == 2027)).one()
        assert (again.status, again.front, again.proposed_at is not None) == ("draft", "Our own words", True)
        assert ways(turn, again) == {cast.raman: ("email", ""), cast.okafor: ("skip", "by-hand")}
        assert turn.session.scalars(select(Task)).one().title == "Look over the list for Thanksgiving"
        again.deleted_at = turn.now
    assert proposed(runtime) == 0, "what was put away stays away"


def test_the_day_on_which_working_together_began(runtime, cast, clock):
    with runtime.turn() as turn:
        for each, year, times in ((cast.raman, 2024, 3), (cast.okafor, 2026, 1)):
            for number in range(times):
                at = datetime(year, 12, 5 + number, 15, tzinfo=UTC)
                timeline.add(
                    turn.session, now=turn.now, at=at, contact_id=each, kind="referred", origin=f"r{each}{number}"
                )
        made = run(turn, runtime, cast.raman, cast.okafor, cast.tom, occasion="first-referral-anniversary")
        rows = turn.session.scalars(select(CardRecipient).where(CardRecipient.run_id == made.id)).all()
        assert [(row.contact_id, row.send_on) for row in rows] == [(cast.raman, date(2026, 12, 5))]


def test_the_same_words_as_letters(runtime, cast, clock):
    with runtime.turn() as turn:
        housed(turn, cast.silent)
        made = run(turn, runtime, cast.silent)
        approve(turn, runtime, made)
        batch = printing.draw(turn.session, made, now=turn.now, world=runtime)
        letters = printing.letters(batch, made, practice_of(turn.session), "All of us", day=date(2026, 11, 16))
    (page,) = PdfReader(BytesIO(paper_pages.letters_pdf(letters))).pages
    text = page.extract_text()
    assert "Dear Dr. Marsh," in text
    assert "5 Oak Street" in text
    assert "November 16, 2026" in text
