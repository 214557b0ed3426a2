"""The page on which a referral is corrected."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.errors import Refusal
from outreach.practice.models import Location, Payer, Service
from outreach.referrals.correcting import Correction, correct
from outreach.referrals.forms import CorrectForm, options
from outreach.referrals.models import Referral

corrections = Blueprint("corrections", __name__, url_prefix="")


@corrections.route("/<int:referral_id>/edit", methods=["GET", "POST"])
@screen.needs(*screen.LOGGERS)
def edit(referral_id: int) -> ResponseReturnValue:
    found = screen.session().get(Referral, referral_id)
    referral = screen.or_404(found if found is not None and found.deleted_at is None else None)
    form = _form(referral)
    if not form.validate_on_submit() or form.received_on.data is None:
        return _page(referral, form, status=422 if form.is_submitted() else 200)
    wanted = Correction(
        service_id=form.service_id.data,
        payer_id=form.payer_id.data or None,
        location_id=form.location_id.data or None,
        client_number=form.client_number.data or "",
        received_on=form.received_on.data,
    )
    done = correct(screen.session(), referral, wanted, now=screen.now(), today=screen.today(), by_id=screen.actor_id())
    if isinstance(done, Refusal):
        form.form_errors.append(done.text)
        return _page(referral, form, status=422)
    screen.record("corrected", "referral", referral.id)
    return screen.done(f"/referrals/{referral.id}", "Saved.")


def _form(referral: Referral) -> CorrectForm:
    session = screen.session()
    form = CorrectForm(obj=referral)
    services = session.scalars(
        select(Service)
        .where(Service.retired_on.is_(None) | (Service.id == referral.service_id))
        .order_by(Service.discipline, Service.name)
    )
    payers = session.scalars(select(Payer).order_by(Payer.name))
    places = session.scalars(
        select(Location)
        .where(Location.closed_on.is_(None) | (Location.id == referral.location_id))
        .order_by(Location.name)
    )
    form.service_id.choices = options((one.id, f"{one.name} ({one.discipline})") for one in services)
    form.payer_id.choices = options([(0, "Not known yet"), *((one.id, one.name) for one in payers)])
    form.location_id.choices = options([(0, "Not known yet"), *((one.id, one.name) for one in places)])
    if not form.is_submitted():
        form.payer_id.data, form.location_id.data = referral.payer_id or 0, referral.location_id or 0
    return form


def _page(referral: Referral, form: CorrectForm, *, status: int) -> ResponseReturnValue:
    return screen.page("referrals/correct.html", status=status, referral=referral, form=form)
