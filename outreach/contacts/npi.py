"""National Provider Identifiers and what a taxonomy code says about Stark. Pure."""

import re

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
# What the fixed prefix 80840 adds to the Luhn sum of the ten digits (CMS, NPI check digit calculation).
_PREFIX_SUM = 24

# Source: 42 CFR 411.351 (doctor of medicine or osteopathy, dental medicine, podiatry, optometry, chiropractor).
_PHYSICIAN_TAXONOMIES = ("20", "122", "213E", "152W", "111N")
_THERAPIST_TAXONOMIES = ("224", "225", "231H", "235")
_OTHER_TAXONOMIES = (*_THERAPIST_TAXONOMIES, "363", "364", "163W", "104", "103", "101Y")
_PHYSICIAN_CREDENTIALS = frozenset({"MD", "DO", "DDS", "DMD", "DPM", "OD", "DC", "MBBS"})
_THERAPIST_CREDENTIALS = frozenset(
    {"PT", "DPT", "MPT", "PTA", "OT", "OTD", "OTR", "OTR/L", "COTA", "COTA/L", "SLP", "CCC-SLP"}
)
_PROVIDER_CREDENTIALS = frozenset(
    {"NP", "FNP", "FNP-C", "FNP-BC", "CPNP", "PNP", "APRN", "ARNP", "CRNP", "CNP", "DNP", "PA", "PA-C", "RN", "LCSW"}
)


def is_valid_npi(text: str) -> bool:
    """Whether the text is ten digits, starts with 1 or 2, and passes the check digit (Luhn over 80840 + NPI).

    Says nothing about licensure or whether the number was ever given out. Source: 45 CFR 162.406; ISO/IEC 7812-1.
    """
    if len(text) != 10 or text[0] not in "12" or not (text.isascii() and text.isdigit()):
        return False
    digits = [ord(digit) - 48 for digit in text]
    return (_PREFIX_SUM + sum(_DOUBLED[digit] for digit in digits[0::2]) + sum(digits[1::2])) % 10 == 0


def is_taxonomy(text: str) -> bool:
    """Whether the text has the shape of a NUCC taxonomy code: nine letters or digits and an X."""
    return re.fullmatch(r"[0-9][0-9A-Z]{8}X", text) is not None


def is_physician(taxonomy: str, credentials: str = "") -> bool | None:
    """Whether the Stark law counts this provider as a physician; None when neither taxonomy nor credentials tell.

    A suggestion by prefix that a person may correct: 20xx, 122x, 213E, 152W, 111N yes; 363x, 163W, 225x, 235Z no.
    `credentials` are comma-separated, as `names.credentials` writes them.
    """
    if taxonomy.startswith(_PHYSICIAN_TAXONOMIES):
        return True
    if taxonomy.startswith(_OTHER_TAXONOMIES):
        return False
    held = set(credentials.split(", "))
    if held & _PHYSICIAN_CREDENTIALS:
        return True
    return False if held & (_THERAPIST_CREDENTIALS | _PROVIDER_CREDENTIALS) else None


def suggested_kind(taxonomy: str, credentials: str, physician: bool | None) -> str:
    """The contact kind (`kinds.KINDS`) a person most likely is, or "" when a person has to say."""
    held = set(credentials.split(", "))
    if taxonomy.startswith(_THERAPIST_TAXONOMIES) or (not taxonomy and held & _THERAPIST_CREDENTIALS):
        return "peer-therapist"
    if physician:
        return "physician"
    return "provider" if taxonomy or held & _PROVIDER_CREDENTIALS else ""
