"""Events on screen: the list, planning one, its page, changing, moving and cancelling it."""

from dataclasses import fields
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, or_, select

from outreach import screen
from outreach.contacts.forms import options
from outreach.contacts.models import Organization
from outreach.errors import Refusal
from outreach.events import (
    handouts,
    leaving,
    office_rules,
    over_limit,
    planning,
    queries,
    rescheduling,
    rules,
    saying,
    timelines,
)
from outreach.events.forms import ZONES, CloseForm, FactsForm, PlanForm, WhenForm
from outreach.events.models import Event
from outreach.events.planning import Facts, When
from outreach.practice.models import Person

events = Blueprint("events", __name__, url_prefix="/events")

VIEW_LABELS = {"upcoming": "Upcoming", "ideas": "Ideas", "past": "Past", "cancelled": "Cancelled"}
RECIPES = {
    "lunch-and-learn": {"minutes": 60, "content_minutes": 30, "meal": True, "title": "Lunch and learn"},
    "in-service": {"minutes": 45, "content_minutes": 30, "title": "In-service"},
    "case-discussion": {"minutes": 45, "content_minutes": 30, "title": "Case discussion"},
    "one-to-one": {"minutes": 30, "content_minutes": 20, "title": "Meeting"},
    "community-talk": {"minutes": 60, "content_minutes": 45, "title": "Community talk"},
    "conference": {"minutes": 480, "content_minutes": 0, "title": "Conference"},
}


@events.get("/")
def overview() -> ResponseReturnValue:
    view = request.args.get("view", "upcoming")
    view = view if view in queries.VIEWS else "upcoming"
    page = max(request.args.get("page", 1, int), 1)
    found = queries.lines(screen.session(), view, now=screen.now(), page=page)
    tabs = [
        {"label": label, "href": f"/events/?view={name}", "current": name == view}
        for name, label in VIEW_LABELS.items()
    ]
    return screen.page(
        "events/overview.html",
        view=view,
        tabs=tabs,
        lines=found[: queries.PAGE],
        page=page,
        more=len(found) > queries.PAGE,
        unread=len(queries.unread_answers(screen.session())),
        statuses=rules.STATUS_LABELS,
        types=rules.TYPES,
        saying=saying,
        now=local_now(),
    )


@events.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    form = _plan_form()
    if not form.validate_on_submit():
        return screen.page("events/new.html", 422 if form.is_submitted() else 200, form=form, recipes=rules.TYPES)
    made = _planned(form)
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return screen.invalid("events/new.html", form=form, recipes=rules.TYPES)
    screen.record("planned", "event", made.id)
    return screen.done(f"/events/{made.id}", "Planned. The checklist has its dates.")


