"""Payer fit and leakage: the page of the practice, the page per office, and what is done about it."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.models import Contact, Organization
from outreach.errors import Refusal
from outreach.practice.models import Payer
from outreach.referrals import peers
from outreach.referrals.forms import said
from outreach.referrals.payers import leakage, office
from outreach.referrals.payers.forms import FixForm
from outreach.referrals.payers.leakage import Scope
from outreach.referrals.payers.payer_models import LossFix

payer_fit = Blueprint("payer_fit", __name__, url_prefix="")


@payer_fit.get("/payers")
def payers() -> ResponseReturnValue:
    scope = _scope()
    session = screen.session()
    source = session.get(Contact, scope.contact_id) if scope.contact_id else None
    payer = session.get(Payer, scope.payer_id) if scope.payer_id else None
    return screen.page(
        "referrals/payers.html",
        scope=scope,
        source=source,
        payer=payer,
        loss=leakage.loss(session, scope),
        misfits=leakage.misfits(session, scope),
        payers=leakage.by_payer(session, scope),
        causes=leakage.causes(session, scope),
        prospects=peers.prospects(session, on=screen.today())[:10] if not (source or payer) else [],
        form=FixForm(formdata=None),
        may_write=screen.actor().role in screen.WRITERS,
        said=said,
        log=_log_address(scope),
        days=leakage.PERIOD_DAYS,
        today=screen.today(),
    )


@payer_fit.post("/payers/fixes")
@screen.needs(*screen.WRITERS)
def choose_fix() -> ResponseReturnValue:
    form, where = FixForm(), _back()
    if not form.validate_on_submit():
        return screen.refused(Refusal("no-words", "Say in a few words what you do about it."), where)
    made = leakage.choose_fix(
        screen.session(),
        cause=request.form.get("cause", ""),
        is_barrier=request.form.get("barrier") == "yes",
        what=form.what.data or "",
        contact_id=screen.row_id(request.form.get("contact")),
        payer_id=screen.row_id(request.form.get("payer")),
        now=screen.now(),
        today=screen.today(),
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        return screen.refused(made, where)
    screen.record("chose-fix", "loss-fix", made.id, cause=made.cause)
    return screen.done(where, "Saved. It stands beside the reason until you end it.")


@payer_fit.post("/payers/fixes/<int:fix_id>/end")
@screen.needs(*screen.WRITERS)
def end_fix(fix_id: int) -> ResponseReturnValue:
    fix = screen.or_404(screen.session().get(LossFix, fix_id))
    leakage.end_fix(fix, today=screen.today())
    screen.record("ended-fix", "loss-fix", fix.id)
    return screen.done(_back(), "Ended.")


@payer_fit.get("/offices/<int:organization_id>")
def one_office(organization_id: int) -> ResponseReturnValue:
    """One printable page: nothing on it names or numbers a client."""
    found = screen.session().get(Organization, organization_id)
    place = screen.or_404(found if found is not None and found.deleted_at is None else None)
    today = screen.today()
    since = today - timedelta(days=leakage.PERIOD_DAYS)
    return screen.page(
        "referrals/office.html",
        page=office.office_page(screen.session(), place, since=since, until=today),
        since=since,
        said=said,
        today=today,
    )


def _scope() -> Scope:
    today = screen.today()
    return Scope(
        since=today - timedelta(days=leakage.PERIOD_DAYS),
        until=today,
        contact_id=screen.row_id(request.values.get("contact")),
        payer_id=screen.row_id(request.values.get("payer")),
    )


def _back() -> str:
    kept = {name: request.form[name] for name in ("contact", "payer") if screen.row_id(request.form.get(name))}
    return "/referrals/payers" + (f"?{urlencode(kept)}" if kept else "")


def _log_address(scope: Scope) -> str:
    """The list behind every number of the page, to be narrowed further."""
    kept: dict[str, Any] = {"view": "all", "from": scope.since.isoformat(), "until": scope.until.isoformat()}
    kept |= {"contact": scope.contact_id} if scope.contact_id else {}
    kept |= {"payer": scope.payer_id} if scope.payer_id else {}
    return "/referrals/?" + urlencode(kept)
