"""Settings: who works here and what they may do."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.errors import Refusal
from outreach.practice import sessions, staffing
from outreach.practice.models import Person
from outreach.practice.settings_forms import ROLE_WORDS, NewPersonForm, PersonForm

people = Blueprint("people", __name__, url_prefix="/people")


@people.get("/")
@screen.needs(*screen.WRITERS)
def everybody() -> ResponseReturnValue:
    found = screen.session().scalars(select(Person).order_by(Person.active.desc(), Person.name)).all()
    return screen.page("practice/people.html", people=found, words=dict(ROLE_WORDS))


@people.get("/new")
@screen.needs(*screen.ADMINISTRATORS)
def new() -> ResponseReturnValue:
    return screen.page("practice/new_person.html", form=NewPersonForm())


@people.post("/new")
@screen.needs(*screen.ADMINISTRATORS)
def add() -> ResponseReturnValue:
    form = NewPersonForm()
    if not form.validate_on_submit():
        return screen.invalid("practice/new_person.html", form=form)
    typed = {name: value or "" for name, value in form.data.items() if name != "csrf_token"}
    made = staffing.add_person(screen.session(), now=screen.now(), **typed)
    if isinstance(made, Refusal):
        form["name" if made.reason == "no-name" else "email"].errors = [made.text]
        return screen.invalid("practice/new_person.html", form=form)
    screen.record("add-person", "person", made.id, role=made.role)
    return _link_page(made)


@people.get("/<int:person_id>")
@screen.needs(*screen.ADMINISTRATORS)
def one(person_id: int) -> ResponseReturnValue:
    person = _person(person_id)
    return screen.page("practice/person.html", person=person, form=PersonForm(obj=person))


@people.post("/<int:person_id>")
@screen.needs(*screen.ADMINISTRATORS)
def change(person_id: int) -> ResponseReturnValue:
    person, form = _person(person_id), PersonForm()
    if not form.validate_on_submit():
        return screen.invalid("practice/person.html", person=person, form=form)
    done = staffing.change_person(
        screen.session(), person, name=form.name.data, title=form.title.data or "", role=form.role.data
    )
    if isinstance(done, Refusal):
        form.role.errors = [done.text]
        return screen.invalid("practice/person.html", person=person, form=form)
    screen.record("change-person", "person", person.id, role=person.role)
    return screen.done("/settings/people/", "Saved.")


@people.post("/<int:person_id>/link")
@screen.needs(*screen.ADMINISTRATORS)
def new_link(person_id: int) -> ResponseReturnValue:
    person = _person(person_id)
    screen.record("make-password-link", "person", person.id)
    return _link_page(person)


@people.post("/<int:person_id>/let-go")
@screen.needs(*screen.ADMINISTRATORS)
def let_go(person_id: int) -> ResponseReturnValue:
    person = _person(person_id)
    done = staffing.let_go(screen.session(), person)
    if isinstance(done, Refusal):
        return screen.refused(done, f"/settings/people/{person_id}")
    screen.record("let-go-person", "person", person.id)
    back = f"/settings/people/{person_id}/take-back"
    return screen.done("/settings/people/", f"{person.name} is signed out and cannot sign in any more.", undo=back)


@people.post("/<int:person_id>/take-back")
@screen.needs(*screen.ADMINISTRATORS)
def take_back(person_id: int) -> ResponseReturnValue:
    person = staffing.take_back(screen.session(), _person(person_id))
    screen.record("take-back-person", "person", person.id)
    return screen.done("/settings/people/", f"{person.name} may sign in again.")


@people.post("/<int:person_id>/sign-out")
@screen.needs(*screen.ADMINISTRATORS)
def sign_out(person_id: int) -> ResponseReturnValue:
    person = _person(person_id)
    ended = sessions.revoke(screen.session(), person.id)
    screen.record("sign-out-person", "person", person.id, sessions=ended)
    return screen.done(f"/settings/people/{person_id}", f"{person.name} is signed out everywhere.")


@people.post("/<int:person_id>/forget-second-factor")
@screen.needs(*screen.ADMINISTRATORS)
def forget_second_factor(person_id: int) -> ResponseReturnValue:
    person = staffing.forget_second_factor(screen.session(), _person(person_id))
    screen.record("forget-second-factor", "person", person.id)
    return screen.done(f"/settings/people/{person_id}", f"{person.name} sets up a new phone at the next sign-in.")


def _person(person_id: int) -> Person:
    return screen.or_404(screen.session().get(Person, person_id))


def _link_page(person: Person) -> ResponseReturnValue:
    settings, key = screen.world().settings, screen.world().key
    link = staffing.password_link(key, person, now=screen.now())
    path = url_for("practice_public.choose_password", link=link)
    address = (
        settings.public_url + path
        if settings.public_url
        else url_for("practice_public.choose_password", link=link, _external=True)
    )
    return screen.page("practice/password_link.html", person=person, link=address)
