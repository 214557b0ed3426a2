"""Settings: the service area in ZIPs, and the file that distances are reckoned from."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from outreach import screen
from outreach.errors import Refusal
from outreach.practice import service_area
from outreach.practice.settings_forms import AreaForm, AroundForm, PlacesForm

area = Blueprint("area", __name__, url_prefix="/area")
HERE = "/settings/area"


@area.get("")
@screen.needs(*screen.WRITERS)
def zips() -> ResponseReturnValue:
    return _page()


@area.post("")
@screen.needs(*screen.ADMINISTRATORS)
def save_zips() -> ResponseReturnValue:
    form = AreaForm()
    if not form.validate_on_submit():
        return _page(zips=form)
    done = service_area.set_service_zips(screen.session(), form.zips.data or "")
    if isinstance(done, Refusal):
        form.zips.errors = [done.text]
        return _page(zips=form)
    screen.record("change-service-area", "practice", 1, zips=done)
    return screen.done(HERE, f"Saved: {done} ZIPs." if done else "Saved. No service area is named now.")


@area.post("/around")
@screen.needs(*screen.ADMINISTRATORS)
def save_around() -> ResponseReturnValue:
    form = AroundForm()
    if not form.validate_on_submit():
        return _page(around=form)
    done = service_area.serve_around(screen.session(), form.miles.data or 1)
    if isinstance(done, Refusal):
        form.miles.errors = [done.text]
        return _page(around=form)
    screen.record("change-service-area", "practice", 1, zips=done, miles=form.miles.data)
    return screen.done(HERE, f"Saved: {done} ZIPs within {form.miles.data} miles of your clinics.")


@area.post("/places")
@screen.needs(*screen.ADMINISTRATORS)
def load_places() -> ResponseReturnValue:
    form = PlacesForm()
    if not form.validate_on_submit():
        return _page(places=form)
    done = service_area.load_places(screen.session(), form.file.data.read(service_area.MOST_BYTES + 1))
    if isinstance(done, Refusal):
        form.file.errors = [done.text]
        return _page(places=form)
    screen.record("load-zip-places", "practice", 1, zips=done)
    return screen.done(HERE, f"{done:,} ZIPs have their place now. Distances are up to date.")


def _page(**typed: FlaskForm) -> ResponseReturnValue:
    session = screen.session()
    forms: dict[str, FlaskForm] = {
        "zips": AreaForm(formdata=None, data={"zips": " ".join(service_area.service_zips(session))}),
        "around": AroundForm(formdata=None, data={"miles": 15}),
        "places": PlacesForm(formdata=None),
    }
    known = service_area.known_places(session)
    return screen.page("practice/area.html", status=422 if typed else 200, known=known, **(forms | typed))
