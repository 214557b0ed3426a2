"""Telephone numbers: kept as written, with one form for matching and dialling. Pure."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

# NANP: area code and exchange never start with 0 or 1. Numbers of this shape, nearly all of a practice's, skip the
# library: it takes 25 microseconds a number, more than the rest of the row.
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?\(?([2-9]\d\d)\)?[ ./-]{0,3}([2-9]\d\d)[ .-]?(\d{4})", re.ASCII)


class Phone(NamedTuple):
    """A number as its owner writes it, and in E.164 ("" when it cannot be a number that rings)."""

    display: str
    e164: str


@lru_cache(maxsize=16384)
def parse_phone(text: str, region: str = "US") -> Phone:
    """The number with its E.164 form (ITU-T E.164), read as dialled within `region`; an extension stays in `display`.

    Ten bare digits, as NPPES writes them, are displayed as (402) 555-0142.
    """
    plain = _NORTH_AMERICAN.fullmatch(text) if region == "US" else None
    if plain is None:
        return Phone(text, _e164(text, region))
    area, exchange, line = plain.groups()
    display = f"({area}) {exchange}-{line}" if len(text) == 10 else text
    return Phone(display, f"+1{area}{exchange}{line}")


@lru_cache(maxsize=16384)
def _e164(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    # Not `is_possible_number`: it counts seven digits, which ring only within their own area code.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
