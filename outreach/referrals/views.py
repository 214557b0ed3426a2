"""The referral log: the list, the fifteen-second form, one referral, and the yield of a contact."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts.models import Contact
from outreach.contacts.organizing import desk_of
from outreach.contacts.queries import ContactCard, cards_for, find
from outreach.errors import Refusal
from outreach.practice.models import Location, Payer, Service
from outreach.referrals import logging, queries, sourcing, yield_shown
from outreach.referrals.blank.form_views import blank_form
from outreach.referrals.correct_views import corrections
from outreach.referrals.duties.duty_views import duties
from outreach.referrals.duties.late import duties_of
from outreach.referrals.emr.emr_views import emr
from outreach.referrals.forms import LogReferralForm, MatchForm, MoveForm, options, said
from outreach.referrals.inbox_views import inbox
from outreach.referrals.models import Referral
from outreach.referrals.payers.fitting import PayerFit
from outreach.referrals.payers.fitting import fit as fit_of
from outreach.referrals.payers.payer_views import payer_fit
from outreach.referrals.peer_views import peer_pages
from outreach.referrals.rules import Move

referrals = Blueprint("referrals", __name__, url_prefix="/referrals")
referrals.register_blueprint(emr)
referrals.register_blueprint(duties)
referrals.register_blueprint(inbox)
referrals.register_blueprint(corrections)
referrals.register_blueprint(payer_fit)
referrals.register_blueprint(peer_pages)
referrals.register_blueprint(blank_form)

LARGEST_ID = 2**31
TABS = (
    ("open", "Open"),
    ("unmatched", "No source yet"),
    ("started", "Became clients"),
    ("closed", "Closed"),
    ("all", "All received"),
    ("out", "Sent by us"),
)


@referrals.get("/")
def log() -> ResponseReturnValue:
    wanted = _filter()
    found = queries.lines(screen.session(), wanted, before=_cursor())
    shown = found[: queries.PAGE]
    return screen.page(
        "referrals/log.html",
        tabs=_tabs(wanted.view),
        lines=shown,
        next_page=_next(shown) if len(found) > queries.PAGE else None,
        total=queries.count(screen.session(), wanted),
        services=_services(),
        wanted=wanted,
        said=said,
        today=screen.today(),
    )


@referrals.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.LOGGERS)
def new() -> ResponseReturnValue:
    form = _log_form()
    if not form.validate_on_submit():
        return _log_page(form, status=422 if form.is_submitted() else 200)
    source, choices = _source(form.source.data, form.contact_id.data, form.source_type.data)
    if choices is not None:
        return _log_page(form, status=422, choices=choices)
    made = logging.log_referral(
        screen.session(),
        _typed(form, source),
        now=screen.now(),
        today=screen.today(),
        by_id=screen.actor_id(),
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return _log_page(form, status=422)
    screen.record("logged", "referral", made.id)
    return screen.done(_after(made), _logged_text(made), undo=f"/referrals/{made.id}/trash")


@referrals.get("/fit")
def fit() -> ResponseReturnValue:
    """What to say about the payer that is being chosen, as a fragment."""
    return screen.page("referrals/_fit.html", fit=_fit(row_id("payer_id"), row_id("contact_id"), request.args))


@referrals.get("/<int:referral_id>")
@screen.writes_on_get
def one(referral_id: int) -> ResponseReturnValue:
    referral = _referral(referral_id)
    screen.record("viewed", "referral", referral.id)
    form = MoveForm(stage=referral.stage, on=screen.today())
    return _one_page(referral, form, MatchForm())


@referrals.post("/<int:referral_id>/move")
@screen.needs(*screen.LOGGERS)
def move(referral_id: int) -> ResponseReturnValue:
    referral, form = _referral(referral_id), MoveForm()
    if not form.validate_on_submit() or form.on.data is None:
        return _one_page(referral, form, MatchForm(formdata=None), status=422)
    step = Move(form.stage.data, form.on.data, form.close_reason.data or None, form.barrier.data or None)
    result = logging.move(
        screen.session(), referral, step, now=screen.now(), today=screen.today(), by_id=screen.actor_id()
    )
    if isinstance(result, Refusal):
        form.form_errors.append(result.text)
        return _one_page(referral, form, MatchForm(formdata=None), status=422)
    screen.record("moved", "referral", referral.id, stage=step.stage)
    return screen.done(f"/referrals/{referral.id}", "Saved. The yield of the source is up to date.")


@referrals.post("/<int:referral_id>/match")
@screen.needs(*screen.LOGGERS)
def match(referral_id: int) -> ResponseReturnValue:
    referral, form = _referral(referral_id), MatchForm()
    source, choices = _source(form.source.data, form.contact_id.data, "contact")
    if not form.validate_on_submit() or choices is not None or source is None:
        return _one_page(referral, MoveForm(formdata=None), form, status=422, choices=choices or [])
    result = logging.match_source(
        screen.session(), referral, source, now=screen.now(), today=screen.today(), by_id=screen.actor_id()
    )
    if isinstance(result, Refusal):
        return screen.refused(result, f"/referrals/{referral.id}")
    screen.record("matched", "referral", referral.id, contact_id=source)
    return screen.done("/referrals/?view=unmatched", "Matched.")


@referrals.post("/<int:referral_id>/trash")
@screen.needs(*screen.LOGGERS)
def trash(referral_id: int) -> ResponseReturnValue:
    referral = _referral(referral_id)
    logging.trash(screen.session(), referral, now=screen.now(), today=screen.today())
    screen.record("trashed", "referral", referral.id)
    return screen.done("/referrals/", "Moved to the trash for 30 days.", undo=f"/referrals/{referral.id}/restore")


@referrals.post("/<int:referral_id>/restore")
@screen.needs(*screen.LOGGERS)
def restore(referral_id: int) -> ResponseReturnValue:
    referral = screen.or_404(screen.session().get(Referral, referral_id))
    logging.restore(screen.session(), referral, now=screen.now(), today=screen.today())
    screen.record("restored", "referral", referral.id)
    return screen.done(f"/referrals/{referral.id}", "Back in the log.")


@referrals.get("/yield/<int:contact_id>")
@screen.writes_on_get
def contact_yield(contact_id: int) -> ResponseReturnValue:
    found = screen.session().get(Contact, contact_id)
    contact = screen.or_404(found if found is not None and found.deleted_at is None else None)
    if contact.audience_class == "client":
        screen.record("viewed", "contact", contact.id)
    sources = screen.world().thanks_sources
    view = yield_shown.yield_view(
        screen.session(), contact, now=screen.now(), zone=screen.zone(), thanks_sources=sources
    )
    return screen.page("referrals/yield.html", view=view, contact=contact)


@referrals.get("/sources")
def sources() -> ResponseReturnValue:
    """Names for the source field, as <option> elements, while somebody types."""
    typed = request.args.get("source", "").strip()
    found = find(screen.session(), typed) if len(typed) > 1 else []
    places = dict.fromkeys(card.organization_name for card in found if typed.lower() in card.organization_name.lower())
    return screen.page("referrals/_sources.html", found=found, places=[name for name in places if name])


def row_id(name: str) -> int | None:
    """A row's number from the address; None for what no row can have."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number < LARGEST_ID else None


