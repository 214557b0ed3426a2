"""Handing over when somebody is away."""

from datetime import date

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.errors import Refusal
from outreach.events import handing_over
from outreach.events.event_views import events
from outreach.practice.models import Person


@events.get("/away")
@screen.needs(*screen.WRITERS)
def away() -> ResponseReturnValue:
    return _away_page(None)


@events.post("/away")
@screen.needs(*screen.WRITERS)
def hand_over() -> ResponseReturnValue:
    until = request.form.get("until", None, date.fromisoformat)
    if until is None:
        return _away_page(Refusal("no-day", "Choose the last day away."))
    from_id, to_id = screen.row_id(request.form.get("who")) or 0, screen.row_id(request.form.get("to")) or 0
    done = handing_over.hand_over(
        screen.session(), from_id=from_id, to_id=to_id, until=until, now=screen.now(), today=screen.today()
    )
    if isinstance(done, Refusal):
        return _away_page(done)
    screen.record("handed-over", "person", from_id, to_id=to_id, until=until.isoformat(), tasks=done.tasks)
    tasks = "1 task" if done.tasks == 1 else f"{done.tasks} tasks"
    held = "1 event" if done.events == 1 else f"{done.events} events"
    return screen.done("/events/away", f"Handed over: {tasks} and {held}.")


def _away_page(refusal: Refusal | None) -> ResponseReturnValue:
    people = (
        screen.session().execute(select(Person.id, Person.name, Person.active).order_by(Person.name, Person.id)).all()
    )
    open_tasks = handing_over.waiting_for(screen.session())
    return screen.page(
        "events/away.html",
        200 if refusal is None else 422,
        refusal=refusal,
        who=[
            (str(each.id), f"{each.name} ({open_tasks.get(each.id, 0)} open)")
            for each in people
            if each.active or each.id in open_tasks
        ],
        to=[("", "Choose somebody"), *((str(each.id), each.name) for each in people if each.active)],
        typed=request.form,
        me=str(screen.actor_id() or ""),
    )
