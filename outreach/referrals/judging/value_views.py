"""What one referral was worth, typed at the referral, where the practice counts values at all."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.errors import Refusal
from outreach.referrals.judging import valuing
from outreach.referrals.judging.forms import ValueForm
from outreach.referrals.judging.settings import settings_of
from outreach.referrals.models import Referral

values = Blueprint("values", __name__)


@values.get("/value/<int:referral_id>")
@screen.writes_on_get
def value(referral_id: int) -> ResponseReturnValue:
    referral = _referral(referral_id)
    screen.record("viewed", "referral", referral.id)
    return _page(referral, ValueForm(value=valuing.value_of(screen.session(), referral.id)))


@values.post("/value/<int:referral_id>")
@screen.needs(*screen.LOGGERS)
def keep_value(referral_id: int) -> ResponseReturnValue:
    referral, form = _referral(referral_id), ValueForm()
    if not form.validate_on_submit() or form.value.data is None:
        return _page(referral, form, status=422)
    kept = valuing.set_value(screen.session(), referral, form.value.data, now=screen.now(), today=screen.today())
    if isinstance(kept, Refusal):
        return screen.refused(kept, f"/referrals/{referral.id}")
    screen.record("valued", "referral", referral.id)
    return screen.done(f"/referrals/{referral.id}", "Saved. The yield of the source is up to date.")


def _referral(referral_id: int) -> Referral:
    found = screen.session().get(Referral, referral_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)


def _page(referral: Referral, form: ValueForm, *, status: int = 200) -> ResponseReturnValue:
    unit = settings_of(screen.session()).value_of
    return screen.page("referrals/value.html", status=status, referral=referral, form=form, unit=unit)
