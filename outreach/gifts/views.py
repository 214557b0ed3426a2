"""The value ledger on screen: the year, one entry, the limits, the export. No yield anywhere in this room."""

from datetime import date, datetime, time
from decimal import Decimal

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from outreach import screen
from outreach.contacts.csvfile import write_csv
from outreach.contacts.models import Contact
from outreach.contacts.queries import ContactCard, cards_for, find
from outreach.errors import Refusal
from outreach.gifts import curing, passing, paying_back, queries, recording, rules
from outreach.gifts.forms import GiftForm, LimitForm, PaybackForm
from outreach.gifts.models import ValueEntry
from outreach.gifts.payback_models import ValuePayback

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
    "Approved by",
    "Struck out",
)
Row = tuple[object, ...]


@gifts.get("/")
@screen.needs_right("ledger")
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
        paybacks=curing.paybacks(screen.session(), year),
        may_write=screen.actor().role in screen.WRITERS,
        may_set_limits=screen.actor().role in screen.ADMINISTRATORS,
        today=screen.today(),
        page=page,
        more=len(found) > queries.PAGE,
        now=screen.now().astimezone(screen.zone()),
    )


@gifts.route("/new", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
@screen.needs_right("ledger")
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
        is_administrator=screen.may("override"),
        committed_cents=_committed(given.given_on.year, card.id).get(card.id, 0),
    )
    if isinstance(made, Refusal):
        form.form_errors.append(made.text)
        return _new_page(form, card, status=422)
    screen.record("recorded", "value", made.entry.id, overridden=bool(made.entry.approved_by_id))
    return screen.done(f"/gifts/?year={made.entry.given_on.year}", f"In the ledger. {made.standing.text}".strip())


