"""The value ledger on screen: the year, one entry, the limits, the export. No yield anywhere in this room."""

from decimal import Decimal

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from outreach import screen
from outreach.contacts.csvfile import write_csv
from outreach.contacts.models import Contact
from outreach.contacts.queries import ContactCard, cards_for, find
from outreach.errors import Refusal
from outreach.gifts import curing, queries, recording, rules
from outreach.gifts.forms import GiftForm, LimitForm
from outreach.gifts.models import ValueEntry

gifts = Blueprint("gifts", __name__, url_prefix="/gifts")

EXPORT_HEADER = (
    "Given on",
    "Recipient",
    "Organization",
    "Kind",
    "What",
    "Dollars",
    "Receipt",
    "Override",
    "Struck out",
)


@gifts.get("/")
def ledger() -> ResponseReturnValue:
    year, page = _year(), max(request.args.get("page", 1, int), 1)
    found = queries.lines(screen.session(), year, page=page)
    return screen.page(
        "gifts/ledger.html",
        year=year,
        years=[(str(each), str(each)) for each in queries.years(screen.session(), screen.today())],
        limit=queries.limit_of(screen.session(), year),
        totals=queries.totals(screen.session(), year, _committed(year)),
        lines=found[: queries.PAGE],
        excesses=curing.excesses(screen.session(), year),
        cure=rules.cure,
        today=screen.today(),
        page=page,
        more=len(found) > queries.PAGE,
        now=screen.now().astimezone(screen.zone()),
    )


@gifts.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def new() -> ResponseReturnValue:
    card = _chosen()
    form = GiftForm(given_on=screen.today()) if not request.form else GiftForm()
    if card is None or not form.validate_on_submit():
        return _new_page(form, card, status=422 if form.is_submitted() else 200)
    given = _given(form, card)
    made = recording.record(
        screen.session(),
        given,
        now=screen.now(),
        today=screen.today(),
        by_id=screen.actor_id(),
        is_administrator=screen.actor().role == "administrator",
        committed_cents=_committed(given.given_on.year, card.id).get(card.id, 0),
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return _new_page(form, card, status=422)
    screen.record("recorded", "value", made.entry.id, overridden=bool(made.entry.approved_by_id))
    return screen.done(f"/gifts/?year={made.entry.given_on.year}", f"In the ledger. {made.standing.text}".strip())


@gifts.route("/<int:entry_id>/strike", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
def strike(entry_id: int) -> ResponseReturnValue:
    entry = screen.or_404(screen.session().get(ValueEntry, entry_id))
    where = f"/gifts/?year={entry.given_on.year}"
    if request.method == "GET":
        card = cards_for(screen.session(), [entry.contact_id])[entry.contact_id]
        return screen.page("gifts/strike.html", entry=entry, card=card)
    why = request.form.get("why", "")
    refusal = recording.strike(screen.session(), entry, now=screen.now(), by_id=screen.actor_id(), why=why)
    if refusal is not None:
        return screen.refused(refusal, f"/gifts/{entry_id}/strike")
    screen.record("struck", "value", entry.id)
    return screen.done(where, "Struck out. The entry stays readable with its reason.")


@gifts.route("/limits", methods=["GET", "POST"])
@screen.needs(*screen.ADMINISTRATORS)
def limits() -> ResponseReturnValue:
    form = LimitForm(year=screen.today().year + 1) if not request.form else LimitForm()
    if form.validate_on_submit() and form.year.data and form.limit.data:
        refusal = recording.set_limit(
            screen.session(),
            form.year.data,
            _cents(form.limit.data),
            now=screen.now(),
            by_id=screen.actor_id(),
            source=form.source.data or "",
        )
        if refusal is None:
            screen.record("set-limit", "year-limit", form.year.data)
            return screen.done("/gifts/limits", f"The limit of {form.year.data} is set.")
        form.form_errors.append(refusal.text)
    known = queries.limits(screen.session())
    return screen.page("gifts/limits.html", 422 if form.is_submitted() else 200, form=form, limits=known)


@gifts.get("/export.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def export() -> ResponseReturnValue:
    year = _year()
    found = queries.every_line(screen.session(), year)
    screen.record("exported", "value", None, year=year, rows=len(found))
    table = write_csv(EXPORT_HEADER, (_row(line) for line in found))
    named = {"Content-Disposition": f'attachment; filename="value-ledger-{year}.csv"'}
    return Response("".join(table), mimetype="text/csv", headers=named)


def _row(line: queries.Line) -> tuple[str, ...]:
    given = (line.given_on.isoformat(), line.name, line.place, line.sort, line.what)
    return (*given, f"{line.amount_cents / 100:.2f}", line.receipt_note, line.override_reason, line.struck_why)


def _year() -> int:
    return min(max(request.args.get("year", screen.today().year, int), 2021), screen.today().year + 1)


def _committed(year: int, *contact_ids: int) -> dict[int, int]:
    """{contact id: cents} of what the rooms above have planned for that year."""
    found: dict[int, int] = {}
    for plan in screen.world().planned_value:
        for contact_id, cents in plan(screen.session(), year, contact_ids=contact_ids or None).items():
            found[contact_id] = found.get(contact_id, 0) + cents
    return found


def _chosen() -> ContactCard | None:
    wanted = request.values.get("contact", 0, screen.whole_number)
    contact = screen.session().get(Contact, wanted) if wanted else None
    if contact is None or contact.deleted_at is not None:
        return None
    return cards_for(screen.session(), [contact.id])[contact.id]


def _given(form: GiftForm, card: ContactCard) -> recording.Given:
    return recording.Given(
        contact_id=card.id,
        given_on=form.given_on.data or screen.today(),
        kind=form.kind.data,
        what=form.what.data or "",
        amount_cents=_cents(form.amount.data or Decimal(0)),
        solicited=bool(form.solicited.data),
        receipt_note=form.receipt_note.data or "",
        reason=form.reason.data or "",
    )


def _cents(dollars: Decimal) -> int:
    return int((dollars * 100).to_integral_value())


def _new_page(form: GiftForm, card: ContactCard | None, *, status: int) -> ResponseReturnValue:
    asked = request.args.get("q", "")
    year = screen.today().year
    spent = queries.total_of(screen.session(), card.id, year) if card else 0
    limited = card is not None and card.kind == "physician"
    return screen.page(
        "gifts/new.html",
        status,
        form=form,
        card=card,
        asked=asked,
        found=find(screen.session(), asked) if asked.strip() else None,
        spent=rules.said(spent),
        planned=_committed(year, card.id).get(card.id, 0) if card else 0,
        limit=queries.limit_of(screen.session(), year) if limited else None,
        limited=limited,
        year=year,
        said=rules.said,
    )
