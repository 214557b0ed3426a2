"""Which columns may come in, told by their names alone. Pure."""

import re
from collections.abc import Mapping, Sequence

from outreach.contacts import clinical
from outreach.contacts.clinical import BIRTH_DATE, PATIENT_NAME, RECORD_NUMBER
from outreach.referrals.emr.emr_columns import guess

FREE_TEXT = "free text or a way to reach the client"
NOT_KNOWN = "not a column that we know"
"""What is said of a column that was left out for no other reason: a person may say what it holds."""
_FREE = re.compile(
    r"\b(?:notes?|comments?|remarks?|description|summary|instructions|address|street|phone|mobile|e ?mail|"
    r"complaints?|problems?|precautions?|history|concerns?|goals?|accounts?|acct|chart|nickname|"
    r"alias|goes by)\b|\breason for (?:referral|visit|therapy|treatment)\b|\b(?:referral|visit) reason\b|^reason$"
)
_NEVER = re.compile(
    r"\b(?:age|sex|gender|race|ethnicity|marital|religion|language|nationality|employer|occupation|pain|affected|limb|"
    r"side|function(?:al)?|disab\w*|allerg\w*|weight|height|insured|member|subscriber|beneficiary|smok\w*|falls?)\b|"
    r"\b(?:patients?|clients?|pt|home|residence) location\b"
)
_RELATIVE = re.compile(
    r"\b(?:guarantor|guardian|caregiver|parents?|mother|father|spouse|emergency|next of kin|responsible party)\b"
)
_BARE_NAME = frozenset(
    {
        *("name", "names", "last", "first", "middle", "full", "legal", "given", "family", "preferred", "maiden"),
        *("surname", "initials", "mi"),
    }
)
"""A column of nothing but these words is the client's name: whoever referred is called the referring provider."""
_BORN = re.compile(r"\b(?:birth|birthday|birthdays|birthdate|born)\b")
_RECORD = re.compile(r"\bmr (?:id|no|number)\b|\b(?:acct|account) (?:id|no|number)\b")
_SOMEBODY = re.compile(r"names?\b|^pt\b|\b(?:patients?|clients?|guarantor|insured|mother|father|parents?|spouse)\b")
_OF_OTHERS = re.compile(
    r"referr|provider|physician|doctor|clinician|therapist|practice|facility|office|insur|payer|plan|clinic|location|"
    r"staff|company|employer|group|source|contact|user|service|program|case"
)


def forbidden_columns(header: Sequence[str]) -> dict[int, str]:
    """Position to what it holds, of columns that nobody may bring in: they tell of the client, or hold free text."""
    clinic = clinical.forbidden_columns(header)
    plain = [clinical.words(name) for name in header]
    found = {at: what for at, name in enumerate(plain) if at not in clinic and (what := _tells(name))}
    hidden = clinic.keys() | found.keys()
    ours = set(guess(["" if at in hidden else name for at, name in enumerate(header)]).values())
    free = {at: FREE_TEXT for at, name in enumerate(plain) if at not in ours and _FREE.search(name)}
    return free | found | clinic


def may_be_read(header: Sequence[str], forbidden: Mapping[int, str], said: Mapping[str, str]) -> dict[str, int]:
    """The one column of each field, by position. `said` is what people told of earlier reports: words to field."""
    open_ = ["" if at in forbidden else clinical.words(name) for at, name in enumerate(header)]
    found: dict[str, int] = {}
    for at, name in enumerate(open_):
        if name in said and said[name] not in found:
            found[said[name]] = at
    taken = set(found.values())
    others = guess(["" if at in taken else name for at, name in enumerate(open_)])
    return found | {field: at for field, at in others.items() if field not in found}


def names_a_client(name: str) -> bool:
    """Whether the column may hold somebody's name that is not whoever referred; looked for in other cells."""
    plain = clinical.words(name)
    return bool(_SOMEBODY.search(plain)) and not _OF_OTHERS.search(plain)


def _tells(plain: str) -> str:
    """What a column tells of a client that the list of clinical columns does not know by name; "" for nothing."""
    if plain and set(plain.split()) <= _BARE_NAME:
        return PATIENT_NAME
    if _BORN.search(plain):
        return BIRTH_DATE
    if _RECORD.search(plain):
        return RECORD_NUMBER
    return FREE_TEXT if _RELATIVE.search(plain) or _NEVER.search(plain) else ""