def _filter() -> queries.Filter:
    args = request.args
    return queries.Filter(
        view=args.get("view", "open") if args.get("view", "open") in queries.VIEWS else "open",
        contact_id=row_id("contact"),
        organization_id=row_id("organization"),
        discipline=args.get("discipline", ""),
        source_kind=args.get("kind", ""),
        stage=args.get("stage", ""),
        close_reason=args.get("reason", ""),
        payer_id=row_id("payer"),
        received_from=args.get("from", type=date.fromisoformat),
        received_until=args.get("until", type=date.fromisoformat),
        network=args.get("network", ""),
        source_class=args.get("class", ""),
        location_id=row_id("location"),
        reached=args.get("reached", ""),
        barrier=args.get("barrier", ""),
        payer_known=args.get("known", ""),
    )


def _cursor() -> tuple[date, int] | None:
    day, last_id = request.args.get("day", type=date.fromisoformat), row_id("after")
    return (day, last_id) if day and last_id else None


def _next(shown: list[queries.Line]) -> str:
    kept = {key: value for key, value in request.args.items() if key not in ("day", "after")}
    return "/referrals/?" + urlencode(kept | {"day": shown[-1].received_on.isoformat(), "after": shown[-1].id})


def _tabs(view: str) -> list[dict[str, Any]]:
    waiting = queries.unmatched_count(screen.session())
    return [
        {
            "label": label,
            "href": f"/referrals/?view={name}",
            "current": name == view,
            **({"count": waiting} if name == "unmatched" else {}),
        }
        for name, label in TABS
    ]


def _services() -> list[Service]:
    return list(
        screen.session().scalars(
            select(Service).where(Service.retired_on.is_(None)).order_by(Service.discipline, Service.name)
        )
    )


