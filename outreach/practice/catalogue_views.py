"""Settings: is a service's text still right, and how clients did."""

from flask.typing import ResponseReturnValue
from sqlalchemy import select
from wtforms import SelectChoice as Choice

from outreach import screen
from outreach.errors import Refusal
from outreach.practice import cataloguing
from outreach.practice.models import Location, Payer, Service
from outreach.practice.offer_frame_views import offer
from outreach.practice.settings_forms import OutcomeForm, ServiceForm

FIELDS = {"no-finding": "finding", "no-source": "source", "bad-period": "until_on", "too-few-people": "people"}


@offer.post("/services/<int:service_id>/confirm")
@screen.needs(*screen.WRITERS)
def confirm_service(service_id: int) -> ResponseReturnValue:
    found = _service(service_id)
    cataloguing.confirm(found, today=screen.today())
    screen.record("confirm-service", "service", found.id)
    return screen.done("/settings/services", f"{found.name} is confirmed for twelve months.")


@offer.post("/services/<int:service_id>/outcomes")
@screen.needs(*screen.ADMINISTRATORS)
def add_outcome(service_id: int) -> ResponseReturnValue:
    found, form = _service(service_id), OutcomeForm()
    if form.validate_on_submit():
        typed = {name: value for name, value in form.data.items() if name != "csrf_token"}
        done = cataloguing.add_outcome(
            screen.session(), found, now=screen.now(), today=screen.today(), by_id=screen.actor_id(), **typed
        )
        if not isinstance(done, Refusal):
            screen.record("add-outcome", "service", found.id, outcome=done.id)
            return screen.done(f"/settings/services/{found.id}", "The figure is kept.")
        form[FIELDS[done.reason]].errors = [done.text]
    return service_page(found, outcome=form, status=422)


@offer.post("/services/<int:service_id>/outcomes/<int:outcome_id>/remove")
@screen.needs(*screen.ADMINISTRATORS)
def remove_outcome(service_id: int, outcome_id: int) -> ResponseReturnValue:
    gone = screen.or_404(cataloguing.remove_outcome(screen.session(), service_id, outcome_id))
    screen.record("remove-outcome", "service", service_id, outcome=gone.id)
    return screen.done(f"/settings/services/{service_id}", "The figure is removed.")


def service_page(
    found: Service | None, form: ServiceForm | None = None, *, outcome: OutcomeForm | None = None, status: int = 200
) -> ResponseReturnValue:
    return screen.page(
        "practice/service.html",
        status=status,
        service=found,
        form=form or filled(ServiceForm(formdata=None, obj=found)),
        outcome=outcome or OutcomeForm(formdata=None),
        outcomes=cataloguing.outcomes_of(screen.session(), found.id) if found else [],
        stale=found is not None and not found.retired_on and cataloguing.is_stale(found, today=screen.today()),
    )


def filled(form: ServiceForm) -> ServiceForm:
    """With the clinics and payers to tick."""
    session = screen.session()
    places = session.execute(select(Location.id, Location.name).where(Location.closed_on.is_(None)))
    payers = session.execute(select(Payer.id, Payer.name).order_by(Payer.name))
    form.location_ids.choices = [Choice(row.id, row.name) for row in places]
    form.payer_ids.choices = [Choice(row.id, row.name) for row in payers]
    return form


def _service(service_id: int) -> Service:
    return screen.or_404(screen.session().get(Service, service_id))