@events.get("/<int:event_id>")
def one(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    invited = queries.guests(screen.session(), event)
    checklist = queries.checklist(screen.session(), event)
    return screen.page(
        "events/one.html",
        event=event,
        invited=invited,
        heads=queries.heads(invited, event),
        comments=queries.comments(screen.session(), event),
        messages=queries.messages(screen.session(), event),
        checklist=checklist,
        task_pages=timelines.pages_of(event.type, [task.origin for task in checklist]),
        present=queries.sheet(screen.session(), event),
        earlier=queries.same_topic_lately(screen.session(), event, now=screen.now()),
        office=office_rules.office_of(screen.session(), event),
        handouts=handouts.chosen(screen.session(), event.handouts),
        missing=_missing(event),
        limits=over_limit.of_the_listed(screen.session(), event),
        may_pass=screen.may("override"),
        when=saying.when(event, now=screen.now()),
        where=saying.where(screen.session(), event),
        presenter=_person(event.presenter_id),
        backup=_person(event.backup_presenter_id),
        host=_person(event.host_id),
        rules=rules,
        saying=saying,
        closing=_closing(event),
        over=event.starts_at is not None and event.starts_at <= screen.now(),
        now=local_now(),
        today=screen.today(),
    )


@events.route("/<int:event_id>/edit", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def edit(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    form = _facts_form(event)
    if form.validate_on_submit():
        facts = _facts(form)
        refusal = facts if isinstance(facts, Refusal) else None
        if isinstance(facts, Facts):
            version = request.form.get("version", 0, int)
            refusal = planning.edit(screen.session(), event, facts, now=screen.now(), version=version)
        if refusal is None:
            screen.record("edited", "event", event.id)
            return screen.done(f"/events/{event.id}", "Saved.")
        form.form_errors.append(refusal.text)
    return screen.page("events/edit.html", 422 if form.is_submitted() else 200, form=form, event=event)


@events.route("/<int:event_id>/move", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def move(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    form = _when_form(event)
    if form.validate_on_submit():
        changed = rescheduling.move(
            screen.session(), event, _when(form), now=screen.now(), world=screen.world(), by_id=screen.actor_id()
        )
        if not isinstance(changed, Refusal):
            screen.record("moved", "event", event.id, sequence=event.sequence, told=changed.told)
            return screen.done(f"/events/{event.id}", _change_words("Moved.", changed))
        form.form_errors.append(changed.text)
    invited = queries.heads(queries.guests(screen.session(), event))
    status = 422 if form.is_submitted() else 200
    return screen.page("events/move.html", status, form=form, event=event, invited=sum(invited.answers.values()))


@events.route("/<int:event_id>/cancel", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def cancel(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    if request.method == "GET":
        invited = queries.heads(queries.guests(screen.session(), event))
        return screen.page("events/cancel.html", event=event, invited=sum(invited.answers.values()))
    changed = rescheduling.cancel(
        screen.session(), event, now=screen.now(), world=screen.world(), by_id=screen.actor_id()
    )
    if isinstance(changed, Refusal):
        return screen.refused(changed, f"/events/{event.id}")
    screen.record("cancelled", "event", event.id, told=changed.told)
    return screen.done(f"/events/{event.id}", _change_words("Cancelled.", changed))


@events.post("/<int:event_id>/status")
@screen.needs(*screen.WRITERS)
def status(event_id: int) -> ResponseReturnValue:
    event = event_or_404(event_id)
    refusal = planning.set_status(screen.session(), event, request.form.get("status", ""), now=screen.now())
    if refusal is not None:
        return screen.refused(refusal, f"/events/{event.id}")
    screen.record("set-status", "event", event.id, status=event.status)
    return screen.done(f"/events/{event.id}", f"Now: {rules.STATUS_LABELS[event.status]}.")


def event_or_404(event_id: int) -> Event:
    """The event of the address; whoever changes something has it to themselves until the end of the turn."""
    return screen.or_404(screen.session().get(Event, event_id, with_for_update=request.method == "POST"))


def local_now() -> datetime:
    """This instant in the practice's zone, as the filters of the templates take it."""
    return screen.now().astimezone(screen.zone())


def cents(dollars: Decimal | None) -> int | None:
    """Typed dollars in cents."""
    return None if dollars is None else int((dollars * 100).to_integral_value())


def calendar_answer(body: bytes, name: str) -> Response:
    """A calendar file to download."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.ics"'}
    return Response(body, content_type="text/calendar; charset=utf-8", headers=headers)


def _planned(form: PlanForm) -> Event | Refusal:
    when, facts = _new_when(form), _facts(form)
    if isinstance(when, Refusal):
        return when
    if isinstance(facts, Refusal):
        return facts
    place = form.place.data or ""
    return planning.plan_event(screen.session(), facts, when, now=screen.now(), by_id=screen.actor_id(), place=place)


def _plan_form() -> PlanForm:
    recipe = request.args.get("recipe", "lunch-and-learn")
    wanted: dict[str, Any] = RECIPES.get(recipe, RECIPES["lunch-and-learn"])
    if request.form:
        form = PlanForm()
    else:
        defaults = {"starts_time": time(12, 15), "host_id": screen.actor_id() or 0, "time_zone": screen.zone().key}
        like = screen.session().get(Event, request.args.get("like", 0, int))
        if like is not None:
            wanted, recipe = _like(like), like.type
        form = PlanForm(formdata=None, data={**defaults, **wanted, "type": recipe if recipe in RECIPES else None})
        if like is None or request.args.get("office"):
            form.organization.data = request.args.get("office", "")[:200]
        form.starts_on.data = request.args.get("on", None, date.fromisoformat)
    return cast(PlanForm, _with_choices(form))


def _facts_form(event: Event) -> FactsForm:
    if request.form:
        return cast(FactsForm, _with_choices(FactsForm()))
    return cast(FactsForm, _with_choices(FactsForm(formdata=None, data=_typed(event))))


def _typed(event: Event) -> dict[str, Any]:
    """What stands in the form for the facts of that event."""
    office = screen.session().get(Organization, event.organization_id) if event.organization_id else None
    same = {field.name: getattr(event, field.name) for field in fields(Facts)}
    return same | {
        "organization": office.name if office else "",
        "budget": Decimal(event.budget_cents) / 100 if event.budget_cents is not None else None,
        "presenter_id": event.presenter_id or 0,
        "backup_presenter_id": event.backup_presenter_id or 0,
        "host_id": event.host_id or 0,
        "handouts": [one.id for one in handouts.chosen(screen.session(), event.handouts)],
    }


def _like(event: Event) -> dict[str, Any]:
    """Another one like it, on another day. What this office said is not taken to another one."""
    kept = _typed(event) | {"starts_time": _time_of(event), "minutes": event.minutes, "time_zone": event.time_zone}
    if request.args.get("office") and request.args["office"] != kept["organization"]:
        return kept | {"clinicians": "", "heads_note": "", "expected_clinicians": None, "expected_staff": None}
    return kept | {"place": event.place}


def _when_form(event: Event) -> WhenForm:
    if request.form:
        return cast(WhenForm, _with_choices(WhenForm()))
    form = WhenForm(formdata=None, obj=event)
    form.starts_time.data = _time_of(event)
    return cast(WhenForm, _with_choices(form, event.time_zone))


def _time_of(event: Event) -> time:
    return time(event.starts_minute // 60, event.starts_minute % 60)


def _closing(event: Event) -> CloseForm:
    form = CloseForm(formdata=None, obj=event)
    form.next_on.data = leaving.next_on(screen.session(), event)
    return form


def _with_choices(form: FactsForm | WhenForm, zone: str = "") -> FactsForm | WhenForm:
    if isinstance(form, FactsForm):
        people = screen.session().execute(select(Person.id, Person.name).where(Person.active).order_by(Person.name))
        choices = options([(0, "Nobody yet"), *((row.id, row.name) for row in people)])
        form.presenter_id.choices = form.backup_presenter_id.choices = form.host_id.choices = choices
        form.handouts.choices = options([(one.id, one.title) for one in handouts.offered(screen.session())])
    if not isinstance(form, FactsForm) or isinstance(form, PlanForm):
        known = dict(ZONES)
        for name in (screen.zone().key, zone):
            if name:
                known.setdefault(name, name.replace("_", " "))
        form.time_zone.choices = options(known.items())
    return form


def _facts(form: FactsForm) -> Facts | Refusal:
    organization_id = _organization(form.organization.data or "")
    if isinstance(organization_id, Refusal):
        return organization_id
    return Facts(
        type=form.type.data,
        title=(form.title.data or "").strip(),
        topic=form.topic.data or "",
        learning_points=form.learning_points.data or "",
        content_minutes=form.content_minutes.data or 0,
        presenter_id=form.presenter_id.data or None,
        host_id=form.host_id.data or None,
        organization_id=organization_id,
        meal=bool(form.meal.data),
        budget_cents=cents(form.budget.data),
        capacity=form.capacity.data,
        heads_note=form.heads_note.data or "",
        materials=form.materials.data or "",
        backup_presenter_id=form.backup_presenter_id.data or None,
        caterer=(form.caterer.data or "").strip(),
        credit=(form.credit.data or "").strip(),
        clinicians=form.clinicians.data or "",
        expected_clinicians=form.expected_clinicians.data,
        expected_staff=form.expected_staff.data,
        handouts=form.handouts.data or [],
    )


def _organization(text: str) -> int | Refusal | None:
    text = text.strip()
    if not text:
        return None
    # SQLite's own `lower` leaves letters beyond a to z alone, on both sides.
    name, low = Organization.name, func.lower(Organization.name)
    same = or_(low == func.lower(text), low == text.lower())
    near = or_(low.contains(text.lower(), autoescape=True), name.contains(text, autoescape=True))
    live = select(Organization.id).where(Organization.deleted_at.is_(None))
    found = screen.session().scalars(live.where(same).limit(2)).all()
    found = found or screen.session().scalars(live.where(near).limit(2)).all()
    if len(found) == 1:
        return found[0]
    why = "More than one place has this name: type all of it." if found else "No place of this name is known."
    return Refusal("unknown-organization", f"{why} Leave it empty and type the address under the room.")


def _new_when(form: PlanForm) -> When | Refusal | None:
    if form.starts_on.data is None:
        return None
    if form.starts_time.data is None or not form.minutes.data:
        return Refusal("no-time", "Say when it begins and how long it takes, or leave the day empty.")
    return _when(form)


def _when(form: PlanForm | WhenForm) -> When:
    at, on = form.starts_time.data, form.starts_on.data
    assert at is not None
    assert on is not None
    return When(on, at.hour * 60 + at.minute, form.minutes.data or 0, form.time_zone.data or "", form.place.data or "")


def _missing(event: Event) -> tuple[str, ...]:
    return rules.missing_to_confirm(
        meal=event.meal,
        topic=event.topic,
        learning_points=event.learning_points,
        has_presenter=event.presenter_id is not None,
        content_minutes=event.content_minutes,
    )


def _person(person_id: int | None) -> str:
    person = screen.session().get(Person, person_id) if person_id else None
    return person.name if person else ""


def _change_words(first: str, changed: rescheduling.Changed) -> str:
    told = f" {changed.told} people get the change by email." if changed.told else ""
    if changed.told == 1:
        told = " One person gets the change by email."
    call = f" {changed.to_call} must be called: look at the checklist." if changed.to_call else ""
    return f"{first}{told}{call}"
