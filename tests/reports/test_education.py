"""The look-back of education events: pooled, from five offices up, and honest about chance."""

import re
from datetime import date, timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from outreach.contacts.models import Contact, Organization
from outreach.events.models import Event
from outreach.referrals.models import Referral
from outreach.reports.education import LookBack, by_chance, look_back, look_backs
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import plan
from tests.people import Cast
from tests.today.counting import statements

DAY = date(2026, 1, 1)
TODAY = date(2026, 6, 1)


def after(*, offices: int, before: int = 1, later: int = 3) -> LookBack:
    """So many offices with one event each, and so many referrals of each on either side."""
    held = [(office, DAY) for office in range(offices)]
    sent = {DAY - timedelta(days=30): before, DAY: 9, DAY + timedelta(days=30): later, DAY + timedelta(days=31): 9}
    return look_back(held, dict.fromkeys(range(offices), sent), 30, today=TODAY)


def test_four_offices_show_no_number_and_five_show_two() -> None:
    four, five = after(offices=4), after(offices=5)
    assert (four.before, four.after, four.offices) == (None, None, 4)
    assert "Too few to judge: 4 of the 5 offices" in four.text
    assert (five.before, five.after) == (5, 15), "the day itself and the day after the span are in neither"


def test_five_that_all_rise_may_be_chance_and_seven_hardly() -> None:
    assert by_chance([2] * 5) == 2 / 32
    assert "often chance" in after(offices=5).text
    assert "More than before" in after(offices=7).text
    assert "Fewer than before" in after(offices=7, before=3, later=1).text
    assert "sent nobody" in after(offices=7, before=0, later=0).text
    assert abs(by_chance([1, -1] * 3 + [3] * 6) - by_chance([1, -1] * 3 + [3] * 6 + [0])) < 1e-9
    assert 0.0001 < by_chance([2] * 13) < 0.001


def test_no_referral_stands_on_both_sides_and_a_span_that_runs_waits() -> None:
    held = [(1, DAY), (1, DAY + timedelta(days=59)), (1, DAY + timedelta(days=60)), (2, TODAY - timedelta(days=30))]
    one = look_back(held, {}, 30, today=TODAY)
    assert (one.events, one.near, one.running, one.offices) == (2, 1, 1, 1)


def taught_at(turn: Turn, cast: Cast, number: int, day: date) -> None:
    """An office with an event on that day; one referral before, two after, and one more that was deleted."""
    office = Organization(name=f"Office {number}", created_at=turn.now)
    turn.session.add(office)
    turn.session.flush()
    made = {"added_on": day, "created_at": turn.now, "updated_at": turn.now}
    name = f"Sender {number}"
    sender = Contact(kind="physician", last_name=name, sort_name=name, organization_id=office.id, **made)
    turn.session.add(sender)
    turn.session.flush()
    event = plan(turn, cast, organization_id=office.id)
    event.status, event.starts_on = "took-place", day
    for away, gone in ((-3, None), (3, None), (4, None), (5, turn.now)):
        said = {"discipline": "PT", "received_on": day + timedelta(days=away), "created_at": turn.now}
        turn.session.add(Referral(contact_id=sender.id, deleted_at=gone, **said))


def test_the_page_counts_what_the_people_of_these_offices_sent(maya: FlaskClient, runtime: Runtime, cast: Cast) -> None:
    assert "No education event took place" in maya.get("/reports/education").get_data(as_text=True)
    with runtime.turn() as turn:
        today = turn.now.date()
        for number in range(5):
            taught_at(turn, cast, number, today - timedelta(days=60))
    with statements(runtime) as said, runtime.turn(write=False) as turn:
        thirty, ninety = look_backs(turn.session, today=today)
    assert (thirty.before, thirty.after, thirty.offices) == (5, 10, 5)
    assert (ninety.events, ninety.running) == (0, 5)
    assert len([one for one in said if "referral" in one or "event" in one]) == 2
    assert not [one for one in said if "cost_cents" in one or "budget_cents" in one]
    page = maya.get("/reports/education").get_data(as_text=True)
    assert re.search(r'30 days</th>.*>5</td><td class="num">10</td>', page)
    assert "Office 1" not in page
    assert "$" not in page.partition("<main")[2]
    for door in ("/events/?view=past", "/reports/"):
        assert 'href="/reports/education"' in maya.get(door).get_data(as_text=True)
    with runtime.turn(write=False) as turn:
        assert turn.session.scalars(select(Event.status)).all() == ["took-place"] * 5
