"""The blank referral form as one PDF page of US letter size. Pure: words in, bytes out. In inches."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpdf import FPDF

from outreach.deliveries.paper.fonts import FAMILY, load, printable

MARGIN = 0.75
WIDTH = 8.5 - 2 * MARGIN
BOTTOM = 10.25
INK = (20, 38, 43)
QUIET = (86, 105, 112)
LINE = (125, 144, 149)
BOX = 0.13
MOST_SERVICES = 27
"""Three columns of nine: more would push the signature off the page."""
FIELDS = (
    (("Client's name", 0.6), ("Date of birth", 0.4)),
    (("Client's phone", 0.5), ("Best time to call", 0.5)),
    (("Insurance", 0.6), ("Member number", 0.4)),
    (("Reason for referral, precautions", 1.0),),
    (("", 1.0),),
)
SIGNED = (
    (("Referred by (name)", 0.6), ("NPI", 0.4)),
    (("Practice", 0.6), ("Phone", 0.4)),
    (("Signature", 0.6), ("Date", 0.4)),
)


@dataclass(frozen=True)
class FormWords:
    """What is printed: whose form it is, where it is faxed, services by discipline, and our places."""

    name: str
    lines: tuple[str, ...]
    fax: str
    phone: str
    services: tuple[tuple[str, tuple[str, ...]], ...]
    places: tuple[str, ...] = ()


def referral_form(words: FormWords, *, colour: tuple[int, int, int] = (10, 92, 84)) -> bytes:
    """One page, to be copied at will: nothing on it is about anybody."""
    pdf = FPDF(unit="in", format="letter")
    pdf.set_margins(MARGIN, MARGIN, MARGIN)
    pdf.set_auto_page_break(False)
    pdf.set_title("Referral form")
    pdf.set_author(printable(words.name))
    load(pdf)
    pdf.add_page()
    y = _head(pdf, words, colour)
    y = _fields(pdf, FIELDS, y + 0.1)
    y = _services(pdf, words, y + 0.15)
    if words.places:
        y = _ticks(pdf, "Preferred location", words.places, y + 0.1, columns=3)
    y = _fields(pdf, SIGNED, y + 0.05)
    _text(pdf, _foot(words), MARGIN, min(y + 0.15, BOTTOM), 9, QUIET)
    return bytes(pdf.output())


def _head(pdf: FPDF, words: FormWords, colour: tuple[int, int, int]) -> float:
    _text(pdf, words.name, MARGIN, 0.55, 17, colour, style="B")
    for number, line in enumerate(words.lines[:2]):
        _text(pdf, line, MARGIN, 0.88 + 0.17 * number, 9, QUIET)
    reach = f"Fax to {words.fax}" if words.fax else f"Call {words.phone}" if words.phone else ""
    _text(pdf, "Referral form", MARGIN, 0.55, 13, INK, style="B", align="R")
    _text(pdf, reach, MARGIN, 0.83, 13, INK, style="B", align="R")
    pdf.set_draw_color(*colour)
    pdf.set_line_width(0.02)
    pdf.line(MARGIN, 1.3, MARGIN + WIDTH, 1.3)
    return 1.35


def _fields(pdf: FPDF, rows: Sequence[Sequence[tuple[str, float]]], y: float) -> float:
    pdf.set_draw_color(*LINE)
    pdf.set_line_width(0.008)
    for row in rows:
        x = MARGIN
        for label, share in row:
            width = WIDTH * share
            pdf.line(x, y + 0.4, x + width - 0.1, y + 0.4)
            _text(pdf, label, x, y + 0.03, 8, QUIET)
            x += width
        y += 0.44
    return y


def _services(pdf: FPDF, words: FormWords, y: float) -> float:
    shown = 0
    for discipline, names in words.services:
        room = names[: max(0, MOST_SERVICES - shown)]
        shown += len(room)
        y = _ticks(pdf, discipline, room, y, columns=3)
    return y


def _ticks(pdf: FPDF, title: str, names: Sequence[str], y: float, *, columns: int) -> float:
    """Boxes to tick under a title, in columns."""
    if not names:
        return y
    _text(pdf, title, MARGIN, y, 10, INK, style="B")
    y += 0.22
    width = WIDTH / columns
    pdf.set_draw_color(*LINE)
    pdf.set_line_width(0.01)
    for number, name in enumerate(names):
        x, top = MARGIN + width * (number % columns), y + 0.22 * (number // columns)
        pdf.rect(x, top + 0.02, BOX, BOX)
        _text(pdf, _fitting(pdf, name, width - 0.35), x + BOX + 0.07, top, 9.5, INK)
    return y + 0.22 * ((len(names) + columns - 1) // columns) + 0.06


def _fitting(pdf: FPDF, name: str, width: float) -> str:
    """The name, shortened where it would run into the next column."""
    pdf.set_font(FAMILY, size=9.5)
    said = printable(name)
    while pdf.get_string_width(said) > width and len(said) > 4:
        said = said[:-2].rstrip(" .") + "."
    return said


def _foot(words: FormWords) -> str:
    return f"Questions? Call {words.phone}." if words.phone else ""


def _text(
    pdf: FPDF,
    text: str,
    x: float,
    y: float,
    size: float,
    colour: tuple[int, int, int],
    *,
    style: str = "",
    align: str = "L",
) -> None:
    pdf.set_font(FAMILY, style=style, size=size)
    pdf.set_text_color(*colour)
    pdf.set_xy(x, y)
    pdf.cell(WIDTH if align == "R" else 0, size / 60, printable(text), align=align)
