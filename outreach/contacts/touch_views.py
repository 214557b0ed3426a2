"""Logging touches from any screen, and the tasks about contacts."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts import merging, tasks, touching
from outreach.contacts.forms import LOGGED, LineForm, TaskForm, TouchForm
from outreach.contacts.models import Contact
from outreach.contacts.profile_views import present_or_404, with_owners
from outreach.contacts.queries import ContactCard, cards_for, find
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal
from outreach.practice.models import Person

touches = Blueprint("contact_touches", __name__, url_prefix="/contacts")
TASKS_SHOWN = 200
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
    contact = merging.where_now(screen.session(), contact) if contact is not None else None
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
        cost_cents=form.cost_cents,
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
    contact = present_or_404(contact_id)
    return log_line(contact, f"/contacts/{contact.id}")


def log_line(contact: Contact, where: str) -> ResponseReturnValue:
    """What one line said, with the button that was pressed, is logged; a slip in it opens the whole form, filled."""
    form, kind = LineForm(), request.form.get("kind", "note")
    form.contact_id.choices = []
    good = form.validate_on_submit()
    made = _logged(contact, kind, form) if good else Refusal("bad-form", "One thing needs a look.")
    if isinstance(made, Refusal):
        whole = TouchForm(formdata=None, who=contact.name, contact_id=contact.id, kind=kind, on=screen.today())
        for name in ("text", "minutes", "next_step", "next_on"):
            whole[name].data, whole[name].errors = form[name].data, form[name].errors
        if good:
            whole.form_errors.append(made.text)
        return _log_page(whole, status=422)
    screen.record("logged", "touch", made.id, kind=made.kind, contact_id=contact.id)
    return screen.done(where, f"{LOGGED[made.kind]} logged.", undo=f"/contacts/touches/{made.id}/take-back")


def _logged(contact: Contact, kind: str, form: LineForm) -> Touch | Refusal:
    return touching.log_touch(
        screen.session(),
        contact,
        now=screen.now(),
        zone=screen.zone(),
        by_id=screen.actor_id(),
        kind=kind,
        text=form.text.data or "",
        minutes=form.minutes.data,
        next_step=form.next_step.data or "",
        next_on=form.next_on.data,
    )


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
    typed = (request.args.get("who") or request.args.get("other") or "").strip()
    found = find(screen.session(), typed) if len(typed) > 1 else []
    return screen.page("contacts/_options.html", found=found)


@touches.post("/<int:contact_id>/tasks")
@screen.needs(*screen.LOGGERS)
def add_task(contact_id: int) -> ResponseReturnValue:
    contact, form = present_or_404(contact_id), with_owners(TaskForm())
    where = f"/contacts/{contact.id}"
    if not form.validate_on_submit() or _owner(form) is None:
        return screen.page(
            "contacts/task.html", status=422, form=form, about=contact, action=f"/contacts/{contact.id}/tasks"
        )
    task = tasks.add(
        screen.session(),
        now=screen.now(),
        kind=form.kind.data,
        title=form.title.data or "",
        due_on=form.due_on.data or screen.today(),
        owner_id=_owner(form) or None,
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


@touches.get("/tasks")
def task_list() -> ResponseReturnValue:
    """Every open task, the oldest duty first: mine, one person's, or everybody's."""
    asked = request.args.get("of", "me")
    owner_id = screen.actor_id() if asked == "me" else screen.row_id(asked)
    found = tasks.open_tasks(screen.session(), owner_id=owner_id, nobody=asked == "nobody", limit=TASKS_SHOWN + 1)
    cards = cards_for(screen.session(), {task.contact_id for task in found if task.contact_id})
    people = screen.session().execute(select(Person.id, Person.name).order_by(Person.name)).all()
    counts = tasks.open_counts(screen.session(), today=screen.today())
    return screen.page(
        "contacts/tasks.html",
        tasks=found[:TASKS_SHOWN],
        more=len(found) > TASKS_SHOWN,
        cards=cards,
        owners={row[0]: row[1] for row in people},
        counts=counts,
        asked=asked,
        tabs=_task_tabs(asked, [(row[0], row[1]) for row in people], counts),
        may_log=screen.actor().role in screen.LOGGERS,
        today=screen.today(),
        now=screen.now().astimezone(screen.zone()),
    )


@touches.route("/tasks/<int:task_id>/edit", methods=["GET", "POST"])
@screen.needs(*screen.LOGGERS)
def edit_task(task_id: int) -> ResponseReturnValue:
    """The words, the day and the owner of an open task."""
    task = screen.or_404(screen.session().get(Task, task_id))
    form = with_owners(TaskForm(obj=task))
    if not form.is_submitted():
        form.owner_id.data = task.owner_id or 0
    if not form.validate_on_submit() or _owner(form) is None:
        contact = screen.session().get(Contact, task.contact_id) if task.contact_id else None
        where = f"/contacts/tasks/{task.id}/edit"
        status = 422 if form.is_submitted() else 200
        return screen.page("contacts/task.html", status=status, form=form, about=contact, action=where)
    refusal = touching.change_task(
        task,
        title=form.title.data or "",
        kind=form.kind.data,
        due_on=form.due_on.data or task.due_on,
        owner_id=_owner(form) or None,
    )
    if refusal is not None:
        return screen.refused(refusal, _back(task))
    screen.record("changed", "task", task.id)
    return screen.done(_back(task), "Saved.")


def _owner(form: TaskForm) -> int | None:
    """Who is to do it: 0 for nobody, None when the answer is no person of ours."""
    chosen = form.owner_id.data if form.owner_id.raw_data else screen.actor_id()
    known = {choice.value for choice in form.owner_id.choices or ()}
    if chosen not in known:
        form.owner_id.errors = ["Choose one of our people."]
        return None
    return int(chosen or 0)


def _task_tabs(asked: str, people: list[tuple[int, str]], counts: dict[int | None, tuple[int, int]]) -> list[Any]:
    mine = screen.actor_id()
    tabs = [("me", "Mine", counts.get(mine, (0, 0))[0])]
    tabs += [(str(id_), name, counts[id_][0]) for id_, name in people if id_ != mine and id_ in counts]
    tabs += [("nobody", "Nobody's", counts[None][0])] if None in counts else []
    tabs.append(("all", "Everybody's", sum(open_ for open_, _ in counts.values())))
    return [
        {"label": label, "href": f"/contacts/tasks?of={key}", "current": key == asked, "count": number}
        for key, label, number in tabs
    ]


def _back(task: Task) -> str:
    if request.form.get("back") == "tasks":
        return "/contacts/tasks"
    if request.form.get("back") in ("day", "week"):
        return "/calendar/mine" + ("?span=week" if request.form["back"] == "week" else "")
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
