"""What is passed on, as PDF pages of US letter size: small cards to cut, and a sheet to lay out. Pure. In inches.

The small cards fit ten to a page on business-card stock (Avery 5371: 3.5 by 2, no gaps).
"""

from dataclasses import dataclass

import qrcode
from fpdf import FPDF

from outreach.deliveries.paper.fonts import FAMILY, load, printable, write_lines

COLUMNS, ROWS = 2, 5
CARD_WIDTH, CARD_HEIGHT = 3.5, 2.0
LEFT, TOP = 0.75, 0.5
INK = (20, 38, 43)
QUIET = (86, 105, 112)
QUIET_ZONE = 4
"""Modules of white around a QR code (ISO/IEC 18004)."""
MOST_SERVICES = 8
LEAD = "Someone you know thought we might be of help."


@dataclass(frozen=True)
class Passed:
    """What a card says: the practice, where to go, and the code. Nobody is named on it."""

    practice: str
    phone: str
    town: str
    qr_address: str
    typed_address: str
    code: str
    services: tuple[str, ...] = ()


def cards_pdf(card: Passed, *, colour: tuple[int, int, int] = (10, 92, 84)) -> bytes:
    """One page of ten equal cards; print at 100 %."""
    pdf = _document("Cards to pass on")
    pdf.add_page()
    for place in range(COLUMNS * ROWS):
        row, column = divmod(place, COLUMNS)
        _small(pdf, card, LEFT + column * CARD_WIDTH, TOP + row * CARD_HEIGHT, colour)
    _cut_marks(pdf)
    return bytes(pdf.output())


def sheet_pdf(card: Passed, *, colour: tuple[int, int, int] = (10, 92, 84)) -> bytes:
    """One page to lay out or hand over: what we do, and how to be called."""
    pdf = _document("A sheet to pass on")
    pdf.add_page()
    width = 8.5 - 2.0
    y = write_lines(pdf, (card.practice,), 1.0, 1.0, width, 24, colour, style="B")
    pdf.set_draw_color(*colour)
    pdf.set_line_width(0.04)
    pdf.line(1.0, y + 0.1, 7.5, y + 0.1)
    y = write_lines(pdf, (LEAD,), 1.0, y + 0.35, width, 16, INK)
    words = "Leave your name and a number, and we call you. It costs nothing to ask, and you decide."
    y = write_lines(pdf, (words,), 1.0, y + 0.15, width, 13, INK)
    if card.services:
        y = write_lines(pdf, ("What we help with",), 1.0, y + 0.35, width, 13, colour, style="B")
        points = [f"•  {name}" for name in card.services[:MOST_SERVICES]]
        y = write_lines(pdf, points, 1.0, y + 0.1, width, 13, INK)
    top = max(y + 0.45, 6.0)
    size = draw_qr(pdf, card.qr_address, 1.0, top, 2.2)
    x = 1.0 + size + 0.4
    y = write_lines(pdf, ("Point your phone's camera here",), x, top + 0.2, 7.5 - x, 14, INK, style="B")
    y = write_lines(
        pdf,
        (
            f"or go to {card.typed_address}",
            f"and type {card.code}",
        ),
        x,
        y + 0.1,
        7.5 - x,
        12,
        INK,
    )
    if card.phone:
        write_lines(pdf, (f"or call {card.phone}",), x, y + 0.1, 7.5 - x, 12, INK)
    write_lines(pdf, (card.town,), 1.0, 10.0, width, 10, QUIET)
    return bytes(pdf.output())


def modules_of(text: str) -> list[list[bool]]:
    """The dark modules of the QR code of a text, without the white around it (error correction M)."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    return [[bool(dark) for dark in row] for row in code.get_matrix()]


def qr_svg(text: str) -> str:
    """The QR code as one SVG picture without script or style, with its white border."""
    modules = modules_of(text)
    size = len(modules) + 2 * QUIET_ZONE
    dark = "".join(
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
        for y, row in enumerate(modules)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="220" height="220" '
        f'aria-hidden="true" shape-rendering="crispEdges"><path fill="#ffffff" d="M0 0h{size}v{size}H0z"/>'
        f'<path d="{dark}"/></svg>'
    )


def draw_qr(pdf: FPDF, text: str, x: float, y: float, size: float) -> float:
    """The QR code with its white border in a square of that size, as vectors; answers the size."""
    modules = modules_of(text)
    step = size / (len(modules) + 2 * QUIET_ZONE)
    pdf.set_fill_color(0, 0, 0)
    for row, line in enumerate(modules):
        start = None
        for column, dark in enumerate([*line, False]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                pdf.rect(
                    x + (QUIET_ZONE + start) * step, y + (QUIET_ZONE + row) * step, (column - start) * step, step, "F"
                )
                start = None
    return size


def _small(pdf: FPDF, card: Passed, x: float, y: float, colour: tuple[int, int, int]) -> None:
    text = CARD_WIDTH - 1.45 - 0.15
    after = write_lines(
        pdf, (card.practice,), x + 0.15, y + 0.18, text, _fitting(pdf, card.practice, text), colour, style="B"
    )
    after = write_lines(pdf, ("We call you: scan the code, or go to",), x + 0.15, after + 0.06, text, 8, INK)
    after = write_lines(pdf, (card.typed_address,), x + 0.15, after, text, 8, INK)
    after = write_lines(pdf, (f"and type {card.code}",), x + 0.15, after, text, 8, INK, style="B")
    if card.phone:
        write_lines(pdf, (f"Or call {card.phone}",), x + 0.15, after + 0.06, text, 8, INK)
    draw_qr(pdf, card.qr_address, x + CARD_WIDTH - 1.45, y + 0.3, 1.4)


def _fitting(pdf: FPDF, text: str, width: float) -> float:
    """The largest size in which the name takes two lines at most."""
    for size in (13.0, 12.0, 11.0, 10.0, 9.0):
        pdf.set_font(FAMILY, style="B", size=size)
        lines = pdf.multi_cell(width, 0.2, printable(text) or " ", dry_run=True, output="LINES")
        if isinstance(lines, list) and len(lines) <= 2:
            return size
    return 8.0


def _cut_marks(pdf: FPDF) -> None:
    pdf.set_draw_color(*QUIET)
    pdf.set_line_width(0.005)
    for column in range(COLUMNS + 1):
        x = LEFT + column * CARD_WIDTH
        pdf.line(x, TOP - 0.2, x, TOP - 0.05)
        pdf.line(x, 10.55, x, 10.7)
    for row in range(ROWS + 1):
        y = TOP + row * CARD_HEIGHT
        pdf.line(0.45, y, 0.65, y)
        pdf.line(7.85, y, 8.05, y)


def _document(title: str) -> FPDF:
    pdf = FPDF(unit="in", format="letter")
    pdf.set_auto_page_break(False)
    pdf.set_margins(0, 0, 0)
    pdf.c_margin = 0
    pdf.set_title(title)
    load(pdf)
    return pdf