def _log_form() -> LogReferralForm:
    form = LogReferralForm()
    form.service_id.choices = options((s.id, f"{s.name} ({s.discipline})") for s in _services())
    places = screen.session().scalars(select(Location).where(Location.closed_on.is_(None)).order_by(Location.name))
    form.location_id.choices = options([(0, "Not known yet"), *((place.id, place.name) for place in places)])
    payers = screen.session().scalars(select(Payer).order_by(Payer.name))
    form.payer_id.choices = options([(0, "Not known yet"), *((payer.id, payer.name) for payer in payers)])
    if request.method == "GET":
        form.received_on.data = screen.today()
        form.direction.data = "out" if request.args.get("direction") == "out" else "in"
        if request.args.get("by") == "word-of-mouth":
            form.source_type.data = "word-of-mouth"
        form.service_id.data = row_id("service")
        chosen = cards_for(screen.session(), [row_id("contact") or 0])
        for card in chosen.values():
            form.source.data, form.contact_id.data = card.name, str(card.id)
    return form


def _log_page(form: LogReferralForm, *, status: int, choices: list[ContactCard] | None = None) -> ResponseReturnValue:
    shown = _fit(form.payer_id.data or None, screen.row_id(form.contact_id.data), request.form)
    return screen.page("referrals/new.html", status=status, form=form, choices=choices, fit=shown)


def _source(typed: str | None, chosen: str | None, source_type: str) -> tuple[int | None, list[ContactCard] | None]:
    """The contact that was meant, or the ones to choose from; (None, None) where the source is no contact."""
    if source_type not in ("contact", "word-of-mouth") or (
        source_type == "word-of-mouth" and not (typed or "").strip()
    ):
        return None, None
    # Somebody may have merged the contact while the name was typed: what was chosen lives on in the other record.
    present = sourcing.survivor(screen.session(), screen.row_id(chosen) or 0)
    if present is not None and present.id != screen.row_id(chosen):
        return present.id, None
    known = present.id if present is not None else 0
    picked = cards_for(screen.session(), [known]).get(known)
    # The hidden id only counts while the name beside it is still the one it was set for.
    if picked is not None and (not typed or picked.name == typed.strip()):
        return picked.id, None
    place = sourcing.place_named(screen.session(), typed or "")
    if place is not None and source_type == "contact" and request.method == "POST":
        # The name of a place, whole: the place itself sent the client, and its desk stands for it.
        return desk_of(screen.session(), place, now=screen.now(), today=screen.today()).id, None
    found = find(screen.session(), typed or "") if (typed or "").strip() else []
    exact = [card for card in found if card.name.lower() == (typed or "").strip().lower()]
    certain = exact if len(exact) == 1 else found
    return (certain[0].id, None) if len(certain) == 1 else (None, found)


def _typed(form: LogReferralForm, contact_id: int | None) -> logging.NewReferral:
    advised = form.source_type.data == "word-of-mouth"
    named = form.source_type.data in ("contact", "word-of-mouth")
    return logging.NewReferral(
        received_on=form.received_on.data or screen.today(),
        source_type=form.source_type.data,
        contact_id=None if advised else contact_id,
        advocate_id=contact_id if advised else None,
        unmatched_source="" if named else (form.source.data or "").strip(),
        location_id=form.location_id.data or None,
        service_id=form.service_id.data,
        payer_id=form.payer_id.data or None,
        client_number=form.client_number.data or "",
        stage=form.stage.data,
        direction=form.direction.data,
    )


def _fit(payer_id: int | None, contact_id: int | None, typed: Mapping[str, str]) -> PayerFit:
    try:
        on = date.fromisoformat(typed.get("received_on", ""))
    except ValueError:
        on = screen.today()
    chosen, choices = (contact_id, None) if contact_id else _source(typed.get("source"), None, "contact")
    return fit_of(screen.session(), payer_id=payer_id, on=on, contact_id=None if choices else chosen)


def _after(referral: Referral) -> str:
    return f"/contacts/{referral.contact_id}" if referral.contact_id else "/referrals/"


def _logged_text(referral: Referral) -> str:
    fit = fit_of(screen.session(), payer_id=referral.payer_id, on=referral.received_on, contact_id=None)
    # A client that we sent elsewhere is theirs to bill.
    return f"Logged. {fit.sentence}" if fit.warns and referral.direction == "in" else "Logged."


def _referral(referral_id: int) -> Referral:
    found = screen.session().get(Referral, referral_id)
    return screen.or_404(found if found is not None and found.deleted_at is None else None)


def _one_page(
    referral: Referral,
    form: MoveForm,
    matching: MatchForm,
    *,
    status: int = 200,
    choices: list[ContactCard] | None = None,
) -> ResponseReturnValue:
    return screen.page(
        "referrals/one.html",
        status=status,
        referral=referral,
        line=queries.line_of(screen.session(), referral.id),
        duties=duties_of(screen.session(), referral.id),
        may_log=screen.actor().role in screen.LOGGERS,
        today=screen.today(),
        form=form,
        matching=matching,
        choices=choices,
        said=said,
    )
