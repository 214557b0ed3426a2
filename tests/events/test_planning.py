"""Planning: the recipe's dates, the path of an event, and what a meal needs."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.events import planning, rescheduling, rules, saying, timelines
from outreach.events.models import Event, EventMessage
from outreach.events.planning import When
from outreach.runtime import Runtime
from outreach.screen import Turn
from tests.events.lunches import NOON, THE_DAY, facts, plan
from tests.people import Cast


def dates(turn: Turn, event: Event) -> dict[str, date]:
    rows = turn.session.scalars(
        select(Task).where(Task.event_id == event.id, Task.closed_at.is_(None)).order_by(Task.due_on)
    )
    return {(row.origin or "").rpartition(":")[2]: row.due_on for row in rows}


def planned(turn: Turn, event: Event) -> dict[str, datetime]:
    rows = turn.session.scalars(
        select(EventMessage).where(EventMessage.event_id == event.id, EventMessage.state == "planned")
    )
    return {row.step: row.due_at for row in rows}


def test_a_lunch_gets_its_dated_checklist(turn: Turn, cast: Cast) -> None:
    event = plan(turn, cast)
    assert dates(turn, event) == {
        "invite": date(2026, 3, 5),
        "order": date(2026, 3, 19),
        "heads": date(2026, 3, 19),
        "brief": date(2026, 3, 23),
        "pack": date(2026, 3, 23),
        "confirm": date(2026, 3, 25),
        "sheet": date(2026, 3, 26),
        "sign-in": date(2026, 3, 27),
        "questions": date(2026, 4, 2),
        "follow-up": date(2026, 4, 5),
    }


def test_reminders_are_planned_at_nine_at_the_place_of_the_event(turn: Turn, cast: Cast) -> None:
    event = plan(turn, cast)
    assert {step: at.isoformat() for step, at in planned(turn, event).items()} == {
        "ask-14": "2026-03-12T13:00:00+00:00",
        "remind-7": "2026-03-19T13:00:00+00:00",
        "ask-7": "2026-03-19T13:00:00+00:00",
        "unsure-7": "2026-03-19T13:00:00+00:00",
        "remind-1": "2026-03-25T13:00:00+00:00",
        "thanks": "2026-03-27T13:00:00+00:00",
    }


def test_mail_keeps_off_weekends_and_holidays_and_food_counts_working_days() -> None:
    monday, weekdays = date(2026, 3, 30), range(5)
    found = {
        one.step.name: one.on
        for one in timelines.timeline(
            monday,
            event_type="lunch-and-learn",
            meal=True,
            today=date(2026, 3, 2),
            quiet=[date(2026, 3, 27)],
        )
    }
    assert found["remind-1"] == date(2026, 3, 26)  # the Sunday before, then back over the quiet Friday
    assert found["order"] == date(2026, 3, 20)
    assert found["remind-7"].weekday() in weekdays


def test_what_is_too_late_to_send_is_not_planned(turn: Turn, cast: Cast) -> None:
    soon = When(date(2026, 3, 6), 720, 60, "America/New_York")
    event = plan(turn, cast, soon)
    assert set(planned(turn, event)) == {"remind-1", "thanks"}
    assert dates(turn, event)["invite"] == date(2026, 3, 2)


def test_an_idea_has_no_dates_until_it_gets_one(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast, None)
    assert (event.status, dates(turn, event)) == ("idea", {"offer": date(2026, 3, 9)})
    rescheduling.move(turn.session, event, NOON, now=turn.now, world=runtime, by_id=None)
    assert (event.status, event.sequence, len(dates(turn, event))) == ("booked", 0, 10)


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (When(date(2026, 3, 1), 720, 60, "America/New_York"), "past"),
        (When(date(2036, 3, 1), 720, 60, "America/New_York"), "too-far"),
        (When(THE_DAY, 720, 60, "Mars/Olympus"), "unknown-zone"),
        (When(THE_DAY, 720, 60, "../etc/passwd"), "unknown-zone"),
        (When(THE_DAY, 720, 0, "America/New_York"), "bad-length"),
        (When(THE_DAY, 2000, 60, "America/New_York"), "bad-length"),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_name(turn: Turn, cast: Cast, when: When, reason: str) -> None:
    refused = planning.plan_event(turn.session, facts(cast), when, now=turn.now, by_id=None)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert turn.session.scalars(select(Event)).all() == []


def test_a_time_that_the_clocks_skip_moves_forward_and_one_they_show_twice_is_the_first(turn: Turn, cast: Cast) -> None:
    skipped = plan(turn, cast, When(date(2026, 3, 8), 150, 60, "America/New_York"))
    twice = plan(turn, cast, When(date(2026, 11, 1), 90, 60, "America/New_York"))
    assert skipped.starts_at is not None
    assert twice.starts_at is not None
    assert skipped.starts_at.isoformat() == "2026-03-08T07:30:00+00:00"
    assert twice.starts_at.isoformat() == "2026-11-01T05:30:00+00:00"


@pytest.mark.parametrize(
    "lacks", [{"topic": " "}, {"learning_points": ""}, {"presenter_id": None}, {"content_minutes": 19}]
)
def test_a_meal_without_education_is_not_confirmed(turn: Turn, cast: Cast, lacks: dict[str, object]) -> None:
    event = plan(turn, cast, **lacks)
    refused = planning.set_status(turn.session, event, "confirmed", now=turn.now)
    assert refused is not None
    assert (refused.reason, event.status) == ("not-ready", "booked")
    assert planning.set_status(turn.session, plan(turn, cast), "confirmed", now=turn.now) is None


def test_a_confirmed_meal_cannot_lose_its_topic(turn: Turn, cast: Cast) -> None:
    event = plan(turn, cast)
    planning.set_status(turn.session, event, "confirmed", now=turn.now)
    refused = planning.edit(turn.session, event, facts(cast, topic=""), now=turn.now, version=event.version)
    assert refused is not None
    assert event.topic


def test_a_meeting_without_a_meal_needs_no_lecture(turn: Turn, cast: Cast) -> None:
    event = plan(turn, cast, type="one-to-one", meal=False, topic="", presenter_id=None)
    assert planning.set_status(turn.session, event, "confirmed", now=turn.now) is None


def test_an_event_only_walks_its_path(turn: Turn, cast: Cast) -> None:
    event = plan(turn, cast, None)
    assert planning.set_status(turn.session, event, "booked", now=turn.now) == Refusal(
        "no-date", "Give it a date first."
    )
    early = planning.set_status(turn.session, plan(turn, cast), "no-show", now=turn.now)
    assert early is not None
    assert early.reason == "too-early"
    assert rules.may_become("cancelled", "booked") is False


def test_two_people_changing_one_event_do_not_overwrite_each_other(turn: Turn, cast: Cast) -> None:
    event = plan(turn, cast)
    seen = event.version
    assert planning.edit(turn.session, event, facts(cast, title="Mine"), now=turn.now, version=seen) is None
    late = planning.edit(turn.session, event, facts(cast, title="Theirs"), now=turn.now, version=seen)
    assert late is not None
    assert event.title == "Mine"


def test_a_reader_elsewhere_is_told_the_time_in_their_own_zone(turn: Turn, cast: Cast) -> None:
    event = plan(turn, cast)
    here = saying.when(event, now=turn.now)
    there = saying.when(event, now=turn.now, reader_zone="America/Denver")
    assert here == "Thursday, March 26, 12:15 to 1:15 pm (EDT)"
    assert there == f"{here}, 10:15 am in your time"
    assert saying.when(event, now=turn.now, reader_zone="America/Toronto") == here
    assert saying.when(event, now=turn.now, reader_zone="nonsense") == here


def test_tasks_already_done_stay_done_when_the_event_moves(turn: Turn, cast: Cast, runtime: Runtime) -> None:
    event = plan(turn, cast)
    task = turn.session.scalar(select(Task).where(Task.origin == f"event:{event.id}:invite"))
    assert task is not None
    task.closed_at = turn.now
    later = When(THE_DAY + timedelta(days=14), 735, 60, "America/New_York")
    rescheduling.move(turn.session, event, later, now=turn.now, world=runtime, by_id=None)
    assert "invite" not in dates(turn, event)
    assert dates(turn, event)["confirm"] == date(2026, 4, 8)
