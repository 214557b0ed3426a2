"""The calendar, its private feed, search and help."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select

from outreach.clock import FrozenClock
from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.events.models import Event
from outreach.newsletters.models import Issue
from outreach.practice.models import Person, QuietDay
from outreach.referrals import logging
from outreach.runtime import Runtime
from outreach.today import feeding
from outreach.today.months import month_of, shifted, weeks_of
from tests.people import Cast, post, sign_in
from tests.today.believable import TODAY


def page(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


@pytest.fixture
def busy(runtime: Runtime, cast: Cast) -> None:
    """A lunch on Thursday, a holiday, an issue for Wednesday, and two duties, one about a client."""
    with runtime.turn() as turn:
        noon = turn.now.replace(hour=17) + timedelta(days=3)
        turn.session.add_all(
            [
                QuietDay(on=TODAY + timedelta(days=10), name="Founders’ Day"),
                Event(
                    type="lunch-and-learn", title="Lakeside lunch", status="booked",
                    starts_on=TODAY + timedelta(days=3),
                    starts_minute=720, minutes=60, time_zone="America/New_York", starts_at=noon,
                    ends_at=noon + timedelta(hours=1), created_at=turn.now, updated_at=turn.now,
                ),
                Issue(
                    title="March newsletter", draft={}, send_on=TODAY + timedelta(days=2), send_minute=600,
                    send_zone="America/New_York", counted=312, created_at=turn.now, edited_at=turn.now,
                ),
            ]
        )  # fmt: skip
        for contact_id, title in ((cast.raman, "Call about the pads"), (cast.marisol, "Ask Marisol for her story")):
            tasks.add(
                turn.session, now=turn.now, kind="call", title=title, due_on=TODAY + timedelta(days=1),
                owner_id=cast.maya, contact_id=contact_id,
            )  # fmt: skip


def address(client: FlaskClient, runtime: Runtime, cast: Cast) -> str:
    assert post(client, "/calendar/feed", {}, form_at="/calendar").status_code == 303
    with runtime.turn(write=False) as turn:
        token = feeding.address_of(turn.session, runtime.key, cast.maya)
    assert token is not None
    assert f"https://outreach.cedarlane.example/cal/{token}.ics" in page(client, "/calendar")
    return f"/cal/{token}.ics"


@pytest.mark.usefixtures("busy")
def test_the_month_shows_what_stands_on_its_days_and_names_no_client(maya: FlaskClient) -> None:
    text = page(maya, "/calendar")
    for said in ("March 2026", "Lakeside lunch", "Founders’ Day", "March newsletter", "Call about the pads"):
        assert said in text
    assert "Client task" in text
    assert "Marisol" not in text
    assert "1 event, 1 send and 2 tasks" in text


def test_any_month_can_be_asked_for_and_nonsense_shows_this_one(maya: FlaskClient) -> None:
    assert "December 2026" in page(maya, "/calendar?month=2026-12")
    assert "March 2026" in page(maya, "/calendar?month=2026-99")
    assert maya.get("/calendar?month=9999-12").status_code == 200


def test_weeks_begin_on_sunday_and_months_step_over_the_year() -> None:
    assert weeks_of(TODAY.replace(day=1))[0][0].isoweekday() == 7
    assert shifted(month_of("2026-12", today=TODAY), 1).isoformat() == "2027-01-01"
    assert shifted(month_of("2026-01", today=TODAY), -1).isoformat() == "2025-12-01"


@pytest.mark.usefixtures("busy")
def test_the_feed_holds_the_same_without_sign_in_and_without_names_of_clients(
    runtime: Runtime, cast: Cast, maya: FlaskClient, visitor: FlaskClient
) -> None:
    answer = visitor.get(address(maya, runtime, cast))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = Calendar.from_ical(answer.data)
    titles = sorted(str(one["SUMMARY"]) for one in calendar.walk("VEVENT"))
    assert titles == [
        "Call about the pads: Dr. Priya Raman",
        "Client task",
        "Goes out: March newsletter",
        "Lakeside lunch",
    ]
    assert b"ATTENDEE" not in answer.data
    assert b"Marisol" not in answer.data


@pytest.mark.usefixtures("busy")
def test_an_unchanged_feed_answers_304_and_a_change_does_not(
    runtime: Runtime, cast: Cast, maya: FlaskClient, visitor: FlaskClient, clock: FrozenClock
) -> None:
    where = address(maya, runtime, cast)
    first = visitor.get(where)
    clock.advance(timedelta(hours=3))
    again = visitor.get(where, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    with runtime.turn() as turn:
        event = turn.session.scalars(select(Event)).one()
        event.status, event.updated_at, event.sequence = "cancelled", turn.now, 1
    changed = visitor.get(where, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert b"STATUS:CANCELLED" in changed.data


def test_a_new_address_ends_the_old_one_and_leaving_staff_ends_both(
    runtime: Runtime, cast: Cast, maya: FlaskClient, visitor: FlaskClient
) -> None:
    old = address(maya, runtime, cast)
    post(maya, "/calendar/feed", {"renew": "1"}, form_at="/calendar")
    assert visitor.get(old).status_code == 404
    new = address(maya, runtime, cast)
    assert visitor.get(new).status_code == 200
    with runtime.turn() as turn:
        turn.session.get_one(Person, cast.maya).active = False
    assert visitor.get(new).status_code == 404


def test_search_finds_people_places_referrals_and_pages(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        new = logging.NewReferral(received_on=TODAY, contact_id=cast.raman, discipline="PT", client_number="2041")
        logging.log_referral(turn.session, new, now=turn.now, today=TODAY, by_id=cast.maya)
    assert "Dr. Priya Raman" in page(maya, "/search?q=raman")
    assert "Lakeside Orthopedics" in page(maya, "/search?q=lakeside")
    assert "Client 2041" in page(maya, "/search?q=2041")
    assert "/contacts/import" in page(maya, "/search?q=mailchimp").partition('id="results"')[2]
    assert "Nothing found." in page(maya, "/search?q=zzzz")
    assert maya.get("/search?q=" + "%25_\\'\"" * 40).status_code == 200


def test_a_deleted_contact_is_not_found(runtime: Runtime, cast: Cast, maya: FlaskClient) -> None:
    with runtime.turn() as turn:
        turn.session.get_one(Contact, cast.raman).deleted_at = turn.now
    assert "Dr. Priya Raman" not in page(maya, "/search?q=raman")


def test_help_explains_yield_lift_and_where_the_data_lives(maya: FlaskClient) -> None:
    text = page(maya, "/help")
    for anchor in ("shortcuts", "yield", "lift", "data"):
        assert f'id="{anchor}"' in text


def test_the_kit_is_shown_here_but_never_in_a_real_installation(
    app: Flask, runtime: Runtime, maya: FlaskClient
) -> None:
    assert maya.get("/dev/components").status_code == 200
    object.__setattr__(runtime.settings, "mode", "run")
    assert sign_in(app, runtime, "maya@cedarlane.example").get("/dev/components").status_code == 404
