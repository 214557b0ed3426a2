"""Settings: payers and participation, services, locations."""

from itertools import groupby

from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select

from outreach import screen
from outreach.errors import Refusal
from outreach.practice import cataloguing, offering
from outreach.practice.catalogue_views import filled, service_page
from outreach.practice.models import Location, Participation, Payer, Service
from outreach.practice.offer_frame_views import offer
from outreach.practice.queries import practice_of
from outreach.practice.settings_forms import (
    STATUS_WORDS,
    LocationForm,
    ParticipationForm,
    PayerForm,
    ServiceForm,
    words,
)

__all__ = ["offer"]


@offer.get("/payers")
@screen.needs(*screen.WRITERS)
def payers() -> ResponseReturnValue:
    return _payers_page(PayerForm(formdata=None))


@offer.post("/payers")
@screen.needs(*screen.ADMINISTRATORS)
def add_payer() -> ResponseReturnValue:
    form = PayerForm()
    if not form.validate_on_submit():
        return _payers_page(form, 422)
    made = offering.add_payer(screen.session(), name=form.name.data, payer_class=form.payer_class.data)
    if isinstance(made, Refusal):
        return _payers_page(_told(form, made), 422)
    screen.record("add-payer", "payer", made.id)
    return screen.done(f"/settings/payers/{made.id}", f"{made.name} is added. Say since when you take it.")


@offer.get("/payers/<int:payer_id>")
@screen.needs(*screen.WRITERS)
def payer(payer_id: int) -> ResponseReturnValue:
    return _payer_page(_payer(payer_id), ParticipationForm(formdata=None, data={"since_on": screen.today()}))


@offer.post("/payers/<int:payer_id>")
@screen.needs(*screen.ADMINISTRATORS)
def participate(payer_id: int) -> ResponseReturnValue:
    found, form = _payer(payer_id), ParticipationForm()
    if not form.validate_on_submit():
        return _payer_page(found, form, 422)
    done = offering.participate(
        screen.session(), found, status=form.status.data, since_on=form.since_on.data, until_on=form.until_on.data
    )
    if isinstance(done, Refusal):
        form.until_on.errors = [done.text]
        return _payer_page(found, form, 422)
    screen.record("set-participation", "payer", found.id, status=done.status, since=done.since_on.isoformat())
    return screen.done(f"/settings/payers/{payer_id}", "Saved.")


@offer.get("/services")
@screen.needs(*screen.WRITERS)
def services() -> ResponseReturnValue:
    found = screen.session().scalars(select(Service).order_by(Service.discipline, Service.name)).all()
    stale = {each.id for each in found if cataloguing.is_stale(each, today=screen.today())}
    return screen.page("practice/services.html", services=found, stale=stale)


@offer.get("/services/<int:service_id>")
@screen.needs(*screen.WRITERS)
def service(service_id: int) -> ResponseReturnValue:
    return service_page(_service(service_id))


@offer.post("/services/<int:service_id>")
@screen.needs(*screen.ADMINISTRATORS)
def save_service(service_id: int) -> ResponseReturnValue:
    found, form = _service(service_id), filled(ServiceForm())
    if form.validate_on_submit():
        typed = {name: "" if value is None else value for name, value in form.data.items() if name != "csrf_token"}
        done = cataloguing.save(
            screen.session(), found, now=screen.now(), today=screen.today(), by_id=screen.actor_id(), **typed
        )
        if isinstance(done, Service):
            screen.record("change-service" if service_id else "add-service", "service", done.id)
            return screen.done("/settings/services", "Saved. What is new will stand in a draft under Newsletters.")
        _told(form, done)
    return service_page(found, form, status=422)


@offer.post("/services/<int:service_id>/retire")
@screen.needs(*screen.ADMINISTRATORS)
def retire_service(service_id: int) -> ResponseReturnValue:
    found = screen.or_404(_service(service_id))
    again = found.retired_on is not None
    day = None if again else screen.today()
    cataloguing.retire(screen.session(), found, now=screen.now(), on=day, by_id=screen.actor_id())
    screen.record("offer-service-again" if again else "retire-service", "service", found.id)
    said = f"{found.name} is offered again." if again else f"{found.name} is not offered any more."
    return screen.done("/settings/services", said, undo=f"/settings/services/{service_id}/retire")


@offer.get("/locations")
@screen.needs(*screen.WRITERS)
def locations() -> ResponseReturnValue:
    found = screen.session().scalars(select(Location).order_by(Location.closed_on.is_not(None), Location.name)).all()
    return screen.page("practice/locations.html", locations=found)


@offer.get("/locations/<int:location_id>")
@screen.needs(*screen.WRITERS)
def location(location_id: int) -> ResponseReturnValue:
    found = _location(location_id)
    return screen.page("practice/location.html", location=found, form=LocationForm(obj=found))


@offer.post("/locations/<int:location_id>")
@screen.needs(*screen.ADMINISTRATORS)
def save_location(location_id: int) -> ResponseReturnValue:
    found, form = _location(location_id), LocationForm()
    if form.validate_on_submit():
        typed = {name: value or "" for name, value in form.data.items() if name != "csrf_token"}
        done = offering.save_location(screen.session(), found, practice_of(screen.session()), **typed)
        if isinstance(done, Location):
            screen.record("change-location" if location_id else "add-location", "location", done.id)
            return screen.done("/settings/locations", "Saved.")
        _told(form, done)
    return screen.invalid("practice/location.html", location=found, form=form)


@offer.post("/locations/<int:location_id>/close")
@screen.needs(*screen.ADMINISTRATORS)
def close_location(location_id: int) -> ResponseReturnValue:
    found = screen.or_404(_location(location_id))
    again = found.closed_on is not None
    offering.close_location(screen.session(), found, on=None if again else screen.today())
    screen.record("open-location" if again else "close-location", "location", found.id)
    said = f"{found.name} is open again." if again else f"{found.name} is closed."
    return screen.done("/settings/locations", said, undo=f"/settings/locations/{location_id}/close")


def _payer(payer_id: int) -> Payer:
    return screen.or_404(screen.session().get(Payer, payer_id))


def _service(service_id: int) -> Service | None:
    """0 stands for one that is to be added."""
    return None if service_id == 0 else screen.or_404(screen.session().get(Service, service_id))


def _location(location_id: int) -> Location | None:
    return None if location_id == 0 else screen.or_404(screen.session().get(Location, location_id))


def _payers_page(form: FlaskForm, status: int = 200) -> ResponseReturnValue:
    today = screen.today()
    rows = screen.session().scalars(
        select(Participation)
        .where(Participation.since_on <= today, (Participation.until_on.is_(None)) | (Participation.until_on >= today))
        .order_by(Participation.payer_id, Participation.since_on)
    )
    present = {payer_id: list(said)[-1] for payer_id, said in groupby(rows, lambda row: row.payer_id)}
    found = screen.session().scalars(select(Payer).order_by(Payer.name)).all()
    return screen.page(
        "practice/payers.html", status=status, form=form, payers=found, present=present, said=STATUS_WORDS, words=words
    )


def _payer_page(found: Payer, form: FlaskForm, status: int = 200) -> ResponseReturnValue:
    rows = screen.session().scalars(
        select(Participation).where(Participation.payer_id == found.id).order_by(Participation.since_on.desc())
    )
    return screen.page("practice/payer.html", status=status, payer=found, form=form, rows=rows.all(), said=STATUS_WORDS)


def _told(form: FlaskForm, refused: Refusal) -> FlaskForm:
    form["discipline" if refused.reason == "unknown-discipline" else "name"].errors = [refused.text]
    return form
