"""What an office allows: weeks between lunches, the first day for the next one, and what they heard already."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.contacts.models import Organization
from outreach.events import office_rules, planning, queries
from outreach.events.planning import When
from tests.events.lunches import THE_DAY, plan
from tests.people import post


@pytest.fixture
def lakeside(runtime, cast):
    """An office that wants eight weeks between lunches."""
    with runtime.turn() as turn:
        place = turn.session.scalar(select(Organization).where(Organization.name == "Lakeside Orthopedics"))
        place.weeks_between_lunches, place.visitors_allowed, place.booking_window = 8, 2, "Six months ahead"
        return place.id


def after(weeks):
    return When(THE_DAY + timedelta(weeks=weeks), 12 * 60, 60, "America/New_York")


def clash(turn, event):
    found = office_rules.office_of(turn.session, event)
    return found.clashes_with


def test_a_lunch_nearer_than_the_office_allows_is_pointed_out(runtime, cast, lakeside):
    with runtime.turn() as turn:
        first = plan(turn, cast, organization_id=lakeside)
        assert clash(turn, first) is None
        soon = plan(turn, cast, after(7), organization_id=lakeside)
        assert clash(turn, soon) is first
        assert clash(turn, first) is soon
        planning.set_time(soon, after(8))
        assert clash(turn, soon) is None, "eight weeks are enough"
        talk = plan(turn, cast, after(1), organization_id=lakeside, type="one-to-one", meal=False)
        assert clash(turn, talk) is None, "the rule is about lunches"
        soon.status = "cancelled"
        assert office_rules.earliest_next(turn.session, first_place(turn, lakeside)) == THE_DAY + timedelta(weeks=8)


def first_place(turn, place_id):
    return turn.session.get_one(Organization, place_id)


def test_an_office_without_a_rule_or_a_lunch_names_no_day(runtime, cast, lakeside):
    with runtime.turn() as turn:
        place = first_place(turn, lakeside)
        assert office_rules.earliest_next(turn.session, place) is None
        plan(turn, cast, organization_id=lakeside)
        place.weeks_between_lunches = None
        assert office_rules.earliest_next(turn.session, place) is None
        assert office_rules.office_of(turn.session, plan(turn, cast)) is None


def test_the_same_topic_counts_within_a_year_of_the_event_either_way(runtime, cast, lakeside):
    with runtime.turn() as turn:
        first = plan(turn, cast, organization_id=lakeside)
        later = plan(turn, cast, after(51), organization_id=lakeside, topic="WHEN to begin with motion ")
        assert queries.same_topic_lately(turn.session, first, now=turn.now) is later
        planning.set_time(later, after(54))
        assert queries.same_topic_lately(turn.session, first, now=turn.now) is None
        assert queries.same_topic_lately(turn.session, later, now=turn.now) is None


def test_the_page_tells_the_rules_and_keeps_what_the_office_said(maya, runtime, cast, lakeside):
    with runtime.turn() as turn:
        first = plan(turn, cast, organization_id=lakeside)
        plan(turn, cast, after(4), organization_id=lakeside, title="Knees after surgery", topic="Knees")
        event_id = first.id
    page = maya.get(f"/events/{event_id}").get_data(as_text=True)
    for words in ("Six months ahead", "8 weeks between lunches", "Knees after surgery", "Visitors allowed"):
        assert words in page
    typed = {
        "type": "lunch-and-learn",
        "title": "Shoulders",
        "organization": "lakeside",
        "presenter_id": str(cast.theo),
        "backup_presenter_id": str(cast.maya),
        "host_id": str(cast.maya),
        "content_minutes": "30",
        "clinicians": "Dr. Raman",
        "caterer": "Corner Deli",
        "credit": "PT, 1 hour, 2026-114",
        "version": "1",
    }
    post(maya, f"/events/{event_id}/edit", typed)
    page = maya.get(f"/events/{event_id}").get_data(as_text=True)
    for words in ("Dr. Raman", "Corner Deli", "PT, 1 hour, 2026-114", "Maya Jensen"):
        assert words in page
    edit = maya.get(f"/events/{event_id}/edit").get_data(as_text=True)
    assert 'value="Corner Deli"' in edit
    filled = maya.get("/events/new?recipe=lunch-and-learn&office=Lakeside+Orthopedics&on=2026-05-21").get_data(True)
    assert 'value="2026-05-21"' in filled
    assert 'value="Lakeside Orthopedics"' in filled
    assert maya.get("/events/new?on=never").status_code == 200
