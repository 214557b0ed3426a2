"""Today, its rows, search, help, and the parts of the kit."""

from datetime import date, datetime
from urllib.parse import quote

from flask import Blueprint, abort, request
from flask import session as cookie
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.models import Contact
from outreach.contacts.queries import ContactCard, cards_for
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.referrals.lift_models import touch_lifts
from outreach.today import acting, agenda, planning, queries, searching
from outreach.today.dates.views import today_dates
from outreach.today.figures.figures import figures_of, month_so_far
from outreach.today.figures.views import today_figures
from outreach.today.forms import ReachedForm, SampleForm, SnoozeForm
from outreach.today.going_out import going_out, still_to_leave
from outreach.today.habits.views import today_habits
from outreach.today.rules import ACTIONS, Planned, greeting
from outreach.today.waiting import waiting
from outreach.today.wording import DONE_WORDS, FIRST_BUTTONS, ICONS

today = Blueprint("today", __name__)
today.register_blueprint(today_habits)
today.register_blueprint(today_figures)
today.register_blueprint(today_dates)


@today.get("/")
def home() -> ResponseReturnValue:
    session, now, day, zone = screen.session(), screen.now(), screen.today(), screen.zone()
    facts = planning.gather(session, now=now, today=day, zone=zone)
    whose, planned = _chosen_list(facts)
    rows = queries.rows(session, planned, now=now, today=day, zone=zone, lifts=facts.lifts)
    leaving = going_out(session, now=now, today=day, zone=zone)
    return screen.page(
        "today/home.html",
        rows=rows,
        done=queries.done_rows(session, today=day),
        whose=whose,
        week=queries.week(session, screen.actor().id, now=now, today=day, zone=zone),
        leaving=leaving,
        ahead=still_to_leave(leaving),
        waiting=waiting(session, now=now, today=day, role=screen.actor().role),
        coming=agenda.coming_up(session, today=day),
        figures=figures_of(session, month_so_far(day)),
        greeting=greeting(_local()),
        first_name=screen.actor().name.split()[0],
        now=_local(),
        today=day,
        may_log=screen.actor().role in screen.LOGGERS,
        may_write=screen.actor().role in screen.WRITERS,
        icons=ICONS,
        first_buttons=FIRST_BUTTONS,
        people_count=len(rows),
        nobody_yet=not rows and queries.nobody_yet(session),
    )


def _chosen_list(facts: planning.Facts) -> tuple[str, list[Planned]]:
    """Whose list is shown, and the list: one's own or everybody's, where there are two to choose from."""
    me = screen.actor().id
    if not facts.has_own(me):
        return "", facts.list_for(None)
    if not facts.of_others(me):
        return "", facts.list_for(me)
    # The choice stays until it is changed: a row that is done must not land on the other list.
    if request.args.get("whose") in ("all", "mine"):
        cookie["whose"] = request.args["whose"]
    whose = "all" if cookie.get("whose") == "all" else "mine"
    return whose, facts.list_for(None if whose == "all" else me)


@today.get("/today/reach/<int:contact_id>")
@screen.writes_on_get
def reach(contact_id: int) -> ResponseReturnValue:
    card = _card(contact_id)
    if card.audience_class == "client":
        screen.record("viewed", "contact", card.id)
    planned = _planned(contact_id)
    form = ReachedForm(formdata=None)
    form.action.data = request.args.get("action") or (planned.action if planned else "Call")
    form.task_id.data = str(planned.task_id) if planned and planned.task_id else ""
    return _reach_page(card, planned, form)


@today.post("/today/reach/<int:contact_id>/done")
@screen.needs(*screen.LOGGERS)
def done(contact_id: int) -> ResponseReturnValue:
    card, form = _card(contact_id), ReachedForm()
    # "Already done" is one button without a form: outcome and note keep their defaults.
    if "outcome" not in request.form:
        form.outcome.data = "done"
    if not form.validate_on_submit():
        return _reach_page(card, _planned(contact_id), form, status=422)
    row = acting.done(
        screen.session(), contact_id, _reached(form), now=screen.now(), today=screen.today(), by_id=screen.actor_id()
    )
    if isinstance(row, Refusal):
        form.form_errors.append(row.text)
        return _reach_page(card, _planned(contact_id), form, status=422)
    screen.record("reached", "contact", contact_id, done=row.action, task_id=row.task_id)
    _keep()
    said = f"{DONE_WORDS[row.action]} {card.name}. It is on the timeline."
    return screen.done("/", said, undo=f"/today/done/{row.id}/undo")


@today.post("/today/done/<int:done_id>/undo")
@screen.needs(*screen.LOGGERS)
def undo_done(done_id: int) -> ResponseReturnValue:
    acting.undo_done(screen.session(), done_id)
    screen.record("undone", "day_done", done_id)
    _keep()
    return screen.done("/", "Taken back. The row is on your list again.")


