"""Signed-in screens of this room: who asked to be called, what came of it, and the cards to pass on."""

import re
from datetime import timedelta

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from outreach import screen
from outreach.contacts.models import Contact
from outreach.contacts.queries import find
from outreach.enquiries import answering, passing_on, queries, rules, sheets
from outreach.enquiries.models import OUTCOMES, Enquiry, FriendCard
from outreach.enquiries.queries import PAGE, VIEWS
from outreach.enquiries.sheets import Passed
from outreach.errors import Refusal
from outreach.practice.queries import practice_of

enquiries = Blueprint("enquiries", __name__, url_prefix="/enquiries")
PINE = (10, 92, 84)
SHOWN_DAYS = 365
CLIENT_KINDS = ("client", "former-client", "family")
OUTCOME_CHOICES = [(name, rules.OUTCOME_WORDS[name]) for name in OUTCOMES]


@enquiries.get("/")
@screen.needs(*screen.LOGGERS)
@screen.writes_on_get
def waiting() -> ResponseReturnValue:
    """Who asked to be called."""
    view = request.args.get("view", "open")
    view = view if view in VIEWS else "open"
    number = max(request.args.get("page", 1, type=int), 1)
    found = queries.lines(screen.session(), view, limit=PAGE + 1, offset=(number - 1) * PAGE)
    counts = queries.counts(screen.session())
    if found:
        screen.record("view-enquiries", "enquiry", view=view, many=len(found[:PAGE]))
    return screen.page(
        "enquiries/waiting.html",
        lines=found[:PAGE],
        has_more=len(found) > PAGE,
        number=number,
        view=view,
        tabs=[
            {"label": label, "href": f"/enquiries/?view={key}", "current": key == view, "count": counts[key]}
            for key, label in VIEWS.items()
        ],
        rules=rules,
        now=screen.now().astimezone(screen.zone()),
    )


@enquiries.get("/<int:enquiry_id>")
@screen.needs(*screen.LOGGERS)
@screen.writes_on_get
def one(enquiry_id: int) -> ResponseReturnValue:
    """One person who asked to be called."""
    line = screen.or_404(queries.line(screen.session(), enquiry_id))
    screen.record("view", "enquiry", enquiry_id)
    return screen.page(
        "enquiries/one.html",
        line=line,
        enquiry=line.enquiry,
        rules=rules,
        outcomes=OUTCOME_CHOICES,
        deleted_on=(line.enquiry.closed_at + rules.KEPT_AFTER_CLOSING) if line.enquiry.closed_at else None,
        now=screen.now().astimezone(screen.zone()),
    )


@enquiries.post("/<int:enquiry_id>/reached")
@screen.needs(*screen.LOGGERS)
def reached(enquiry_id: int) -> ResponseReturnValue:
    """Somebody spoke with them."""
    enquiry = _enquiry(enquiry_id)
    done = answering.reached(screen.session(), enquiry, now=screen.now())
    screen.record("reached", "enquiry", enquiry.id, done=not isinstance(done, Refusal))
    here = f"/enquiries/{enquiry.id}"
    return screen.refused(done, here) if isinstance(done, Refusal) else screen.done(here, "Reached.")


@enquiries.post("/<int:enquiry_id>/close")
@screen.needs(*screen.LOGGERS)
def close(enquiry_id: int) -> ResponseReturnValue:
    """Nothing more is to be done."""
    enquiry = _enquiry(enquiry_id)
    outcome = request.form.get("outcome", "")
    done = answering.close(screen.session(), enquiry, outcome, now=screen.now(), by_id=screen.actor_id())
    if isinstance(done, Refusal):
        screen.record("close refused", "enquiry", enquiry.id, reason=done.reason)
        return screen.refused(done, f"/enquiries/{enquiry.id}")
    screen.record("closed", "enquiry", enquiry.id, outcome=outcome)
    there = f"/enquiries/{enquiry.id}" if outcome == "booked" else "/enquiries/"
    words = "Closed. Log the referral once there is a client number." if outcome == "booked" else "Closed."
    return screen.done(there, words, undo=f"/enquiries/{enquiry.id}/reopen")


@enquiries.post("/<int:enquiry_id>/reopen")
@screen.needs(*screen.LOGGERS)
def reopen(enquiry_id: int) -> ResponseReturnValue:
    """It was closed too early."""
    enquiry = _enquiry(enquiry_id)
    answering.reopen(screen.session(), enquiry)
    screen.record("reopened", "enquiry", enquiry.id)
    return screen.done(f"/enquiries/{enquiry.id}", "Open again.")


