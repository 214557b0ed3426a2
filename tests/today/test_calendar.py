"""The calendar, its private feed, search and help."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import vobject
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select

from outreach.campaigns.models import Campaign
from outreach.clock import FrozenClock
from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.events.away_models import Absence
from outreach.events.models import Event
from outreach.newsletters.models import Issue
from outreach.practice.models import Person, QuietDay
from outreach.referrals import logging
from outreach.runtime import Runtime
from outreach.today.dates.mail_days import mail_days
from outreach.today.months import month_of, shifted, weeks_of
from tests.building.watching import plans_of, said
from tests.people import Cast, post, sign_in
from tests.today.believable import TODAY
from tests.today.test_the_day import deliver, message


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


def change(client: FlaskClient, what: str, whose: str = "mine") -> int:
    return post(client, f"/calendar/feeds/{whose}/{what}", {}, form_at="/calendar/feeds").status_code


def address(client: FlaskClient, what: str = "open", whose: str = "mine") -> str:
    assert change(client, what, whose) == 303
    found = re.search(rf'id="{whose}".*?(/cal/[\w-]{{22}}\.ics)', page(client, "/calendar/feeds"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.usefixtures("busy")
def test_the_month_shows_what_stands_on_its_days_and_names_no_client(maya: FlaskClient) -> None:
    text = page(maya, "/calendar")
    for words in ("March 2026", "Lakeside lunch", "Founders’ Day", "March newsletter", "Call about the pads"):
        assert words in text
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
    maya: FlaskClient, visitor: FlaskClient
) -> None:
    answer = visitor.get(address(maya))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    calendar = Calendar.from_ical(answer.data)
    titles = sorted(str(one["SUMMARY"]) for one in calendar.walk("VEVENT"))
    assert titles == [
        "Call about the pads: Dr. Priya Raman",
        "Client task",
        "Founders’ Day (no sends)",
        "Goes out: March newsletter",
        "Lakeside lunch",
    ]
    second = vobject.readOne(answer.data.decode())
    assert sorted(one.summary.value for one in second.vevent_list) == titles
    assert second.x_published_ttl.value == "PT4H"
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT4H" in answer.data
    assert b"ATTENDEE" not in answer.data
    assert b"Marisol" not in answer.data


@pytest.mark.usefixtures("busy")
def test_an_unchanged_feed_answers_304_and_a_change_does_not(
    runtime: Runtime, maya: FlaskClient, visitor: FlaskClient, clock: FrozenClock
) -> None:
    where = address(maya)
    first = visitor.get(where)
    clock.advance(timedelta(hours=3))
    again = visitor.get(where, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert visitor.get(where).data == first.data
    with runtime.turn() as turn:
        event = turn.session.scalars(select(Event)).one()
        event.status, event.updated_at, event.sequence = "cancelled", turn.now, 1
    changed = visitor.get(where, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert b"STATUS:CANCELLED" in changed.data
    with runtime.turn() as turn:
        for task in turn.session.scalars(select(tasks.Task)):
            tasks.close(turn.session, task, now=turn.now, by_id=None)
    since = {"If-Modified-Since": changed.headers["Last-Modified"]}
    assert b"pads" not in visitor.get(where, headers=since).data, "what is finished has no newer date"


def test_a_new_address_ends_the_old_one_and_a_closed_feed_never_comes_back(
    runtime: Runtime, cast: Cast, app: Flask, maya: FlaskClient, visitor: FlaskClient
) -> None:
    old = address(maya)
    new = address(maya, "renew")
    assert [visitor.get(one).status_code for one in (old, new, "/cal/AAAAAAAAAAAAAAAAAAAAAA.ics")] == [410, 200, 404]
    for _ in range(2):
        assert change(maya, "close") == 303
    assert visitor.get(new).status_code == 410
    assert "/cal/" not in page(maya, "/calendar/feeds")
    third = address(maya)
    assert [visitor.get(one).status_code for one in (old, new, third)] == [410, 410, 200]
    rita = sign_in(app, runtime, "rita@cedarlane.example")
    assert visitor.get(address(rita)).status_code == 200, "who only reads has a feed too"
    with runtime.turn() as turn:
        turn.session.get_one(Person, cast.maya).active = False
    assert visitor.get(third).status_code == 404


@pytest.mark.usefixtures("busy")
def test_the_practices_feed_holds_everybodys_tasks_and_only_coordinators_open_it(
    app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient, visitor: FlaskClient
) -> None:
    with runtime.turn() as turn:
        turn.session.add(
            Absence(
                person_id=cast.theo, colleague_id=cast.maya, from_on=TODAY, until_on=TODAY + timedelta(days=2),
                made_at=turn.now,
            )
        )  # fmt: skip
        tasks.add(turn.session, now=turn.now, kind="call", title="Visit", due_on=TODAY, owner_id=cast.theo)
    theo = sign_in(app, runtime, "theo@cedarlane.example")
    assert change(theo, "open", "practice") == 403
    where = address(maya, whose="practice")
    assert where in page(theo, "/calendar/feeds")
    found = {one.summary.value: one for one in vobject.readOne(visitor.get(where).data.decode()).vevent_list}
    assert {"Visit (Theo Park)", "Client task (Maya Jensen)", "Lakeside lunch"} <= set(found)
    assert found["Theo Park is away"].dtend.value == TODAY + timedelta(days=3)
    assert "Visit" not in visitor.get(address(maya)).get_data(as_text=True), "hers holds only hers and nobody's"
    assert visitor.get(where).data == visitor.get(where).data


@pytest.mark.usefixtures("busy")
def test_the_month_is_filtered_by_kind_and_taken_away_as_a_file(maya: FlaskClient) -> None:
    sends = page(maya, "/calendar?only=send")
    assert "March newsletter" in sends
    assert "Call about the pads" not in sends
    assert "/calendar/month.ics?month=2026-03&amp;only=send" in sends
    answer = maya.get("/calendar/month.ics?month=2026-03")
    assert answer.headers["Content-Disposition"] == "attachment; filename=calendar-2026-03.ics"
    titles = [one.summary.value for one in vobject.readOne(answer.get_data(as_text=True)).vevent_list]
    assert {"Lakeside lunch", "Client task (Maya Jensen)", "Goes out: March newsletter"} <= set(titles)
    assert "Nothing of this kind" in page(maya, "/calendar?only=send&month=2031-01")
    assert b"BEGIN:VEVENT" not in maya.get("/calendar/month.ics?month=2031-01&only=event").data


@pytest.mark.usefixtures("busy")
def test_mail_is_counted_by_the_practices_day_also_when_the_clocks_change(
    runtime: Runtime, cast: Cast, maya: FlaskClient, visitor: FlaskClient
) -> None:
    def instant(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 3, day, hour, minute, tzinfo=UTC)

    with runtime.turn() as turn:
        turn.session.add(campaign := Campaign(name="Welcome", seed=1, created_at=turn.now))
        turn.session.flush()
        made = message(turn.session, turn, "Hello")
        left = {"source_id": campaign.id, "state": "sent"}
        for at in (instant(8, 4, 30), instant(8, 5, 30), instant(9, 3, 30)):
            deliver(turn, cast.raman, made, **left, step=f"{at}", sent_at=at)
        deliver(turn, cast.okafor, made, source_id=campaign.id, due_at=instant(8, 16))
        with said(runtime) as statements:
            days = mail_days(turn.session, TODAY, TODAY + timedelta(days=12), zone=ZoneInfo("America/New_York"))
        for statement, plan in plans_of(turn.session, statements, "delivery").items():
            assert runtime.engine.dialect.name != "sqlite" or "ix_delivery" in plan, (statement, plan)
        assert [(one.on.day, one.number, one.title) for one in days] == [(7, 1, "Welcome"), (8, 3, "Welcome")]
        issue = turn.session.scalars(select(Issue.id)).one()
        deliver(turn, cast.greta, made, source_id=campaign.id, due_at=instant(10, 16), state="held")
        deliver(turn, cast.raman, made, source="newsletter", source_id=issue, due_at=instant(4, 15))
    text = page(maya, "/calendar?only=send").partition('id="agenda"')[2]
    assert text.count("March newsletter") == 1, "what is in the ledger is not told a second time as a plan"
    assert "3 emails" in text
    assert "1 email on hold" in text, "what somebody holds has not vanished"
    assert b"Goes out: Welcome\\, 3 emails" in visitor.get(address(maya)).data
    assert b"on hold" not in visitor.get(address(maya)).data


@pytest.mark.usefixtures("busy")
def test_my_day_and_week_hold_meetings_tasks_and_what_is_late_but_no_client(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        turn.session.scalars(select(Event)).one().presenter_id = cast.maya
        late = tasks.add(
            turn.session, now=turn.now, kind="call", title="Long promised", owner_id=cast.maya,
            due_on=TODAY - timedelta(days=4),
        ).id  # fmt: skip
    day, week = page(maya, "/calendar/mine"), page(maya, "/calendar/mine?span=week")
    assert "Long promised" in day
    assert "Lakeside lunch" not in day
    for words in (
        "March 2 to 8",
        "Long promised",
        "Lakeside lunch",
        "You present.",
        "Call about the pads",
        "Client task",
    ):
        assert words in week
    assert "Marisol" not in week
    assert "March newsletter" in week, "what goes out is hers to know"
    theos = page(maya, f"/calendar/mine?span=week&who={cast.theo}")
    assert "Theo Park" in theos
    assert "Call about the pads" not in theos
    done = post(maya, f"/contacts/tasks/{late}/done", {"back": "week"}, form_at="/calendar/mine")
    assert done.headers["Location"] == "/calendar/mine?span=week"
    assert "Nothing is planned for this day" in page(maya, "/calendar/mine?day=2027-05-05")
    for odd in ("day=9999-99-99", "day=0001-01-01&span=week", "who=99999999999999999999", "day=9999-12-31&span=week"):
        assert maya.get(f"/calendar/mine?{odd}").status_code == 200


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
