"""What a cell may keep, field by field: nothing of the client, not even one word of a name. Pure."""

import re
import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from outreach.contacts.clinical import words
from outreach.referrals.emr.emr_columns import DAY_FIELDS, SOURCE_FIELDS, WORD_FIELDS
from outreach.referrals.emr.emr_dates import day
from outreach.referrals.emr.emr_reading import discipline_of

SHORTEST_SECRET = 5
"""A record number of fewer signs is not looked for in other cells: 2026 stands in every date."""
NO_DAY = "?"
"""Stands for what is no day: the row is refused for it, and nobody reads what it was."""
_TITLES = frozenset(
    {
        *("dr", "doctor", "md", "do", "np", "pa", "pac", "dpm", "dc", "dpt", "pt", "ot", "otr", "slp", "ccc", "rn"),
        *("lpn", "phd", "psyd", "aprn", "crnp", "fnp", "dnp", "cnm", "lcsw", "dds"),
    }
)
_NEUTRAL = frozenset(
    {
        *("mr", "mrs", "ms", "miss", "jr", "sr", "ii", "iii"),
    }
)
_NOT_A_CLINICIAN = frozenset(
    {
        *("self", "patient", "client", "friend", "family", "mother", "father", "mom", "dad", "wife", "husband"),
        *("spouse", "son", "daughter", "brother", "sister", "aunt", "uncle", "cousin", "parent", "grandmother"),
        *("grandfather", "neighbor", "neighbour", "coworker", "from", "of", "by", "via", "the", "her", "his"),
        *("their",),
    }
)
_CLINICIAN = re.compile(r"\b(?:provider|physician|doctor|clinician|npi)\b")


@dataclass(frozen=True)
class Client:
    """Whose row it is: words of the names, numbers long enough to be looked for, and what tells clients apart."""

    names: frozenset[str]
    numbers: frozenset[str]
    identity: str


def clean(cell: str, field: str, column: str, client: Client, known: AbstractSet[str]) -> str:
    """The cell as it may be kept. `known` are the practice's own words for services, payers and clinics."""
    if not cell.strip():
        return ""
    if field in DAY_FIELDS:
        return cell if day(cell) or day(cell, day_first=True) or not cell.strip("0/-. ") else NO_DAY
    if field == "source_npi":
        number = cell.strip().removesuffix(".0")
        return number if re.fullmatch(r"\d{10}", number, re.ASCII) else ""
    said = set(re.split(r"[^\w-]+", cell.casefold()))
    if said & client.numbers:
        return ""
    if field in SOURCE_FIELDS:
        return _source(cell, column, client.names)
    if field in WORD_FIELDS and (words(cell) in known or discipline_of(cell)):
        return cell
    return _without(cell, client.names)


def word_set(text: str) -> frozenset[str]:
    """The words of a name, however it is written."""
    return frozenset(word for word in re.split(r"[\W\d_]+", _folded(text)) if len(word) > 1)


def _source(cell: str, column: str, names: frozenset[str]) -> str:
    """Who referred. One word in common with the client may be chance, for a clinician or in a clinician's column."""
    said = word_set(cell)
    shared = said & names
    if not shared:
        return cell
    if said == names or len(shared) > 1:
        return "Self" if said <= names else ""
    if said & _NOT_A_CLINICIAN:
        return ""
    others = said - shared - _NEUTRAL
    if others & _TITLES or (others and _CLINICIAN.search(words(column))):
        return cell
    return _without(cell, names) if others else ""


def _without(cell: str, names: frozenset[str]) -> str:
    if not word_set(cell) & names:
        return cell
    kept = (part for part in re.split(r"([\W\d_]+)", cell) if _folded(part) not in names)
    return " ".join("".join(kept).split()).strip(" ,;:/-")


def _folded(text: str) -> str:
    """Without accents and case: José is Jose in the next column."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
