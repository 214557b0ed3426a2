"""Everything of this room that is reachable without signing in: the first run, and choosing a password by a link."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from flask import Blueprint, abort, redirect, session
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from outreach import audit, screen
from outreach.errors import Refusal
from outreach.practice import rules, setting_up, staffing, throttle
from outreach.practice.queries import has_administrator
from outreach.practice.setting_up import Answers
from outreach.practice.setup_forms import (
    AddressForm,
    AdministratorForm,
    CodeForm,
    HoursForm,
    PasswordForm,
    PracticeForm,
    SenderForm,
    ZoneForm,
)

practice_public = Blueprint("practice_public", __name__)

DIFFERENT = Refusal("different", "The two passwords are not the same.")


@dataclass(frozen=True)
class Page:
    """One of the six: its address, title, form, and what the answers must mean."""

    slug: str
    title: str
    form: Callable[..., FlaskForm]
    check: Callable[[Answers], Refusal | None]
    first_field: str


@practice_public.route("/setup", methods=["GET", "POST"])
def setup() -> ResponseReturnValue:
    """The one-time code."""
    _gone_once_set_up()
    form = CodeForm()
    if not form.validate_on_submit():
        return screen.page("practice/setup_code.html", form=form, status=422 if form.is_submitted() else 200)
    where = {"account": "setup", "address": screen.who_asks()}
    if throttle.is_closed(screen.session(), now=screen.now(), **where):
        form.form_errors.append("Too many wrong codes. Wait 15 minutes, then try again.")
        return screen.invalid("practice/setup_code.html", form=form)
    ticket = setting_up.ticket_for(screen.session(), form.code.data)
    if ticket is None:
        throttle.note_failure(screen.session(), now=screen.now(), **where)
        form.code.errors = ["That is not the code printed last in the terminal where Outreach was started."]
        return screen.invalid("practice/setup_code.html", form=form)
    session["setup_ticket"] = ticket
    return redirect(f"/setup/{PAGES[0].slug}", code=303)


@practice_public.route("/setup/<slug>", methods=["GET", "POST"])
def setup_page(slug: str) -> ResponseReturnValue:
    """One of the six pages; the last one sets everything up."""
    _gone_once_set_up()
    page = screen.or_404(next((page for page in PAGES if page.slug == slug), None))
    if not setting_up.ticket_is_good(screen.session(), session.get("setup_ticket")):
        return redirect("/setup")
    answers = _answers()
    form = page.form(data=_suggested(answers))
    if not form.validate_on_submit():
        return _show(page, form, 422 if form.is_submitted() else 200)
    typed = {name: value for name, value in form.data.items() if name in asdict(answers)}
    answers = replace(answers, **typed)
    refused = page.check(answers)
    if refused is None and page is PAGES[-1]:
        return _finish(page, form, answers)
    if refused is not None:
        _put_at(form, page, refused)
        return _show(page, form, 422)
    session["setup"] = asdict(answers)
    return redirect(f"/setup/{PAGES[PAGES.index(page) + 1].slug}", code=303)


@practice_public.route("/password/<link>", methods=["GET", "POST"])
def choose_password(link: str) -> ResponseReturnValue:
    """The link that an administrator gives to somebody new, or to somebody who lost the password."""
    person = staffing.person_of_link(screen.session(), screen.world().key, link, now=screen.now())
    if person is None:
        return screen.page("practice/password_link_over.html", status=404)
    form = PasswordForm()
    if not form.validate_on_submit():
        return screen.page(
            "practice/choose_password.html", form=form, person=person, status=422 if form.is_submitted() else 200
        )
    refused = DIFFERENT if form.password.data != form.again.data else None
    if refused is None:
        chosen = staffing.choose_password(screen.session(), person, form.password.data)
        refused = chosen if isinstance(chosen, Refusal) else None
    if refused is not None:
        form.password.errors = [refused.text]
        return screen.invalid("practice/choose_password.html", form=form, person=person)
    audit.record(
        screen.session(),
        now=screen.now(),
        actor_id=person.id,
        action="choose-password",
        subject_type="person",
        subject_id=person.id,
    )
    return screen.done("/login", "Your password is set. Sign in with it.")


def _gone_once_set_up() -> None:
    if has_administrator(screen.session()):
        abort(404)


def _answers() -> Answers:
    kept = session.get("setup")
    return Answers(**kept) if isinstance(kept, dict) else Answers(public_url=screen.world().settings.public_url or "")


def _suggested(answers: Answers) -> dict[str, Any]:
    given = asdict(answers)
    given["sender_name"] = answers.sender_name or answers.name
    given["person_email"] = answers.person_email or answers.sender_email
    return given


def _show(page: Page, form: FlaskForm, status: int) -> ResponseReturnValue:
    number = PAGES.index(page)
    return screen.page(
        "practice/setup_page.html",
        status=status,
        form=form,
        page=page,
        number=number + 1,
        count=len(PAGES),
        back=f"/setup/{PAGES[number - 1].slug}" if number else None,
        zones=rules.known_zones() if page.slug == "time-zone" else (),
    )


def _finish(page: Page, form: FlaskForm, answers: Answers) -> ResponseReturnValue:
    if form.password.data != form.again.data:
        form.again.errors = [DIFFERENT.text]
        return _show(page, form, 422)
    made = setting_up.set_up(screen.session(), answers, form.password.data, now=screen.now(), local=_local())
    if isinstance(made, Refusal):
        _put_at(form, page, made)
        return _show(page, form, 422)
    audit.record(
        screen.session(), now=screen.now(), actor_id=made.id, action="set-up", subject_type="practice", subject_id=1
    )
    session.pop("setup", None)
    session.pop("setup_ticket", None)
    return screen.done("/login", "Everything is ready. Sign in with your email and password.")


def _put_at(form: FlaskForm, page: Page, refused: Refusal) -> None:
    name = {"weak-password": "password", "known-address": "person_email"}.get(refused.reason, page.first_field)
    form[name].errors = [*form[name].errors, refused.text]


def _local() -> bool:
    """A trial on one machine may do without https; nothing is sent to strangers from there (preflight)."""
    return screen.who_asks().startswith("127.") or screen.who_asks() == "::1"


def _practice(answers: Answers) -> Refusal | None:
    return None if answers.disciplines else Refusal("no-discipline", "Choose at least one.")


def _address(answers: Answers) -> Refusal | None:
    return rules.postal_or_refusal(answers.street, answers.city, answers.state, answers.zip5)


def _zone(answers: Answers) -> Refusal | None:
    zone = rules.zone_or_refusal(answers.time_zone)
    return zone if isinstance(zone, Refusal) else None


def _sender(answers: Answers) -> Refusal | None:
    found: list[str | Refusal] = [rules.address_or_refusal(answers.sender_email)]
    if answers.reply_to_email:
        found.append(rules.address_or_refusal(answers.reply_to_email))
    if answers.public_url:
        found.append(rules.public_url_or_refusal(answers.public_url, local=_local()))
    return next((refused for refused in found if isinstance(refused, Refusal)), None)


def _hours(answers: Answers) -> Refusal | None:
    return rules.hours_or_refusal(answers.from_minute, answers.until_minute, answers.weekdays)


def _you(answers: Answers) -> Refusal | None:
    address = rules.address_or_refusal(answers.person_email)
    return address if isinstance(address, Refusal) else None


PAGES = (
    Page("practice", "Your practice", PracticeForm, _practice, "disciplines"),
    Page("address", "Postal address", AddressForm, _address, "zip5"),
    Page("time-zone", "Time zone", ZoneForm, _zone, "time_zone"),
    Page("sender", "Sender", SenderForm, _sender, "sender_email"),
    Page("hours", "Sending hours", HoursForm, _hours, "until_minute"),
    Page("you", "You", AdministratorForm, _you, "person_email"),
)
