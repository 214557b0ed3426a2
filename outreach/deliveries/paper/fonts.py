"""The type of paper: Figtree with its Latin extension. A character that it lacks is replaced, never dropped."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont

FOLDER = Path(__file__).parents[2] / "static" / "vendor" / "figtree-static-5.3.0"
FAMILY, EXTENSION = "figtree", "figtree-ext"
FILES = {
    (FAMILY, ""): "figtree-latin-400-normal.woff",
    (FAMILY, "B"): "figtree-latin-600-normal.woff",
    (EXTENSION, ""): "figtree-latin-ext-400-normal.woff",
    (EXTENSION, "B"): "figtree-latin-ext-600-normal.woff",
}
MISSING = "?"
POINTS_PER_INCH = 72


def load(pdf: FPDF) -> None:
    """The document can set text in Figtree, regular and bold."""
    for (family, style), name in FILES.items():
        pdf.add_font(family, style, FOLDER / name)
    pdf.set_fallback_fonts([EXTENSION], exact_match=False)


def printable(text: str) -> str:
    """The text in letters that the type has: "Nguyễn" becomes "Nguyen"; what has no Latin letter becomes "?"."""
    return "".join(letter if ord(letter) in letters() else _plain(letter) for letter in text)


def lacks(text: str) -> bool:
    """Whether something in the text cannot be printed as it is written: such a page is finished by hand."""
    return any(ord(letter) not in letters() and not letter.isspace() for letter in text)


@cache
def letters() -> frozenset[int]:
    """The code points that can be printed."""
    pdf = FPDF()
    load(pdf)
    found: set[int] = set()
    for font in pdf.fonts.values():
        if isinstance(font, TTFFont):
            found |= set(font.cmap)
            font.close()
    return frozenset(found)


def _plain(letter: str) -> str:
    if letter.isspace():
        return " "
    bare = "".join(
        part
        for part in unicodedata.normalize("NFKD", letter)
        if ord(part) in letters() and not unicodedata.combining(part)
    )
    return bare or ("" if unicodedata.combining(letter) or not letter.isprintable() else MISSING)


def write_lines(
    pdf: FPDF,
    lines: Sequence[str],
    x: float,
    y: float,
    width: float,
    size: float,
    colour: tuple[int, int, int],
    *,
    style: str = "",
    align: str = "L",
    leading: float = 1.4,
) -> float:
    """Lines of text from a corner downwards, in inches and points; long ones are folded, also onto the next page.

    Answers where the next may begin.
    """
    pdf.set_font(FAMILY, style=style, size=size)
    pdf.set_text_color(*colour)
    pdf.set_xy(x, y)
    height = leading * size / POINTS_PER_INCH
    for part in (part for line in lines for part in line.split("\n")):
        pdf.set_x(x)
        pdf.multi_cell(width, height, printable(part), align=align, new_x="LEFT", new_y="NEXT")
    return float(pdf.get_y())
