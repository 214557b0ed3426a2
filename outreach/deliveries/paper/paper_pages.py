"""Letters as PDF pages of US letter size, folded in three for a window envelope. Pure: lines in, bytes out. In inches.

The address lies where the window of a number 10 envelope (4.5 by 1.125, 0.875 from the left and 0.5 from below) shows
it however the sheet slides inside: at most four lines from 2.5 on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fpdf import FPDF

from outreach.deliveries.paper.fonts import POINTS_PER_INCH, load, write_lines

MARGIN = 1.0
ADDRESS_TOP = 2.5
BODY_TOP = 3.95
"""Below the first fold, at a third of the page."""
POINTS = 11.0
SMALL = 9.0
INK = (20, 38, 43)
QUIET = (86, 105, 112)
WIDTH = 8.5 - 2 * MARGIN


@dataclass(frozen=True)
class PaperLetter:
    """One letter: from whom, the day in words, the lines in the window, what it says, and the foot."""

    sender: tuple[str, ...]
    day: str
    address: tuple[str, ...]
    paragraphs: tuple[str, ...]
    closing: tuple[str, ...] = ()
    foot: str = ""


class _Pages(FPDF):
    """Pages that say from the second one on whose letter they belong to."""

    whose = ""
    number = 0

    def header(self) -> None:
        self.number += 1
        if self.number > 1:
            write_lines(self, (f"{self.whose}, page {self.number}",), MARGIN, 0.55, WIDTH, SMALL, QUIET)
            self.set_y(MARGIN)


def letters_pdf(letters: Sequence[PaperLetter], *, colour: tuple[int, int, int] = (10, 92, 84)) -> bytes:
    """Each letter begins on a page of its own; print at 100 %, one-sided."""
    pdf = _Pages(unit="in", format="letter")
    pdf.set_margins(MARGIN, MARGIN, MARGIN)
    pdf.set_auto_page_break(True, MARGIN)
    pdf.set_title("Letters")
    load(pdf)
    for letter in letters:
        pdf.whose, pdf.number = (letter.address or ("",))[0], 0
        pdf.add_page()
        _head(pdf, letter, colour)
        _body(pdf, letter)
    return bytes(pdf.output())


def _head(pdf: _Pages, letter: PaperLetter, colour: tuple[int, int, int]) -> None:
    write_lines(pdf, letter.sender[:1], MARGIN, 0.55, WIDTH, 14.0, colour, style="B")
    write_lines(pdf, letter.sender[1:], MARGIN, 0.84, WIDTH, SMALL, QUIET)
    pdf.set_draw_color(*colour)
    pdf.set_line_width(0.02)
    pdf.line(MARGIN, 1.4, MARGIN + WIDTH, 1.4)
    write_lines(pdf, (letter.day,), MARGIN, 1.6, WIDTH, POINTS, INK, align="R")
    write_lines(pdf, letter.address[:4], MARGIN, ADDRESS_TOP, 3.3, POINTS, INK, leading=1.2)


def _body(pdf: _Pages, letter: PaperLetter) -> None:
    pdf.set_y(BODY_TOP)
    gap = 0.7 * POINTS / POINTS_PER_INCH
    for paragraph in letter.paragraphs:
        write_lines(pdf, (paragraph,), MARGIN, pdf.get_y(), WIDTH, POINTS, INK)
        pdf.set_y(pdf.get_y() + gap)
    write_lines(pdf, letter.closing, MARGIN, pdf.get_y() + gap, WIDTH, POINTS, INK)
    if letter.foot:
        write_lines(pdf, (letter.foot,), MARGIN, pdf.get_y() + 3 * gap, WIDTH, SMALL, QUIET)
