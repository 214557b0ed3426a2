"""Cards and labels as PDF pages of US letter size. Pure: lines in, bytes out. All measures in inches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from fpdf import FPDF

from outreach.deliveries.paper.fonts import FAMILY, POINTS_PER_INCH, load, printable, write_lines

T = TypeVar("T")
PAGE_WIDTH, PAGE_HEIGHT = 8.5, 11.0
CARDS_PER_SHEET = 2
HALF_HEIGHT = PAGE_HEIGHT / CARDS_PER_SHEET
PANEL_WIDTH = PAGE_WIDTH / 2
MARGIN = 0.5
LABEL_PAD = 0.15
SMALLEST_ADDRESS = 8.0
"""Points; sorting machines read no smaller type (USPS Publication 25, address block)."""
INK = (20, 38, 43)
QUIET = (86, 105, 112)


@dataclass(frozen=True)
class PaperCard:
    """One folded card: what is on its front, inside and on its back."""

    front: str
    greeting: str
    paragraphs: tuple[str, ...]
    closing: tuple[str, ...]
    back: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelSheet:
    """A sheet of adhesive labels."""

    name: str
    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    pitch_x: float
    pitch_y: float
    points: float

    @property
    def per_sheet(self) -> int:
        """How many labels one sheet holds."""
        return self.columns * self.rows


AVERY_5160 = LabelSheet("Avery 5160", 3, 10, 2.625, 1.0, 0.1875, 0.5, 2.75, 1.0, 10)
AVERY_5163 = LabelSheet("Avery 5163", 2, 5, 4.0, 2.0, 0.15625, 0.5, 4.1875, 2.0, 14)
"""Measures from the makers' templates for US letter sheets."""
LABEL_SHEETS = {"5160": AVERY_5160, "5163": AVERY_5163}


def cards_pdf(cards: Sequence[PaperCard], *, colour: tuple[int, int, int] = (10, 92, 84)) -> bytes:
    """Two cards per sheet: the outside on one page, the inside on the next; print both sides, flip on the long edge.

    Cut along the middle, fold each half to 4.25 by 5.5 inches. Flipping on the long edge puts what is at the right
    of the second page behind what is at the left of the first, so the words open on the right.
    """
    pdf = _document("Cards")
    for sheet in _pages(cards, CARDS_PER_SHEET):
        pdf.add_page()
        _guides(pdf)
        for place, card in enumerate(sheet):
            _outside(pdf, card, place * HALF_HEIGHT, colour)
        pdf.add_page()
        for place, card in enumerate(sheet):
            _inside(pdf, card, place * HALF_HEIGHT)
    return bytes(pdf.output())


def labels_pdf(labels: Sequence[Sequence[str]], sheet: LabelSheet = AVERY_5160) -> bytes:
    """One label per address, row by row; print at 100 %."""
    pdf = _document(f"Labels {sheet.name}")
    for page in _pages(labels, sheet.per_sheet):
        pdf.add_page()
        for place, lines in enumerate(page):
            row, column = divmod(place, sheet.columns)
            _label(pdf, lines, sheet, sheet.left + column * sheet.pitch_x, sheet.top + row * sheet.pitch_y)
    return bytes(pdf.output())


def _document(title: str) -> FPDF:
    pdf = FPDF(unit="in", format="letter")
    pdf.set_auto_page_break(False)
    pdf.set_margins(0, 0, 0)
    pdf.set_title(title)
    load(pdf)
    return pdf


def _pages(things: Sequence[T], per_page: int) -> list[Sequence[T]]:
    return [things[start : start + per_page] for start in range(0, len(things), per_page)]


def _guides(pdf: FPDF) -> None:
    """Where to cut and where to fold, as short dashes at the edges."""
    pdf.set_draw_color(*QUIET)
    pdf.set_line_width(0.005)
    pdf.set_dash_pattern(dash=0.05, gap=0.05)
    for x in (0.0, PAGE_WIDTH - 0.25):
        pdf.line(x, HALF_HEIGHT, x + 0.25, HALF_HEIGHT)
    for y in (0.0, HALF_HEIGHT - 0.15, HALF_HEIGHT, PAGE_HEIGHT - 0.15):
        pdf.line(PANEL_WIDTH, y, PANEL_WIDTH, y + 0.15)
    pdf.set_dash_pattern()


