"""The day of an event on screen: calendar file, sign-in sheet, walk-ins from a phone, what it cost, its tasks."""

from flask import request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts import tasks
from outreach.contacts.queries import cards_for, find
from outreach.contacts.tasks import Task
from outreach.errors import Refusal
from outreach.events import attending, calendar, leaving, queries, saying
from outreach.events.event_views import calendar_answer, cents, event_or_404, events, local_now
from outreach.events.forms import CloseForm, LeftForm
from outreach.events.leaving import Left
from outreach.events.posting import domain_of
from outreach.practice.queries import practice_of


@events.get("/<int:event_id>/event.ics")
def download(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    if event.starts_at is None or event.ends_at is None:
        refusal = Refusal("no-date", "This event has no date yet.")
        return screen.refused(refusal, f"/events/{event.id}")
    practice = practice_of(screen.session())
    entry = calendar.FeedEvent(
        uid=f"event-{event.id}@{domain_of(practice)}",
        changed_at=event.updated_at,
        starts=event.starts_at,
        ends=event.ends_at,
        summary=event.title,
        location=saying.where(screen.session(), event),
        description=event.topic,
        sequence=event.sequence,
        cancelled=event.status == "cancelled",
    )
    return calendar_answer(calendar.feed(event.title, entry.uid, [entry]), f"event-{event.id}")


@events.route("/<int:event_id>/sign-in", methods=["GET", "POST"])
@screen.needs(*screen.LOGGERS)
def sign_in(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    here = f"/events/{event.id}/sign-in"
    if request.method == "GET":
        return _sign_in_page(event_id)
    came = attending.sign_in(
        screen.session(),
        event,
        now=screen.now(),
        by_id=screen.actor_id(),
        contact_id=request.form.get("contact", None, int),
        name=request.form.get("name", ""),
        role=request.form.get("role", ""),
    )
    if isinstance(came, Refusal):
        return screen.refused(came, here)
    screen.record("signed-in", "event", event.id, attendance_id=came.id)
    return screen.done(here, "Signed in.")


@events.post("/<int:event_id>/sign-out")
@screen.needs(*screen.LOGGERS)
def sign_out(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    refusal = attending.sign_out(screen.session(), event, request.form.get("attendance", 0, int))
    if refusal is not None:
        return screen.refused(refusal, f"/events/{event.id}/sign-in")
    screen.record("signed-out", "event", event.id)
    return screen.done(f"/events/{event.id}/sign-in", "Taken off the sheet.")


@events.get("/<int:event_id>/sheet")
def sheet(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    coming = [
        guest
        for guest in queries.guests(screen.session(), event)
        if guest.invitation.answer in ("yes", "maybe", "none")
    ]
    return screen.page(
        "events/sheet.html",
        event=event,
        coming=[guest for guest in coming if guest.invitation.state != "not-sent"],
        when=saying.when(event, now=screen.now()),
        where=saying.where(screen.session(), event),
        empty_lines=range(12),
    )


@events.post("/<int:event_id>/took-place")
@screen.needs(*screen.WRITERS)
def took_place(event_id: int) -> ResponseReturnValue:
    event, form = event_or_404(event_id), CloseForm()
    if not form.validate_on_submit():
        return screen.refused(_unreadable(form), f"/events/{event.id}#after")
    left = _left(form)
    if (no := leaving.note_left(screen.session(), event, left, now=screen.now(), by_id=screen.actor_id())) is not None:
        return screen.refused(no, f"/events/{event.id}#after")
    # What was typed is kept, also when the meal beneath it is refused.
    screen.record("noted-left", "event", event.id)
    held = attending.take_place(
        screen.session(),
        event,
        now=screen.now(),
        by_id=screen.actor_id(),
        cost_cents=cents(form.cost.data),
        questions=left.questions,
    )
    if isinstance(held, Refusal):
        return screen.refused(held, f"/events/{event.id}#after")
    screen.record("took-place", "event", event.id, present=held.present, in_ledger=held.in_ledger)
    over = f" {held.over_limit} over the yearly limit: look at the checklist." if held.over_limit else ""
    ledger = f" {held.in_ledger} meals are in the value ledger." if held.in_ledger else ""
    return screen.done(f"/events/{event.id}", f"Noted: {held.present} came.{ledger}{over}")


@events.post("/<int:event_id>/left")
@screen.needs(*screen.LOGGERS)
def note_left(event_id: int) -> ResponseReturnValue:
    event, form = event_or_404(event_id), LeftForm()
    if not form.validate_on_submit():
        return screen.refused(_unreadable(form), f"/events/{event.id}#after")
    no = leaving.note_left(screen.session(), event, _left(form), now=screen.now(), by_id=screen.actor_id())
    if no is not None:
        return screen.refused(no, f"/events/{event.id}#after")
    screen.record("noted-left", "event", event.id)
    return screen.done(f"/events/{event.id}#after", "Noted.")


@events.post("/<int:event_id>/tasks/<int:task_id>/done")
@screen.needs(*screen.LOGGERS)
def task_done(event_id: int, task_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    task = screen.or_404(screen.session().get(Task, task_id))
    if task.event_id != event.id:
        return screen.refused(Refusal("no-task", "This task belongs to something else."), f"/events/{event.id}")
    tasks.close(screen.session(), task, now=screen.now(), by_id=screen.actor_id())
    screen.record("done", "task", task.id)
    return screen.done(f"/events/{event.id}#checklist", "Done.")


def _left(form: LeftForm) -> Left:
    return Left(
        questions=form.questions.data or "",
        materials_left=form.materials_left.data or "",
        next_step=form.next_step.data or "",
        next_on=form.next_on.data,
    )


def _unreadable(form: LeftForm) -> Refusal:
    if "cost" in form.errors:
        return Refusal("bad-cost", "Enter what the meal cost in dollars, for example 186.40. Nothing was changed.")
    return Refusal("bad-form", "The day cannot be read, or a text is too long. Nothing was changed.")


def _sign_in_page(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    present = queries.sheet(screen.session(), event)
    here = {row.attendance.contact_id for row in present}
    expected = [guest for guest in queries.guests(screen.session(), event) if guest.contact_id not in here]
    asked = request.args.get("q", "")
    found = [card for card in find(screen.session(), asked) if card.id not in here] if asked.strip() else None
    return screen.page(
        "events/sign_in.html",
        event=event,
        stop=attending.refuse_sign_in(event, now=screen.now()),
        present=present,
        expected=expected,
        cards=cards_for(screen.session(), [guest.contact_id for guest in expected]),
        asked=asked,
        found=found,
        roles=list(attending.ROLES.items()),
        role_words=attending.ROLES,
        when=saying.when(event, now=screen.now()),
        now=local_now(),
    )