@today.get("/today/reach/<int:contact_id>/snooze")
@screen.writes_on_get
def snooze_page(contact_id: int) -> ResponseReturnValue:
    card = _card(contact_id)
    if card.audience_class == "client":
        screen.record("viewed", "contact", card.id)
    return screen.page("today/snooze.html", card=card, form=SnoozeForm(), today=screen.today())


@today.post("/today/reach/<int:contact_id>/snooze")
@screen.needs(*screen.LOGGERS)
def snooze(contact_id: int) -> ResponseReturnValue:
    card = _card(contact_id)
    row = acting.snooze(
        screen.session(),
        contact_id,
        request.form.get("until", ""),
        now=screen.now(),
        today=screen.today(),
        by_id=screen.actor_id(),
    )
    if isinstance(row, Refusal):
        form = SnoozeForm()
        form.form_errors.append(row.text)
        return screen.invalid("today/snooze.html", card=card, form=form, today=screen.today())
    screen.record("snoozed", "contact", contact_id)
    _keep()
    back = f"comes back on {row.until_on:%A, %B} {row.until_on.day}" if row.until_on else "comes back after a referral"
    return screen.done("/", f"{card.name} {back}.", undo=f"/today/snoozes/{row.id}/undo")


@today.post("/today/snoozes/<int:snooze_id>/undo")
@screen.needs(*screen.LOGGERS)
def wake(snooze_id: int) -> ResponseReturnValue:
    acting.wake(screen.session(), snooze_id)
    screen.record("undone", "snooze", snooze_id)
    _keep()
    return screen.done("/", "Back on your list.")


@today.get("/search")
def search() -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:200]
    found = searching.search(screen.session(), text) if text else None
    return screen.page("today/search.html", text=text, found=found)


@today.get("/help")
def help_() -> ResponseReturnValue:
    settings = screen.world().settings
    known = touch_lifts(screen.session())
    return screen.page(
        "today/help.html",
        sqlite=settings.database_url.startswith("sqlite"),
        lifts=[(action, queries.lift_words(action, known.get(action))) for action in ACTIONS],
    )


@today.get("/dev/components")
def components() -> ResponseReturnValue:
    if screen.world().settings.mode == "run":
        abort(404)
    sample = SampleForm(formdata=None)
    sample.validate()
    return screen.page("today/components.html", now=_local(), sample=sample)


@today.get("/dev/components/dialog")
def components_dialog() -> ResponseReturnValue:
    if screen.world().settings.mode == "run":
        abort(404)
    return screen.page("today/components_dialog.html")


def _local() -> datetime:
    return screen.now().astimezone(screen.zone())


def _card(contact_id: int) -> ContactCard:
    contact = screen.session().get(Contact, contact_id)
    if contact is None or contact.deleted_at is not None:
        abort(404)
    return cards_for(screen.session(), [contact_id])[contact_id]


def _planned(contact_id: int) -> Planned | None:
    facts = planning.gather(screen.session(), now=screen.now(), today=screen.today(), zone=screen.zone())
    lists = (facts.usual_list(screen.actor().id), facts.list_for(None))
    return next((one for rows in lists for one in rows if one.contact_id == contact_id), None)


def _reach_page(
    card: ContactCard, planned: Planned | None, form: ReachedForm, *, status: int = 200
) -> ResponseReturnValue:
    practice = practice_of(screen.session())
    touch, fit = queries.last_and_fit(screen.session(), card.id, today=screen.today())
    return screen.page(
        "today/reach.html",
        status=status,
        card=card,
        planned=planned,
        script=queries.script_of(screen.session(), planned.task_id) if planned and planned.task_id else "",
        touch=touch,
        fit=fit,
        now=_local(),
        letter=_letter(card, planned, practice.name),
        may_log=screen.actor().role in screen.LOGGERS,
        form=form,
    )


def _letter(card: ContactCard, planned: Planned | None, practice: str) -> str:
    """A mailto link to write from one's own mailbox; never for clients, whose mail needs an agreed way out."""
    if not card.email or card.audience_class == "client" or planned is None or planned.action == "Visit":
        return ""
    subject = "Thank you" if planned.action == "Thank" else f"From {practice}"
    return f"mailto:{quote(card.email)}?subject={quote(subject)}"


def _reached(form: ReachedForm) -> acting.Reached:
    task = form.task_id.data or ""
    return acting.Reached(
        action=form.action.data,
        note=(form.note.data or "").strip(),
        minutes=form.minutes.data,
        outcome=form.outcome.data or "done",
        task_id=screen.row_id(task),
        promised=(form.promised.data or "").strip(),
        promised_on=_day(form.promised_on.data),
    )


def _day(typed: object) -> date | None:
    return typed if isinstance(typed, date) else None


def _keep() -> None:
    planning.keep_plan(screen.session(), now=screen.now())
