"""Logging touches from any screen, and the tasks about contacts."""

from datetime import date, timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import tasks, touching
from outreach.contacts.forms import LOGGED, LineForm, TaskForm, TouchForm
from outreach.contacts.models import Contact
from outreach.contacts.profile_views import contact_or_404
from outreach.contacts.queries import ContactCard, cards_for, find
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal

touches = Blueprint("contact_touches", __name__, url_prefix="/contacts")
SNOOZES = {"tomorrow": 1, "next-week": 7, "next-month": 28}


@touches.route("/log-touch", methods=["GET", "POST"])
@screen.needs(*screen.LOGGERS)
def log_touch() -> ResponseReturnValue:
    form = TouchForm()
    if request.method == "GET":
        form.on.data = screen.today()
        form.kind.data = request.args.get("kind") if request.args.get("kind") in LOGGED else "call"
        chosen = cards_for(screen.session(), [request.args.get("contact", 0, type=int)])
        for card in chosen.values():
            form.who.data, form.contact_id.data = card.name, str(card.id)
    if not form.validate_on_submit():
        return _log_page(form, status=422 if form.is_submitted() else 200)
    contact_id, choices = _chosen(form)
    contact = screen.session().get(Contact, contact_id) if contact_id else None
    if contact is None or contact.deleted_at is not None:
        return _log_page(form, status=422, choices=choices)
    made = touching.log_touch(
        screen.session(),
        contact,
        now=screen.now(),
        zone=screen.zone(),
        by_id=screen.actor_id(),
        kind=form.kind.data,
        text=form.text.data or "",
        on=form.on.data,
        minutes=form.minutes.data,
        next_step=form.next_step.data or "",
        next_on=form.next_on.data,
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return _log_page(form, status=422)
    screen.record("logged", "touch", made.id, kind=made.kind, contact_id=contact.id)
    return screen.done(
        f"/contacts/{contact.id}", f"{LOGGED[made.kind]} logged.", undo=f"/contacts/touches/{made.id}/take-back"
    )


@touches.post("/<int:contact_id>/log")
@screen.needs(*screen.LOGGERS)
def line(contact_id: int) -> ResponseReturnValue:
    contact, form = contact_or_404(contact_id), LineForm()
    where = f"/contacts/{contact.id}"
    made = touching.log_touch(
        screen.session(),
        contact,
        now=screen.now(),
        zone=screen.zone(),
        by_id=screen.actor_id(),
        kind=request.form.get("kind", "note"),
        text=form.text.data or "",
    )
    if isinstance(made, Refusal):
        return screen.refused(made, where)
    screen.record("logged", "touch", made.id, kind=made.kind, contact_id=contact.id)
    return screen.done(where, f"{LOGGED[made.kind]} logged.", undo=f"/contacts/touches/{made.id}/take-back")


@touches.post("/touches/<int:touch_id>/take-back")
@screen.needs(*screen.LOGGERS)
def take_back(touch_id: int) -> ResponseReturnValue:
    touch = screen.or_404(screen.session().get(Touch, touch_id))
    where = f"/contacts/{touch.contact_id}"
    refusal = touching.take_back(screen.session(), touch, by_id=screen.actor_id())
    if refusal is not None:
        return screen.refused(refusal, where)
    screen.record("took-back", "touch", touch_id)
    return screen.done(where, "Taken back.")


@touches.get("/picker")
def picker() -> ResponseReturnValue:
    """Names for a field that asks for a contact, as <option> elements, while somebody types."""
    typed = request.args.get("who", "").strip()
    found = find(screen.session(), typed) if len(typed) > 1 else []
    return screen.page("contacts/_options.html", found=found)


@touches.post("/<int:contact_id>/tasks")
@screen.needs(*screen.LOGGERS)
def add_task(contact_id: int) -> ResponseReturnValue:
    contact, form = contact_or_404(contact_id), TaskForm()
    where = f"/contacts/{contact.id}"
    if not form.validate_on_submit():
        return screen.refused(Refusal("bad-form", "A task needs words and a day."), where)
    task = tasks.add(
        screen.session(),
        now=screen.now(),
        kind=form.kind.data,
        title=form.title.data or "",
        due_on=form.due_on.data or screen.today(),
        owner_id=screen.actor_id(),
        contact_id=contact.id,
    )
    screen.record("added", "task", task.id)
    return screen.done(where, "Task added.", undo=f"/contacts/tasks/{task.id}/drop")


@touches.post("/tasks/<int:task_id>/done")
@screen.needs(*screen.LOGGERS)
def finish_task(task_id: int) -> ResponseReturnValue:
    task = screen.or_404(screen.session().get(Task, task_id))
    tasks.close(screen.session(), task, now=screen.now(), by_id=screen.actor_id())
    screen.record("finished", "task", task.id)
    return screen.done(_back(task), "Done.", undo=f"/contacts/tasks/{task.id}/reopen")


@touches.post("/tasks/<int:task_id>/drop")
@screen.needs(*screen.LOGGERS)
def drop_task(task_id: int) -> ResponseReturnValue:
    task = screen.or_404(screen.session().get(Task, task_id))
    tasks.close(screen.session(), task, now=screen.now(), by_id=screen.actor_id(), outcome="dropped")
    screen.record("dropped", "task", task.id)
    return screen.done(_back(task), "Dropped.", undo=f"/contacts/tasks/{task.id}/reopen")


@touches.post("/tasks/<int:task_id>/reopen")
@screen.needs(*screen.LOGGERS)
def reopen_task(task_id: int) -> ResponseReturnValue:
    task = screen.or_404(screen.session().get(Task, task_id))
    for touch in screen.session().scalars(select(Touch).where(Touch.origin == f"task:{task.id}")):
        screen.session().delete(touch)
    touching.reopen(task)
    screen.record("reopened", "task", task.id)
    return screen.done(_back(task), "Back on the list.")


@touches.post("/tasks/<int:task_id>/snooze")
@screen.needs(*screen.LOGGERS)
def snooze_task(task_id: int) -> ResponseReturnValue:
    task = screen.or_404(screen.session().get(Task, task_id))
    asked, before = request.form.get("until", ""), task.due_on
    until = screen.today() + timedelta(days=SNOOZES[asked]) if asked in SNOOZES else _day(asked)
    refusal = touching.snooze(task, until=until or before, today=screen.today())
    if refusal is not None:
        return screen.refused(refusal, _back(task))
    screen.record("snoozed", "task", task.id)
    return screen.done(_back(task), f"Due {task.due_on:%A, %B} {task.due_on.day}.")


def _back(task: Task) -> str:
    return f"/contacts/{task.contact_id}" if task.contact_id else "/"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _log_page(form: TouchForm, *, status: int, choices: list[ContactCard] | None = None) -> ResponseReturnValue:
    return screen.page("contacts/log_touch.html", status=status, form=form, choices=choices)


def _chosen(form: TouchForm) -> tuple[int | None, list[ContactCard]]:
    """The contact that was meant, or the ones to choose from."""
    typed, given = (form.who.data or "").strip(), form.contact_id.data or ""
    pressed = request.form.get("pick", "")
    picked = screen.row_id(pressed or given)
    card = cards_for(screen.session(), [picked]).get(picked) if picked is not None else None
    # The hidden id only counts while the name beside it is still the one it was set for.
    if card is not None and (pressed or not typed or card.name == typed):
        return card.id, []
    found = find(screen.session(), typed) if typed else []
    exact = [one for one in found if one.name.lower() == typed.lower()]
    certain = exact if len(exact) == 1 else found
    return (certain[0].id, []) if len(certain) == 1 else (None, found)
