"""Somebody is away: a colleague has what is due meanwhile, and nothing else."""

from datetime import timedelta

from outreach.contacts import tasks
from outreach.contacts.tasks import Task
from outreach.events.models import Event
from tests.events.lunches import THE_DAY, plan
from tests.people import post


def test_what_is_due_meanwhile_goes_to_the_colleague_and_the_rest_stays(maya, runtime, cast):
    with runtime.turn() as turn:
        event = plan(turn, cast)
        late, far = (
            tasks.add(turn.session, now=turn.now, kind="call", title="Call", due_on=day, owner_id=cast.maya)
            for day in (turn.now.date() - timedelta(days=3), THE_DAY + timedelta(days=60))
        )
        done = tasks.add(turn.session, now=turn.now, kind="call", title="Old", due_on=THE_DAY, owner_id=cast.maya)
        tasks.close(turn.session, done, now=turn.now, by_id=cast.maya)
        ids = event.id, late.id, far.id, done.id
    typed = {"who": str(cast.maya), "to": str(cast.theo), "until": THE_DAY.isoformat()}
    assert post(maya, "/events/away", typed).status_code == 303
    with runtime.turn(write=False) as turn:
        event, late, far, done = turn.session.get_one(Event, ids[0]), *(turn.session.get_one(Task, i) for i in ids[1:])
        assert (event.host_id, late.owner_id) == (cast.theo, cast.theo)
        assert (far.owner_id, done.owner_id) == (cast.maya, cast.maya)
        owners = {task.owner_id for task in turn.session.query(Task).where(Task.event_id == event.id)}
        assert owners == {cast.theo}, "the follow-up after the lunch goes with the lunch"


def test_what_makes_no_sense_hands_nothing_over(maya, runtime, cast):
    me, until = str(cast.maya), THE_DAY.isoformat()
    for changed in ({"to": me}, {"to": ""}, {"to": "999"}, {"until": "2026-01-05"}, {"until": "soon"}):
        answer = post(maya, "/events/away", {"who": me, "to": str(cast.theo), "until": until, **changed})
        assert answer.status_code == 422
        assert "Nothing was handed over" in answer.get_data(as_text=True)
