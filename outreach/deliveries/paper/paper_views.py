"""Signed-in screens of letters: what waits to be printed, the sheets, their pages, and what was mailed."""

import re
from collections.abc import Iterable
from datetime import date

from flask import Response, request, url_for

from outreach import screen
from outreach.contacts.csvfile import write_csv
from outreach.deliveries import words
from outreach.deliveries.house import House, house_of
from outreach.deliveries.inbox_views import deliveries
from outreach.deliveries.naming import names_of
from outreach.deliveries.paper import paper, paper_pages, paper_queries
from outreach.deliveries.paper.paper_models import LetterSheet
from outreach.errors import Refusal

SCOPE = re.compile(r"[a-z-]{1,40}:[0-9]{1,9}")
HEADS = ("Name", "Street", "City", "State", "ZIP")
PINE = (10, 92, 84)
STATUS = {
    "take-out": ("held", "Take it out"),
    "on-sheet": ("scheduled", "On the sheet"),
    "mailed": ("sent", "Mailed"),
    "back": ("scheduled", "Back on the list"),
    "stopped": ("cancelled", "Not sent: take it out"),
}


@deliveries.get("/letters")
@screen.needs(*screen.WRITERS)
def letters() -> tuple[str, int]:
    """What waits for paper, by campaign, and the sheets."""
    session, now = screen.session(), screen.now()
    lots = paper_queries.waiting(session, now=now)
    missing = paper_queries.without_address(session, now=now)
    names = names_of(session, [lot.scope for lot in lots], known=screen.world().source_names)
    return screen.page(
        "deliveries/letters.html",
        lots=[(lot, names[lot.scope], words.place_of(lot.scope)) for lot in lots],
        ready=sum(lot.ready for lot in lots),
        missing=[(contact, paper_queries.missing_of(contact)) for contact in missing],
        many_missing=sum(lot.without_address for lot in lots),
        per_sheet=paper.PER_SHEET,
        days=paper.LEASE.days,
        newest=paper_queries.newest(session),
        sheets=paper_queries.sheets(session),
        now=now.astimezone(screen.zone()),
    )


@deliveries.post("/letters/sheets")
@screen.needs(*screen.WRITERS)
def make_sheet() -> Response:
    """The next letters are on a sheet."""
    scope = request.form.get("scope", "")
    made = paper.make_sheet(
        screen.session(),
        now=screen.now(),
        world=screen.world(),
        after=screen.row_id(request.form.get("after")) or 0,
        by_id=screen.actor_id(),
        scope=scope if SCOPE.fullmatch(scope) else "",
    )
    if isinstance(made, Refusal):
        return screen.refused(made, url_for("deliveries.letters"))
    screen.record("make-sheet", "letter-sheet", made.id, letters=made.letters)
    text = f"Sheet {made.id} has {_letters(made.letters)}. Print it, then say when it is mailed."
    return screen.done(_page(made), text)


@deliveries.get("/letters/<int:sheet_id>")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def letter_sheet(sheet_id: int) -> tuple[str, int]:
    """One sheet: its letters, and whom to take out of the pile."""
    sheet, session = _sheet(sheet_id), screen.session()
    screen.record("view-letters", "letter-sheet", sheet.id)
    lines = paper_queries.lines(session, sheet, now=screen.now(), house=_house())
    return screen.page(
        "deliveries/letter_sheet.html",
        sheet=sheet,
        lines=lines,
        state_of=STATUS,
        open=[line for line in lines if line.status == "on-sheet"],
        take_out=[line for line in lines if line.status in ("take-out", "stopped")] if not sheet.closed_at else [],
        today=screen.today(),
        now=screen.now().astimezone(screen.zone()),
    )


@deliveries.get("/letters/<int:sheet_id>/letters.pdf")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def letter_pages(sheet_id: int) -> Response:
    """The letters as pages, made anew each time: whoever opted out meanwhile is not among them."""
    sheet, world, house = _sheet(sheet_id), screen.world(), _house()
    found = paper_queries.letters(screen.session(), sheet, now=screen.now(), house=house, key=world.key)
    if not found:
        return screen.refused(Refusal("nothing-left", "No letter of this sheet is left to print."), _page(sheet))
    screen.record("exported", "letter-sheet", sheet.id, what="letters", letters=len(found))
    pages = paper_pages.letters_pdf([letter for _, letter in found], colour=_colour(house.practice.brand_colour))
    return _file(pages, "application/pdf", f"letters-{sheet.id}.pdf")


@deliveries.get("/letters/<int:sheet_id>/addresses.csv")
@screen.needs(*screen.WRITERS)
@screen.writes_on_get
def letter_addresses(sheet_id: int) -> Response:
    """The addresses for labels."""
    sheet = _sheet(sheet_id)
    rows = paper_queries.addresses(screen.session(), sheet, now=screen.now(), house=_house())
    screen.record("exported", "letter-sheet", sheet.id, what="addresses", letters=len(rows))
    return _file(_joined(write_csv(HEADS, rows)), "text/csv; charset=utf-8", f"letters-{sheet.id}.csv")


@deliveries.post("/letters/<int:sheet_id>/mailed")
@screen.needs(*screen.WRITERS)
def letters_mailed(sheet_id: int) -> Response:
    """The letters went to the post."""
    sheet = _sheet(sheet_id)
    day = _day(request.form.get("mailed_on", "")) or screen.today()
    done = paper.mark_mailed(
        screen.session(),
        sheet.id,
        now=screen.now(),
        world=screen.world(),
        mailed_on=day,
        by_id=screen.actor_id(),
    )
    if isinstance(done, Refusal):
        return screen.refused(done, _page(sheet))
    screen.record("mailed", "letter-sheet", sheet.id, letters=done, on=day.isoformat())
    return screen.done(_page(sheet), f"{_letters(done)} {'is' if done == 1 else 'are'} mailed and on the timelines.")


@deliveries.post("/letters/<int:sheet_id>/put-back")
@screen.needs(*screen.WRITERS)
def letters_put_back(sheet_id: int) -> Response:
    """The letters, or one of them, wait again."""
    sheet, one = _sheet(sheet_id), screen.row_id(request.form.get("delivery"))
    if "delivery" in request.form and one is None:
        return screen.refused(Refusal("not-there", "That letter is not on this sheet."), _page(sheet))
    many = paper.put_back(screen.session(), sheet.id, now=screen.now(), by_id=screen.actor_id(), delivery_id=one)
    screen.record("put-back", "letter-sheet", sheet.id, letters=many)
    there = _page(sheet) if one else url_for("deliveries.letters")
    return screen.done(there, f"{_letters(many)} {'waits' if many == 1 else 'wait'} again.")


def _sheet(sheet_id: int) -> LetterSheet:
    return screen.or_404(screen.session().get(LetterSheet, sheet_id))


def _house() -> House:
    world = screen.world()
    return house_of(screen.session(), now=screen.now(), transports=world.transports, settings=world.settings)


def _page(sheet: LetterSheet) -> str:
    return url_for("deliveries.letter_sheet", sheet_id=sheet.id)


def _file(body: bytes, mimetype: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, mimetype=mimetype, headers=headers)


def _joined(parts: Iterable[str]) -> bytes:
    return "".join(parts).encode("utf-8")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _letters(many: int) -> str:
    return "1 letter" if many == 1 else f"{many:,} letters"


def _colour(text: str) -> tuple[int, int, int]:
    """A colour such as "#0a5c54" as its three parts; our own pine for anything else."""
    parts = re.fullmatch(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", text.lower())
    return (int(parts[1], 16), int(parts[2], 16), int(parts[3], 16)) if parts else PINE
