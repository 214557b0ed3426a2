"""Whose list it is: one's own and nobody's, each owner's week, owners who left, and what yield never orders."""

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.catalog import job_named
from jobs.runner import work
from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.events.away_models import Absence
from outreach.events.models import Event
from outreach.practice.models import Person
from outreach.runtime import Runtime
from outreach.screen import Turn
from outreach.today import planning
from outreach.today.habits import habits
from outreach.today.models import DayPlan
from outreach.today.waiting import waiting
from tests.people import Cast, sign_in
from tests.today.believable import TODAY

ZONE = ZoneInfo("America/New_York")


@pytest.fixture(scope="session")
def empty_database(believable_database: Path) -> Path:
    """Here every test starts from the practice with its history."""
    return believable_database


def facts(turn: Turn) -> planning.Facts:
    return planning.gather(turn.session, now=turn.now, today=TODAY, zone=ZONE)


def listed(turn: Turn, person_id: int | None) -> list[int]:
    return [one.contact_id for one in facts(turn).list_for(person_id)]


def said_on_the_list(turn: Turn) -> str:
    return " ".join(" ".join((one.sentence, *one.also)) for one in facts(turn).list_for(None))


def person(turn: Turn, first: str) -> Person:
    return turn.session.scalars(select(Person).where(Person.name.startswith(first))).one()


def own(turn: Turn, contact_id: int, owner: Person) -> None:
    turn.session.get_one(Contact, contact_id).owner_id = owner.id
    turn.session.flush()


def test_a_contact_of_somebody_else_stands_on_their_list_only(turn: Turn, cast: Cast) -> None:
    olive = person(turn, "Olive")
    own(turn, cast.okafor, olive)
    assert cast.okafor in listed(turn, olive.id)
    assert cast.okafor not in listed(turn, cast.maya)
    assert cast.okafor in listed(turn, None)
    assert cast.raman in listed(turn, olive.id), "nobody's are everybody's"


def test_while_an_owner_is_away_their_contacts_stand_with_who_stands_in(turn: Turn, cast: Cast) -> None:
    olive = person(turn, "Olive")
    own(turn, cast.okafor, olive)
    days = {"from_on": TODAY, "until_on": TODAY, "made_at": turn.now, "started_at": turn.now}
    turn.session.add(absence := Absence(person_id=olive.id, colleague_id=cast.maya, **days))
    turn.session.flush()
    assert cast.okafor in listed(turn, cast.maya)
    assert cast.okafor not in listed(turn, olive.id)
    absence.ended_at = turn.now
    turn.session.flush()
    assert cast.okafor not in listed(turn, cast.maya)


def test_a_duty_stands_with_the_person_who_has_it_whoever_owns_the_contact(turn: Turn, cast: Cast) -> None:
    olive = person(turn, "Olive")
    own(turn, cast.greta, olive)
    assert cast.greta in listed(turn, cast.maya)
    assert cast.greta not in listed(turn, olive.id)


def test_what_an_owner_who_left_looked_after_is_everybodys(turn: Turn, cast: Cast) -> None:
    olive = person(turn, "Olive")
    own(turn, cast.okafor, olive)
    olive.active = False
    turn.session.flush()
    assert cast.okafor in listed(turn, cast.maya)
    assert facts(turn).of_others(cast.maya) is False


def test_an_owners_week_that_is_full_ends_the_suggestions_of_their_contacts(turn: Turn, cast: Cast) -> None:
    olive = person(turn, "Olive")
    own(turn, cast.okafor, olive)
    habits.choose(turn.session, olive.id, now=turn.now, week_goal=1)
    assert cast.okafor in listed(turn, None)
    turn.session.add(Touch(contact_id=cast.tom, kind="call", at=turn.now, by_id=olive.id, text=""))
    turn.session.flush()
    assert cast.okafor not in listed(turn, None)
    assert cast.raman in listed(turn, None), "a thank-you is no suggestion"


