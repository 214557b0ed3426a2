"""Days as EMR exports write them. Pure."""

import re
from datetime import date

_SHORT = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: number for number, name in enumerate(_SHORT, 1)}
CENTURY = 2000
_CLOCK = r"(?:[T ,]+\d{1,2}:\d{2}.*)?"
_ISO = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}", re.ASCII)
_PACKED = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_SLASHED = re.compile(rf"(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}|\d\d){_CLOCK}", re.ASCII)
_DAY_MONTH = re.compile(
    rf"(\d{{1,2}})[- ./]*([a-z]{{3}})[a-z]*[- .,/]*(\d{{4}}|\d\d){_CLOCK}", re.ASCII | re.IGNORECASE
)
_MONTH_DAY = re.compile(rf"([a-z]{{3}})[a-z]*\.? *(\d{{1,2}}),? +(\d{{4}}){_CLOCK}", re.ASCII | re.IGNORECASE)


def day(text: str, *, day_first: bool = False) -> date | None:
    """The local day, or None for what is none. A time of day behind it is passed over.

    Read are 2026-03-02, 2026/3/2, 20260302, 3/2/2026, 3/2/26, 3.2.2026, 02-Mar-2026, 2 March 2026 and Mar 2, 2026.
    `day_first` says that 3/2/2026 is in February. A year of two digits lies in this century.
    """
    said = " ".join(text.split())
    if found := _ISO.fullmatch(said) or _PACKED.fullmatch(said):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _SLASHED.fullmatch(said):
        first, second = int(found[1]), int(found[2])
        month, number = (second, first) if day_first else (first, second)
        return _date(_year(found[3]), month, number)
    if found := _DAY_MONTH.fullmatch(said):
        return _date(_year(found[3]), MONTHS.get(found[2].lower(), 0), int(found[1]))
    if found := _MONTH_DAY.fullmatch(said):
        return _date(int(found[3]), MONTHS.get(found[1].lower(), 0), int(found[2]))
    return None


def _year(text: str) -> int:
    return int(text) + (CENTURY if len(text) == 2 else 0)


def _date(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None
