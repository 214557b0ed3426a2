"""Names as people write them: control characters out, shouting calmed, a full name taken apart. Pure."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# Zero-width joiners shape words in Persian and the Indic scripts; every other invisible sign can only mislead.
_KEPT_INVISIBLE = "\u200c\u200d"

_ROMAN = frozenset({"II", "III", "IV", "VI", "VII", "VIII"})
_SHORT_FORMS = (
    "PT OT SLP LLC PC PA PLLC LLP LP PS MD DO DBA ENT USA UNMC VA YMCA YWCA NP RN DDS DPM DC ABA PTA DME OB GYN"
)
_UPPER = frozenset(_SHORT_FORMS.split())
_SMALL = frozenset({"of", "the", "and", "for", "at", "in", "on", "by", "to", "a", "an", "de", "la"})
_COMPASS = frozenset({"N", "S", "E", "W", "NE", "NW", "SE", "SW", "PO"})
_ABBREVIATED = frozenset({"ST", "DR", "MT", "FT", "LTD", "BLDG"})
_ORDINALS = frozenset({"ST", "ND", "RD", "TH"})
_VOWEL = re.compile(r"[AEIOUY]|[^\x00-\x7f]")
_PIECE = re.compile(r"[^\W\d_]+", re.UNICODE)
_POSSESSIVE = re.compile(r"(?<=\w)(['’])S\b")

_SPELLINGS = (
    "MD DO DDS DMD DPM OD DC MBBS PhD PsyD EdD PharmD ScD DNP NP FNP FNP-C FNP-BC CPNP PNP APRN ARNP CRNP CNP RN "
    "BSN MSN PA PA-C PT DPT MPT MSPT PTA OT OTD OTR OTR/L MOT COTA COTA/L SLP CCC-SLP MS MA MPH MBA MSW LCSW LICSW "
    "LMHC CHT OCS SCS NCS GCS PCS ATC CSCS FAAOS FACS FAAP FACP AuD"
)
_CREDENTIALS = {word.upper(): word for word in _SPELLINGS.split()}
_PREFIXES = frozenset({"dr", "mr", "mrs", "ms", "miss", "mx", "prof", "rev", "sr", "fr", "hon"})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})


class FullName(NamedTuple):
    """A full name in its parts; what cannot be told apart stays in `last`."""

    prefix: str
    first: str
    middle: str
    last: str
    suffix: str
    credentials: str


def clean(text: str) -> str:
    """One line of text: line breaks and control characters become spaces, invisible direction signs go, NFC."""
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = "".join(map(_visible, text))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def clean_lines(text: str) -> str:
    """As `clean`, for notes and addresses that may have several lines: each line cleaned, empty ones dropped."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return "\n".join(line for line in map(clean, text.splitlines()) if line)


@lru_cache(maxsize=16384)
def personal(text: str) -> str:
    """A person's name part, calmed when it shouts: "MCDONALD" is "McDonald", "O'BRIEN" is "O'Brien", "TJ" stays.

    A name in mixed or lower case, or in a script without case, is left as its owner wrote it.
    """
    if not text.isupper() or _is_initials(text):
        return text
    return _POSSESSIVE.sub(r"\1s", _PIECE.sub(_person_word, text))


@lru_cache(maxsize=16384)
def organizational(text: str) -> str:
    """An organization's or place's name, calmed when it shouts; "LLC", "PT", "ENT" and other short forms stay."""
    if not text.isupper() or (len(text) < 5 and not _VOWEL.search(text)):
        return text
    calmed = _PIECE.sub(_organization_word, _POSSESSIVE.sub(r"\1s", text))
    return calmed[:1].upper() + calmed[1:]


@lru_cache(maxsize=16384)
def street(text: str) -> str:
    """A street line, calmed when it shouts: "123 N 5TH ST STE 4B" is "123 N 5th St Ste 4B"; compass points stay."""
    return _PIECE.sub(_street_word, text) if text.isupper() else text


@lru_cache(maxsize=16384)
def credentials(text: str) -> str:
    """Credentials as a comma-separated list in their usual spelling: "M.D., PH.D." is "MD, PhD"."""
    words = [word for word in re.split(r"[,;\s]+", text.replace(".", "")) if word]
    return ", ".join(_CREDENTIALS.get(word.upper(), word) for word in words)


def split(text: str) -> FullName:
    """A full name taken apart: "Dr. Jane Q. McCoy, MD" or "McCoy, Jane". A single word is the last name."""
    head, *tail = [part.strip() for part in text.split(",") if part.strip()] or [""]
    earned: list[str] = []
    while tail and all(_is_earned(word) for word in tail[-1].split()):
        earned.insert(0, tail.pop())
    words = " ".join([*tail, head]).split()  # "Last, First" turned round
    prefix = words.pop(0) if len(words) > 1 and words[0].rstrip(".").lower() in _PREFIXES else ""
    while len(words) > 2 and _is_earned(words[-1]) and not words[-1].islower():
        earned.insert(0, words.pop())
    suffixes = [word for word in " ".join(earned).split() if word.rstrip(".").lower() in _SUFFIXES]
    held = [word for word in " ".join(earned).split() if word not in suffixes]
    first = words.pop(0) if len(words) > 1 else ""
    middle = words.pop(0) if len(words) > 1 and not tail and len(words[0].rstrip(".")) == 1 else ""
    prefix, first, middle, last = map(personal, (prefix, first, middle, " ".join(words)))
    return FullName(prefix, first, middle, last, " ".join(suffixes), credentials(" ".join(held)))


def _visible(sign: str) -> str:
    category = unicodedata.category(sign)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category == "Cf" and sign not in _KEPT_INVISIBLE else sign


def _is_initials(text: str) -> bool:
    return len(text) == 2 and (not _VOWEL.search(text) or text[1] == "J")


def _is_earned(word: str) -> bool:
    bare = word.replace(".", "")
    return bare.upper() in _CREDENTIALS or bare.lower() in _SUFFIXES


def _person_word(match: re.Match[str]) -> str:
    word = match[0]
    if word in _ROMAN:
        return word
    if match.start() and match.string[match.start() - 1].isdigit():
        return word.lower() if word in _ORDINALS else word
    if word.startswith("MC") and len(word) > 3:
        return "Mc" + word[2] + word[3:].lower()
    return word[0] + word[1:].lower()


def _organization_word(match: re.Match[str]) -> str:
    word = match[0]
    if not word.isupper() or word in _UPPER or word in _ROMAN:
        return word
    if word.lower() in _SMALL:
        return word.lower()
    follows_digit = match.start() > 0 and match.string[match.start() - 1].isdigit()
    if len(word) <= 4 and not _VOWEL.search(word) and word not in _ABBREVIATED and not follows_digit:
        return word
    return _person_word(match)


def _street_word(match: re.Match[str]) -> str:
    return match[0] if match[0] in _COMPASS else _person_word(match)