def test_maya_sees_hers_first_and_everybodys_one_click_away(
    app: Flask, runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        own(turn, cast.okafor, person(turn, "Olive"))
        own(turn, cast.raman, person(turn, "Maya"))
    mine, everybody = (names(maya.get(path).get_data(as_text=True)) for path in ("/", "/?whose=all"))
    assert "Dr. Samuel Okafor" not in mine
    assert "Dr. Samuel Okafor" in everybody
    assert "Dr. Samuel Okafor" in names(
        sign_in(app, runtime, "olive@cedarlane.example").get("/").get_data(as_text=True)
    )
    work(runtime, job_named("plan-today"))
    count = re.search(r'num is-loud">(\d+)<', maya.get("/help").get_data(as_text=True))
    assert count is not None
    assert int(count[1]) == len(mine)
    with runtime.turn(write=False) as turn:
        kept = turn.session.scalars(select(DayPlan)).one()
        assert cast.okafor in kept.contact_ids
        assert kept.by_person is not None
        assert cast.okafor not in kept.by_person[str(cast.maya)]


def test_a_practice_where_nobody_owns_anything_has_one_list(maya: FlaskClient) -> None:
    assert "Whose list" not in maya.get("/").get_data(as_text=True)


def test_a_duty_about_something_of_value_is_never_put_into_the_order_of_yield(turn: Turn, cast: Cast) -> None:
    facts_of = {"now": turn.now, "due_on": TODAY, "contact_id": cast.silent}
    task = tasks.add(turn.session, kind="visit", title="Bring the fruit basket", **facts_of)
    assert "fruit basket" in said_on_the_list(turn)
    task.has_value = True
    turn.session.flush()
    assert "fruit basket" not in said_on_the_list(turn)
    said = [line.text for line in waiting(turn.session, now=turn.now, today=TODAY)]
    assert "Bring the fruit basket" in said


def test_a_duty_of_an_event_stands_with_the_event_not_in_the_order_of_yield(turn: Turn, cast: Cast) -> None:
    lunch = turn.session.scalars(select(Event)).one()
    tasks.add(
        turn.session, now=turn.now, kind="other", title="Over the yearly limit", due_on=TODAY,
        contact_id=cast.silent, event_id=lunch.id,
    )  # fmt: skip
    assert "yearly limit" not in said_on_the_list(turn)
    lines = waiting(turn.session, now=turn.now, today=TODAY)
    assert ("Over the yearly limit", f"/events/{lunch.id}") in [(line.text, line.href) for line in lines]


def test_the_ring_counts_ones_own_touches_against_ones_own_week(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        habits.choose(turn.session, cast.maya, now=turn.now, week_goal=12)
        for by, ago in ((cast.maya, 0), (person(turn, "Olive").id, 0), (cast.maya, 7)):
            at = turn.now - timedelta(days=ago)
            turn.session.add(Touch(contact_id=cast.tom, kind="call", at=at, by_id=by, text=""))
    text = maya.get("/").get_data(as_text=True)
    assert "1 of 12 touches" in text
    assert "this week, as many as last week by now" in text


def names(text: str) -> list[str]:
    part = text.partition('aria-label="People to reach"')[2].partition("</ol>")[0]
    return re.findall(r'class="row-name"><a href="[^"]+">([^<]+)', part)


def test_who_is_done_with_a_row_of_everybodys_stays_on_everybodys_list(
    runtime: Runtime, cast: Cast, maya: FlaskClient
) -> None:
    with runtime.turn() as turn:
        own(turn, cast.okafor, person(turn, "Olive"))
        own(turn, cast.raman, person(turn, "Maya"))
    assert "Dr. Samuel Okafor" in names(maya.get("/?whose=all").get_data(as_text=True))
    assert "Dr. Samuel Okafor" in names(maya.get("/").get_data(as_text=True))
    assert "Dr. Samuel Okafor" not in names(maya.get("/?whose=mine").get_data(as_text=True))
    assert "Dr. Samuel Okafor" not in names(maya.get("/").get_data(as_text=True))
