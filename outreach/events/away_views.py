"""Handing over when somebody is away: planned with its days, changed, called off, over by itself."""

from datetime import date

from flask import abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.errors import Refusal
from outreach.events import handing_over, standing_in
from outreach.events.away_models import Absence
from outreach.events.event_views import events
from outreach.events.handing_over import Moved, spoken
from outreach.practice.models import Person
from outreach.ui import count

PLACE = "/events/away"


@events.get("/away")
@screen.needs(*screen.LOGGERS)
def away() -> ResponseReturnValue:
    return _away_page(None)


@events.post("/away")
@screen.needs(*screen.LOGGERS)
def hand_over() -> ResponseReturnValue:
    until_on = request.form.get("until", None, date.fromisoformat)
    from_on = request.form.get("from", None, date.fromisoformat) if request.form.get("from") else screen.today()
    if until_on is None or from_on is None:
        return _away_page(Refusal("no-day", "Choose the first and the last day away."))
    person_id = screen.row_id(request.form.get("who")) or 0
    _only_own(person_id)
    absence = handing_over.plan_absence(
        screen.session(),
        now=screen.now(),
        today=screen.today(),
        person_id=person_id,
        colleague_id=screen.row_id(request.form.get("to")) or 0,
        from_on=from_on,
        until_on=until_on,
        by_id=screen.actor_id(),
    )
    if isinstance(absence, Refusal):
        return _away_page(absence)
    days = {"from_on": from_on.isoformat(), "until_on": until_on.isoformat()}
    if from_on > screen.today():
        standing_in.announce(screen.session(), absence, now=screen.now(), world=screen.world())
        _record("planned-absence", absence, **days)
        said = f"Planned. What is due then goes over on {spoken(from_on)}, and comes back after {spoken(until_on)}."
        return screen.done(PLACE, said, undo=f"{PLACE}/{absence.id}/end")
    moved = standing_in.begin(screen.session(), absence, now=screen.now(), today=screen.today(), world=screen.world())
    _record("handed-over", absence, tasks=moved.tasks, events=moved.events, **days)
    said = f"Handed over: {_things(moved)}. What is left comes back after {spoken(until_on)}."
    return screen.done(PLACE, said, undo=f"{PLACE}/{absence.id}/end")


@events.post("/away/<int:absence_id>/end")
@screen.needs(*screen.LOGGERS)
def end_absence(absence_id: int) -> ResponseReturnValue:
    absence = _absence(absence_id)
    had_begun = absence.started_at is not None
    moved = standing_in.come_back(screen.session(), absence, now=screen.now(), world=screen.world())
    _record("ended-absence", absence, tasks=moved.tasks, events=moved.events)
    return screen.done(PLACE, f"Came back: {_things(moved)}." if had_begun else "Called off. Nothing was handed over.")


@events.post("/away/<int:absence_id>/until")
@screen.needs(*screen.LOGGERS)
def change_absence(absence_id: int) -> ResponseReturnValue:
    absence = _absence(absence_id)
    until_on = request.form.get("until", None, date.fromisoformat)
    if until_on is None:
        return _away_page(Refusal("no-day", "Choose the last day away."))
    changed = standing_in.change_last_day(
        screen.session(), absence, until_on, now=screen.now(), today=screen.today(), world=screen.world()
    )
    if isinstance(changed, Refusal):
        return _away_page(changed)
    _record("changed-absence", absence, until_on=until_on.isoformat())
    return screen.done(PLACE, f"Saved. The last day away is {spoken(until_on)}.")


@events.post("/away/for-good")
@screen.needs(*screen.WRITERS)
def hand_over_for_good() -> ResponseReturnValue:
    from_id, to_id = (screen.row_id(request.form.get(name)) or 0 for name in ("who", "to"))
    done = handing_over.hand_over_for_good(
        screen.session(), from_id=from_id, to_id=to_id, now=screen.now(), today=screen.today()
    )
    if isinstance(done, Refusal):
        return _away_page(done)
    screen.record("handed-over-for-good", "person", from_id, to_id=to_id, tasks=done.tasks, events=done.events)
    return screen.done(PLACE, f"Handed over for good: {_things(done)}.")


def _absence(absence_id: int) -> Absence:
    absence = screen.or_404(screen.session().get(Absence, absence_id, with_for_update=True))
    _only_own(absence.person_id)
    return absence


def _only_own(person_id: int) -> None:
    """Who plans for everybody may hand over for everybody; the others for themselves."""
    if screen.actor().role not in screen.WRITERS and person_id != screen.actor().id:
        abort(403)


def _record(action: str, absence: Absence, **facts: object) -> None:
    screen.record(action, "person", absence.person_id, absence=absence.id, to_id=absence.colleague_id, **facts)


def _things(moved: Moved) -> str:
    return f"{count(moved.tasks, 'task')} and {count(moved.events, 'event')}"


def _away_page(refusal: Refusal | None) -> ResponseReturnValue:
    session, me = screen.session(), screen.actor()
    people = [
        (str(row.id), row.name)
        for row in session.execute(select(Person.id, Person.name).where(Person.active).order_by(Person.name, Person.id))
    ]
    everybody = me.role in screen.WRITERS
    lines = standing_in.lines(session, person_id=None if everybody else me.id)
    return screen.page(
        "events/away.html",
        200 if refusal is None else 422,
        refusal=refusal,
        who=people if everybody else [(str(me.id), me.name)],
        to=[("", "Choose somebody"), *people],
        typed=request.form,
        me=str(me.id),
        lines=lines,
        speaks=[(line, standing_in.presents(session, line.absence)) for line in lines if line.state != "over"],
        left=standing_in.left_behind(session) if everybody else [],
        today=screen.today(),
        may_change=lambda absence: everybody or absence.person_id == me.id,
        now=screen.now().astimezone(screen.zone()),
    )
