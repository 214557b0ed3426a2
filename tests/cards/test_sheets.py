"""Printed cards and labels, read back from the PDF."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from outreach.cards import sheets
from outreach.cards.sheets import AVERY_5160, AVERY_5163, PaperCard
from outreach.deliveries.paper import fonts

NAMES = ("Priya Raman", "Łukasz Dvořák", "Şükrü Öztürk", "Zoë O’Brien")


def read(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def card(name: str, inside: str = "We are thankful for you.") -> PaperCard:
    return PaperCard(
        "Happy Thanksgiving", f"Dear {name},", (inside,), ("All of us", "Cedar Lane Therapy"), ("Cedar Lane",)
    )


def test_two_cards_share_a_sheet_outside_and_inside():
    pages = read(sheets.cards_pdf([card(name) for name in NAMES]))
    assert len(pages) == 4
    assert pages[0].count("Happy Thanksgiving") == 2
    assert "Dear" not in pages[0]
    assert "Dear Priya Raman," in pages[1]
    assert "Dear Łukasz Dvořák," in pages[1]
    assert "Dear Şükrü Öztürk," in pages[3]


def test_the_paper_is_us_letter():
    page = PdfReader(BytesIO(sheets.cards_pdf([card("Ann")]))).pages[0]
    assert (float(page.mediabox.width), float(page.mediabox.height)) == (612.0, 792.0)


def test_words_open_on_the_right_behind_the_back():
    found = {}

    def visit(text, _cm, tm, _font, _size):
        if text.strip():
            found.setdefault(text.strip().split()[0], tm[4])

    reader = PdfReader(BytesIO(sheets.cards_pdf([card("Ann")])))
    for page in reader.pages:
        page.extract_text(visitor_text=visit)
    assert found["Dear"] > 306, "right half of the inside"
    assert found["Cedar"] < 306, "left half of the outside"


@pytest.mark.parametrize(("sheet", "per_sheet"), [(AVERY_5160, 30), (AVERY_5163, 10)])
def test_labels_fill_a_sheet_row_by_row(sheet, per_sheet):
    assert sheet.per_sheet == per_sheet
    labels = [(f"Person {n}", "12 Cedar Lane", "Millbrook, NY 12545") for n in range(per_sheet + 1)]
    pages = read(sheets.labels_pdf(labels, sheet))
    assert len(pages) == 2
    assert f"Person {per_sheet - 1}" in pages[0]
    assert f"Person {per_sheet}" in pages[1]


@pytest.mark.parametrize("sheet", [AVERY_5160, AVERY_5163])
def test_labels_stay_on_the_paper(sheet):
    right = sheet.left + (sheet.columns - 1) * sheet.pitch_x + sheet.width
    bottom = sheet.top + (sheet.rows - 1) * sheet.pitch_y + sheet.height
    assert right <= sheets.PAGE_WIDTH
    assert bottom <= sheets.PAGE_HEIGHT


def test_a_letter_that_the_type_lacks_is_replaced_and_said():
    assert fonts.printable("Nguyễn") == "Nguyen"
    assert fonts.printable("Zoë") == "Zoë"
    assert fonts.printable("王") == "?"
    assert fonts.lacks("王 Nguyễn")
    assert not fonts.lacks("Łukasz Dvořák")


def test_long_names_and_long_words_never_break_the_sheet():
    long = "Extraordinarily " * 40
    assert len(read(sheets.cards_pdf([card("Wolfeschlegelsteinhausenbergerdorff " * 3, long[:700])]))) == 2
    read(sheets.labels_pdf([("Wolfeschlegelsteinhausenbergerdorff " * 4, "x" * 200, "y")]))


@pytest.mark.parametrize("sheet", [AVERY_5160, AVERY_5163])
def test_a_long_line_of_an_address_is_broken_and_stays_large_enough_to_be_read_by_machines(sheet):
    long = (
        "Everyone at the Orthopedics and Sports Medicine Group of Dutchess County",
        "1250 Long Lane, Building 4, Suite 200",
    )
    drawn = []

    def visit(text, _cm, tm, _font, size):
        if text.strip():
            drawn.append((text.strip(), tm[4], tm[5], size))

    page = PdfReader(BytesIO(sheets.labels_pdf([(*long, "Poughkeepsie, NY 12601")], sheet))).pages[0]
    page.extract_text(visitor_text=visit)
    assert " ".join(text for text, *_ in drawn) == " ".join((*long, "Poughkeepsie, NY 12601"))
    assert min(size for *_, size in drawn) >= 8
    left, top = (sheet.left * 72, 792 - sheet.top * 72)
    assert all(left + 9 <= x <= left + 13 and top - sheet.height * 72 < y < top for _, x, y, _ in drawn)