def _outside(pdf: FPDF, card: PaperCard, top: float, colour: tuple[int, int, int]) -> None:
    pdf.set_draw_color(*colour)
    pdf.set_line_width(0.02)
    left, width = PANEL_WIDTH + MARGIN, PANEL_WIDTH - 2 * MARGIN
    pdf.line(left + width / 2 - 0.4, top + HALF_HEIGHT / 2 - 0.6, left + width / 2 + 0.4, top + HALF_HEIGHT / 2 - 0.6)
    write_lines(pdf, (card.front,), left, top + HALF_HEIGHT / 2 - 0.4, width, 24, colour, style="B", align="C")
    write_lines(pdf, card.back, MARGIN, top + HALF_HEIGHT - MARGIN - 0.5, width, 9, QUIET, align="C")


def _inside(pdf: FPDF, card: PaperCard, top: float) -> None:
    left, width = PANEL_WIDTH + MARGIN, PANEL_WIDTH - 2 * MARGIN
    size = _fitting(pdf, card, width, HALF_HEIGHT - 2 * MARGIN)
    y = write_lines(pdf, (card.greeting,), left, top + MARGIN + 0.3, width, size, INK)
    for paragraph in card.paragraphs:
        y = write_lines(pdf, (paragraph,), left, y + size / POINTS_PER_INCH, width, size, INK)
    write_lines(pdf, card.closing, left, y + 1.4 * size / POINTS_PER_INCH, width, size, INK)


def _fitting(pdf: FPDF, card: PaperCard, width: float, height: float) -> float:
    """The largest size in which the words fit; the longest words that can be typed fit at 9 points."""
    for size in (14.0, 13.0, 12.0, 11.0, 10.0):
        pdf.set_font(FAMILY, size=size)
        line = 1.4 * size / POINTS_PER_INCH
        parts = (card.greeting, *card.paragraphs, *card.closing)
        tall = sum(_lines(pdf, part, width, line) for part in parts)
        if tall * line + (len(card.paragraphs) + 1.4) * size / POINTS_PER_INCH + 0.3 <= height:
            return size
    return 9.0


def _lines(pdf: FPDF, text: str, width: float, line: float) -> int:
    lines = pdf.multi_cell(width, line, printable(text) or " ", dry_run=True, output="LINES")
    return len(lines) if isinstance(lines, list) else 1


def _label(pdf: FPDF, lines: Sequence[str], sheet: LabelSheet, x: float, y: float) -> None:
    inner = sheet.width - 2 * LABEL_PAD
    size, broken = _fitting_label(pdf, lines, inner, sheet)
    step = 1.25 * size / POINTS_PER_INCH
    pdf.set_text_color(*INK)
    pdf.c_margin = 0
    start = y + max((sheet.height - len(broken) * step) / 2, 0.05)
    for place, line in enumerate(broken):
        pdf.set_font(FAMILY, size=size)
        wide = pdf.get_string_width(line)
        if wide > inner:
            pdf.set_font(FAMILY, size=size * inner / wide)
        pdf.set_xy(x + LABEL_PAD, start + place * step)
        pdf.cell(inner, step, line)


def _fitting_label(pdf: FPDF, lines: Sequence[str], inner: float, sheet: LabelSheet) -> tuple[float, list[str]]:
    """(size, lines) of the largest type in which the address fits, long lines broken between words."""
    broken: list[str] = []
    size = sheet.points
    while size >= SMALLEST_ADDRESS:
        pdf.set_font(FAMILY, size=size)
        pdf.c_margin = 0
        step = 1.25 * size / POINTS_PER_INCH
        broken = [part for line in lines for part in _broken(pdf, printable(line), inner, step)]
        if len(broken) * step <= sheet.height - 0.1:
            return size, broken
        size -= 0.5
    return SMALLEST_ADDRESS, broken


def _broken(pdf: FPDF, text: str, width: float, step: float) -> list[str]:
    if pdf.get_string_width(text) <= width or any(pdf.get_string_width(word) > width for word in text.split()):
        return [text]
    lines = pdf.multi_cell(width, step, text or " ", dry_run=True, output="LINES", align="L")
    return [str(line).strip() for line in lines] if isinstance(lines, list) else [text]
