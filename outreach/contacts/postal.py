"""Places in the United States: five-digit ZIP codes and two-letter states. Pure."""

import re

_ZIP = re.compile(r"(\d{5})(?:[- ]?\d{4})?", re.ASCII)

_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
    "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan",
    "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina",
    "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "PR": "Puerto Rico",
    "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas",
    "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin",
    "WY": "Wyoming",
}  # fmt: skip
_CODES = {name.casefold(): code for code, name in _STATES.items()}
# States whose ZIP codes start with 0: a spreadsheet that took the column for numbers has eaten it.
_ZERO_STATES = frozenset({"CT", "MA", "ME", "NH", "NJ", "PR", "RI", "VT"})


def zip5(text: str, state: str = "") -> str:
    """The first five digits of a US ZIP or ZIP+4, "" for anything else; "2139" in Massachusetts is "02139"."""
    found = _ZIP.fullmatch(text)
    if found:
        return found[1]
    if state in _ZERO_STATES and text.isascii() and text.isdigit() and len(text) in (3, 4):
        return text.zfill(5)
    return ""


def state_code(text: str) -> str:
    """The two-letter code of a US state by code or English name; what is no such state stays as it is."""
    upper = text.upper()
    return upper if upper in _STATES else _CODES.get(text.casefold(), text)
