"""Each kind of event has a timeline of its own, and it follows when the kind, the date or the status changes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.contacts import tasks
from outreach.contacts.models import Organization
from outreach.contacts.tasks import Task
from outreach.events import planning, rescheduling, rules, timelines
from outreach.events.models import EventMessage
from tests.events.lunches import NOON, THE_DAY, facts, plan


def due(turn, event):
    """{step: day} of the open tasks."""
    rows = turn.session.scalars(select(Task).where(Task.event_id == event.id, Task.closed_at.is_(None)))
    return {task.origin.rpartition(":")[2]: task.due_on for task in rows}


def mails(turn, event):
    """The mails that are planned for the event as it is."""
    planned = EventMessage.event_id == event.id, EventMessage.state == "planned"
    return set(turn.session.scalars(select(EventMessage.step).where(*planned)))


def change(turn, cast, event, **changed):
    refusal = planning.edit(turn.session, event, facts(cast, **changed), now=turn.now, version=event.version)
    assert refusal is None, refusal


def test_every_kind_has_a_timeline_and_a_mail_means_the_same_in_all():
    assert set(timelines.TIMELINES) == set(rules.TYPES)
    for kind, steps in timelines.TIMELINES.items():
        assert len({step.name for step in steps}) == len(steps), kind
        for step in steps:
            assert bool(step.task) != step.is_message, step
            if step.is_message:
                assert timelines.MESSAGES[step.name].audience == step.audience
    assert not any(step.meal for step in timelines.TIMELINES["conference"])


@pytest.mark.parametrize(
    ("kind", "has", "lacks", "sends"),
    [
        ("one-to-one", {"read-up", "thank-by-hand"}, {"order", "sheet", "heads"}, {"ask-3", "unsure-3", "remind-1"}),
        ("conference", {"register", "meet", "promised"}, {"confirm", "sign-in", "heads"}, {"remind-1"}),
        ("case-discussion", {"case", "questions"}, {"order", "heads"}, {"ask-7", "unsure-7", "remind-1", "thanks"}),
        ("community-talk", {"public-page", "host", "thank-host"}, {"heads", "order"}, {"ask-14", "remind-7", "thanks"}),
        ("in-service", {"room", "brief", "pack"}, {"order"}, {"ask-7", "unsure-7", "remind-1", "thanks"}),
    ],
)
def test_each_kind_gets_what_fits_it(turn, cast, kind, has, lacks, sends):
    event = plan(turn, cast, type=kind, meal=False)
    found = due(turn, event)
    assert has <= set(found)
    assert not lacks & set(found)
    assert sends <= mails(turn, event)
    assert ("thanks" in mails(turn, event)) == ("thanks" in sends)


def test_tasks_and_mail_follow_another_kind_and_come_back(turn, cast):
    event = plan(turn, cast, meal=True)
    lunch, mailed = due(turn, event), mails(turn, event)
    change(turn, cast, event, type="one-to-one", meal=False, title="Coffee")
    assert "order" not in due(turn, event)
    assert mails(turn, event) == {"ask-3", "unsure-3", "remind-1"}
    titles = turn.session.scalars(select(Task.title).where(Task.event_id == event.id, Task.closed_at.is_(None)))
    assert all(title.endswith(": Coffee") for title in titles)
    change(turn, cast, event)
    assert (due(turn, event), mails(turn, event)) == (lunch, mailed)


def test_a_date_that_falls_away_and_comes_back_brings_everything_back_but_what_a_person_closed(turn, cast):
    event = plan(turn, cast)
    lunch, mailed = due(turn, event), mails(turn, event)
    order = turn.session.scalars(select(Task).where(Task.origin == f"event:{event.id}:order")).one()
    tasks.close(turn.session, order, now=turn.now, by_id=cast.maya, outcome="dropped")
    assert planning.set_status(turn.session, event, "offered", now=turn.now) is None
    assert (set(due(turn, event)), mails(turn, event)) == ({"hear-back"}, set())
    assert planning.set_status(turn.session, event, "booked", now=turn.now) is None
    assert due(turn, event) == {name: on for name, on in lunch.items() if name != "order"}
    assert mails(turn, event) == mailed
    heard = turn.session.scalars(select(Task.outcome).where(Task.origin == f"event:{event.id}:hear-back")).one()
    assert heard == "done"


def test_an_idea_is_offered_six_weeks_before_the_first_day_that_the_office_allows(turn, cast, runtime):
    office = turn.session.scalar(select(Organization).where(Organization.name == "Lakeside Orthopedics"))
    office.weeks_between_lunches = 26
    plan(turn, cast, organization_id=office.id)
    event = plan(turn, cast, None, organization_id=office.id)
    assert due(turn, event) == {"offer": THE_DAY + timedelta(weeks=20)}
    rescheduling.move(turn.session, event, NOON, now=turn.now, world=runtime, by_id=None)
    assert "offer" not in due(turn, event)
    assert "invite" in due(turn, event)


def test_a_mail_whose_moment_is_over_is_not_planned_anew_by_a_move(runtime, cast, clock):
    with runtime.turn() as turn:
        event_id = plan(turn, cast).id
    clock.advance(timedelta(days=17, hours=1))  # a week before the lunch, after nine
    with runtime.turn() as turn:
        event = turn.session.get_one(planning.Event, event_id)
        room = planning.When(NOON.on, NOON.minute, NOON.minutes, NOON.zone, "Library")
        rescheduling.move(turn.session, event, room, now=turn.now, world=runtime, by_id=None)
        assert mails(turn, event) == {"remind-1", "thanks"}