@gifts.route("/<int:entry_id>/strike", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
@screen.needs_right("ledger")
def strike(entry_id: int) -> ResponseReturnValue:
    entry = screen.or_404(screen.session().get(ValueEntry, entry_id))
    where = f"/gifts/?year={entry.given_on.year}"
    if request.method == "GET":
        card = cards_for(screen.session(), [entry.contact_id])[entry.contact_id]
        what = f"{entry.what} for {card.name}"
        return _strike_page(what, entry.amount_cents, entry.given_on, f"/gifts/{entry_id}/strike", back=where)
    why = request.form.get("why", "")
    refusal = recording.strike(screen.session(), entry, now=screen.now(), by_id=screen.actor_id(), why=why)
    if refusal is not None:
        return screen.refused(refusal, f"/gifts/{entry_id}/strike")
    screen.record("struck", "value", entry.id)
    return screen.done(where, "Struck out. The entry stays readable with its reason.")


@gifts.route("/excess/<int:contact_id>", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
@screen.needs_right("ledger")
def excess(contact_id: int) -> ResponseReturnValue:
    """What one person got over the limit of a year, until when it can be mended, and what came back."""
    card, year = screen.or_404(cards_for(screen.session(), [contact_id]).get(contact_id)), _year()
    form = PaybackForm(paid_on=screen.today()) if not request.form else PaybackForm()
    if form.validate_on_submit() and form.amount.data and form.paid_on.data:
        back = paying_back.Back(
            contact_id=card.id,
            year=year,
            cents=_cents(form.amount.data),
            paid_on=form.paid_on.data,
            how=f"{form.how.data}. Proof: {form.proof.data}",
        )
        made = paying_back.pay_back(
            screen.session(), back, now=screen.now(), today=screen.today(), by_id=screen.actor_id()
        )
        if not isinstance(made, Refusal):
            screen.record("recorded", "value-payback", made.id, contact_id=card.id, year=year, cents=made.amount_cents)
            return screen.done(f"/gifts/excess/{card.id}?year={year}", "In the ledger.")
        form.form_errors.append(made.text)
    found = curing.excesses(screen.session(), year, contact_ids=[card.id])
    return screen.page(
        "gifts/excess.html",
        422 if form.is_submitted() else 200,
        form=form,
        card=card,
        year=year,
        excess=found[0] if found else None,
        cure=rules.cure,
        paybacks=curing.paybacks(screen.session(), year, card.id),
        today=screen.today(),
        now=screen.now().astimezone(screen.zone()),
    )


@gifts.route("/paybacks/<int:payback_id>/strike", methods=["GET", "POST"])
@screen.needs(*screen.WRITERS)
@screen.needs_right("ledger")
def strike_payback(payback_id: int) -> ResponseReturnValue:
    payback = screen.or_404(screen.session().get(ValuePayback, payback_id))
    here, where = f"/gifts/paybacks/{payback_id}/strike", f"/gifts/excess/{payback.contact_id}?year={payback.year}"
    if request.method == "GET":
        card = cards_for(screen.session(), [payback.contact_id])[payback.contact_id]
        return _strike_page(f"What {card.name} paid back", payback.amount_cents, payback.paid_on, here, back=where)
    why = request.form.get("why", "")
    refusal = paying_back.strike(screen.session(), payback, now=screen.now(), by_id=screen.actor_id(), why=why)
    if refusal is not None:
        return screen.refused(refusal, here)
    screen.record("struck", "value-payback", payback.id, contact_id=payback.contact_id, year=payback.year)
    return screen.done(where, "Struck out. The entry stays readable with its reason, and is owed again.")


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
@screen.needs_right("ledger")
@screen.writes_on_get
def export() -> ResponseReturnValue:
    year = _year()
    rows = sorted((*_entries(year), *_paybacks(year), *_passes(year)), key=lambda row: str(row[0]))
    screen.record("exported", "value", None, year=year, rows=len(rows))
    named = {"Content-Disposition": f'attachment; filename="value-ledger-{year}.csv"'}
    return Response("".join(write_csv(EXPORT_HEADER, rows)), mimetype="text/csv", headers=named)


def _entries(year: int) -> list[Row]:
    return [
        (
            *(line.given_on.isoformat(), line.name, line.place, line.sort, line.what),
            Decimal(line.amount_cents).scaleb(-2),
            *(line.receipt_note, line.override_reason, line.approved_by, line.struck_why),
        )
        for line in queries.every_line(screen.session(), year)
    ]


def _paybacks(year: int) -> list[Row]:
    """What came back, as negative dollars on its day."""
    return [
        (
            *(back.paid_on.isoformat(), name, place, "Paid back", f"For the limit of {year}"),
            -Decimal(back.amount_cents).scaleb(-2),
            *(back.how, "", "", back.struck_why),
        )
        for back, name, place in curing.paybacks(screen.session(), year)
    ]


def _passes(year: int) -> list[Row]:
    """Whom an administrator let come over the limit, without dollars: what was eaten is an entry of its own."""
    begins, ends = (datetime.combine(date(each, 1, 1), time(), screen.zone()) for each in (year, year + 1))
    found = passing.passes_given(screen.session(), begins, ends)
    named = _events({one.event_id for one in found})
    cards = cards_for(screen.session(), [one.contact_id for one in found])
    return [
        (
            *(
                f"{one.approved_at.astimezone(screen.zone()):%Y-%m-%d}",
                one.name,
                cards[one.contact_id].organization_name,
            ),
            *("Allowed over the limit", named.get(one.event_id, f"Event {one.event_id}"), "", ""),
            *(one.reason, one.approved_by, ""),
        )
        for one in found
    ]


def _events(ids: set[int]) -> dict[int, str]:
    """{event id: title}, as the room above offers them."""
    offered = [(number, name) for sort, number, name in screen.world().source_names if sort == "event"]
    found: dict[int, str] = {}
    for number, name in offered if ids else ():
        rows = screen.session().execute(select(number, name).where(number.in_(ids)))
        found |= {which: str(called) for which, called in rows}
    return found


def _strike_page(what: str, cents: int, day: date, here: str, *, back: str) -> ResponseReturnValue:
    return screen.page("gifts/strike.html", what=what, cents=cents, day=day, here=here, back=back)


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