@enquiries.get("/cards")
def cards() -> ResponseReturnValue:
    """The cards and sheets with what they brought; a new one for a person or a place."""
    number = max(request.args.get("page", 1, type=int), 1)
    since = screen.today() - timedelta(days=SHOWN_DAYS)
    found = queries.cards(screen.session(), since=since, limit=PAGE + 1, offset=(number - 1) * PAGE)
    asked = request.args.get("q", "").strip()[:200]
    people = [card for card in find(screen.session(), asked) if card.kind in CLIENT_KINDS] if asked else None
    return screen.page(
        "enquiries/cards.html",
        cards=found[:PAGE],
        has_more=len(found) > PAGE,
        number=number,
        asked=asked,
        people=people,
        rules=rules,
        now=screen.now().astimezone(screen.zone()),
    )


@enquiries.post("/cards")
@screen.needs(*screen.WRITERS)
def make_card() -> ResponseReturnValue:
    """A card for a person, or a sheet for a place."""
    session, now, by_id = screen.session(), screen.now(), screen.actor_id()
    contact_id = screen.row_id(request.form.get("contact"))
    if contact_id is not None:
        contact = session.get(Contact, contact_id)
        live = contact if contact is not None and contact.deleted_at is None else None
        made = passing_on.card_for(session, screen.or_404(live), now=now, by_id=by_id)
    else:
        made = passing_on.card_of_place(session, request.form.get("title", ""), now=now, by_id=by_id)
    if isinstance(made, Refusal):
        screen.record("card refused", "friend-card", reason=made.reason)
        return screen.refused(made, "/enquiries/cards")
    screen.record("card made", "friend-card", made.id)
    return screen.done(f"/enquiries/cards/{made.id}")


@enquiries.get("/cards/<int:card_id>")
def card(card_id: int) -> ResponseReturnValue:
    """One card: its link, its code, its pages to print, what it brought."""
    found = _card(card_id)
    address = passing_on.paper_address(_public_url(), found)
    return screen.page(
        "enquiries/card.html",
        seen=queries.one_card(screen.session(), found),
        card=found,
        address=address,
        qr=Markup(sheets.qr_svg(address)),  # noqa: S704 (made of squares, nothing that anybody typed)
        reachable=_public_url().startswith("https://"),
        rules=rules,
        now=screen.now().astimezone(screen.zone()),
    )


@enquiries.get("/cards/<int:card_id>/<any(cards, sheet):what>.pdf")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def pages(card_id: int, what: str) -> ResponseReturnValue:
    """Ten small cards to cut, or one sheet to lay out."""
    found = _card(card_id)
    if found.ended_at is not None:
        return screen.refused(Refusal("ended", "This card leads nowhere any more. Open it again first."), _page(found))
    screen.record("exported", "friend-card", found.id, what=what)
    passed, colour = _passed(found), _colour(practice_of(screen.session()).brand_colour)
    body = sheets.cards_pdf(passed, colour=colour) if what == "cards" else sheets.sheet_pdf(passed, colour=colour)
    headers = {"Content-Disposition": f'attachment; filename="pass-on-{what}-{found.id}.pdf"'}
    return Response(body, mimetype="application/pdf", headers=headers)


@enquiries.post("/cards/<int:card_id>/end")
@screen.needs(*screen.WRITERS)
def end(card_id: int) -> ResponseReturnValue:
    """The card leads nowhere any more."""
    found = _card(card_id)
    passing_on.end(found, now=screen.now())
    screen.record("card ended", "friend-card", found.id)
    return screen.done(_page(found), "The card and its link lead nowhere now.", undo=f"{_page(found)}/open")


@enquiries.post("/cards/<int:card_id>/open")
@screen.needs(*screen.WRITERS)
def open_again(card_id: int) -> ResponseReturnValue:
    """The card leads to the form again."""
    found = _card(card_id)
    passing_on.reopen(found)
    screen.record("card opened", "friend-card", found.id)
    return screen.done(_page(found), "The card works again.")


def _enquiry(enquiry_id: int) -> Enquiry:
    return screen.or_404(screen.session().get(Enquiry, enquiry_id))


def _card(card_id: int) -> FriendCard:
    return screen.or_404(screen.session().get(FriendCard, card_id))


def _page(card: FriendCard) -> str:
    return f"/enquiries/cards/{card.id}"


def _public_url() -> str:
    return (screen.world().settings.public_url or practice_of(screen.session()).public_url).rstrip("/")


def _passed(card: FriendCard) -> Passed:
    practice, public_url = practice_of(screen.session()), _public_url()
    return Passed(
        practice=practice.name,
        phone=practice.phone,
        town=", ".join(part for part in (practice.street, practice.city, f"{practice.state} {practice.zip5}") if part),
        qr_address=passing_on.paper_address(public_url, card),
        typed_address=passing_on.typed_address(public_url),
        code=rules.printed_code(card.code),
        services=tuple(queries.service_names(screen.session())),
    )


def _colour(text: str) -> tuple[int, int, int]:
    parts = re.fullmatch(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", text.lower())
    return (int(parts[1], 16), int(parts[2], 16), int(parts[3], 16)) if parts else PINE
