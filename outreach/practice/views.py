"""Settings: the practice, its sender, its sending hours and quiet days."""

from datetime import date
from typing import Any

from flask import Blueprint, abort, redirect
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select

from outreach import screen
from outreach.errors import Refusal
from outreach.practice import editing, quieting
from outreach.practice.account_views import account
from outreach.practice.area_views import area
from outreach.practice.audit_views import audit_log
from outreach.practice.models import Practice, QuietDay
from outreach.practice.offer_views import offer
from outreach.practice.queries import practice_of
from outreach.practice.right_views import people
from outreach.practice.rules import known_zones
from outreach.practice.settings_forms import HoursForm, PracticeForm, QuietDayForm, SenderForm

practice = Blueprint("practice", __name__, url_prefix="/settings")
for part in (account, area, audit_log, offer, people):
    practice.register_blueprint(part)


@practice.get("/")
def index() -> ResponseReturnValue:
    return redirect("/settings/practice" if screen.actor().role in screen.WRITERS else "/settings/account")


@practice.get("/practice")
@screen.needs(*screen.WRITERS)
def about() -> ResponseReturnValue:
    return _about_page(PracticeForm(obj=practice_of(screen.session())))


@practice.post("/practice")
@screen.needs(*screen.ADMINISTRATORS)
def change_about() -> ResponseReturnValue:
    form = PracticeForm()
    if not form.validate_on_submit():
        return _about_page(form, 422)
    session, kept = screen.session(), practice_of(screen.session())
    place = {name: form[name].data for name in ("street", "city", "state", "zip5", "country", "time_zone")}
    words = {name: form[name].data or "" for name in ("name", "phone", "tagline", "website", "fax")}
    with session.begin_nested() as attempt:
        done = editing.describe(session, kept, disciplines=form.disciplines.data, **words)
        if not isinstance(done, Refusal):
            done = editing.move(session, kept, today=screen.today(), **place)
        if isinstance(done, Refusal):
            attempt.rollback()
    if isinstance(done, Refusal):
        return _about_page(_told(form, done, {"unknown-zone": "time_zone", "no-discipline": "disciplines"}), 422)
    screen.record("change-practice", "practice", 1)
    return screen.done("/settings/practice", "Saved.")


@practice.get("/sender")
@screen.needs(*screen.WRITERS)
def sender() -> ResponseReturnValue:
    return screen.page("practice/sender.html", form=SenderForm(obj=practice_of(screen.session())))


@practice.post("/sender")
@screen.needs(*screen.ADMINISTRATORS)
def change_sender() -> ResponseReturnValue:
    form = SenderForm()
    if not form.validate_on_submit():
        return screen.invalid("practice/sender.html", form=form)
    typed = {name: value or "" for name, value in form.data.items() if name != "csrf_token"}
    local = screen.world().settings.mode == "demo"
    done = editing.name_sender(screen.session(), practice_of(screen.session()), local=local, **typed)
    if isinstance(done, Refusal):
        places = {"bad-url": "public_url", "not-https": "public_url", "no-name": "sender_name"}
        return screen.invalid("practice/sender.html", form=_told(form, done, places, other="sender_email"))
    screen.record("change-sender", "practice", 1)
    return screen.done("/settings/sender", "Saved.")


@practice.get("/hours")
@screen.needs(*screen.WRITERS)
def hours() -> ResponseReturnValue:
    kept = practice_of(screen.session())
    return _hours_page(_hours_form(kept), QuietDayForm())


@practice.post("/hours")
@screen.needs(*screen.ADMINISTRATORS)
def change_hours() -> ResponseReturnValue:
    form = HoursForm()
    if not form.validate_on_submit():
        return _hours_page(form, QuietDayForm(formdata=None), 422)
    done = editing.set_hours(
        screen.session(),
        practice_of(screen.session()),
        today=screen.today(),
        holidays=form.holidays.data,
        from_minute=form.from_minute.data,
        until_minute=form.until_minute.data,
        weekdays=form.weekdays.data,
    )
    if isinstance(done, Refusal):
        told = _told(form, done, {"no-day": "weekdays"}, other="until_minute")
        return _hours_page(told, QuietDayForm(formdata=None), 422)
    screen.record("change-hours", "practice", 1)
    return screen.done("/settings/hours", "Saved. What is planned already moves to the new hours when it is due.")


@practice.post("/hours/quiet-days")
@screen.needs(*screen.ADMINISTRATORS)
def add_quiet_day() -> ResponseReturnValue:
    form = QuietDayForm()
    plain = _hours_form(practice_of(screen.session()))
    if not form.validate_on_submit():
        return _hours_page(plain, form, 422)
    done = quieting.add_quiet_day(screen.session(), today=screen.today(), on=form.on.data, name=form.name.data or "")
    if isinstance(done, Refusal):
        return _hours_page(plain, _told(form, done, {}, other="on"), 422)
    screen.record("add-quiet-day", "quiet-day", on=done.on.isoformat())
    return screen.done("/settings/hours", f"Nothing is sent on {done.on:%B} {done.on.day}.", undo=_drop_path(done.on))


@practice.post("/hours/quiet-days/<day>/drop")
@screen.needs(*screen.ADMINISTRATORS)
def drop_quiet_day(day: str) -> ResponseReturnValue:
    try:
        on = date.fromisoformat(day)
    except ValueError:
        abort(404)
    done = quieting.drop_quiet_day(screen.session(), on=on)
    if isinstance(done, Refusal):
        return screen.refused(done, "/settings/hours")
    screen.record("drop-quiet-day", "quiet-day", on=day)
    return screen.done("/settings/hours", f"Mail may go out on {on:%B} {on.day}.")


def _drop_path(on: date) -> str:
    return f"/settings/hours/quiet-days/{on.isoformat()}/drop"


def _about_page(form: FlaskForm, status: int = 200) -> ResponseReturnValue:
    return screen.page("practice/about.html", status=status, form=form, zones=known_zones())


def _hours_form(kept: Practice) -> HoursForm:
    data: dict[str, Any] = {"from_minute": kept.send_from_minute, "until_minute": kept.send_until_minute}
    data |= {"weekdays": kept.send_weekdays, "holidays": kept.keeps_holidays}
    return HoursForm(formdata=None, data=data)


def _hours_page(form: FlaskForm, day_form: FlaskForm, status: int = 200) -> ResponseReturnValue:
    days = screen.session().scalars(select(QuietDay).where(QuietDay.on >= screen.today()).order_by(QuietDay.on)).all()
    return screen.page("practice/hours.html", status=status, form=form, day_form=day_form, days=days, drop=_drop_path)


def _told(form: FlaskForm, refused: Refusal, places: dict[str, str], other: str = "name") -> FlaskForm:
    """The form, with what the verb refused written at the field it is about."""
    field: Any = form[places.get(refused.reason, "zip5" if refused.reason == "no-postal-address" else other)]
    field.errors = [*field.errors, refused.text]
    return form
