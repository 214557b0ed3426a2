"""Words that must not leave, or that deserve a second look. Pure: text in, problems out."""

import re
from collections.abc import Collection

from outreach.content.problems import Problem, blocker, warning

PRETENDED_REPLY = re.compile(r"\s*(?:re|fw|fwd|aw)\s*:", re.IGNORECASE)
"""A subject that pretends to be an answer is deceptive (CAN-SPAM, 15 USC 7704(a)(2))."""
PLACEHOLDER = re.compile(
    r"lorem ipsum|\bTODO\b|\bTBD\b|\bXXX+\b|\[(?:your |insert |first )?name\]|\[insert[^\]]*\]", re.I
)
BIRTH_DATE = re.compile(
    r"\b(?:d\.?o\.?b\.?|date of birth|birth ?date|born(?: on)?)\b\W{0,4}"
    r"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d)",
    re.IGNORECASE,
)
RECORD_NUMBER = re.compile(
    r"\b(?:mrn|medical record|record (?:number|no)|chart (?:number|no)|patient id)\b(?: (?:is|was))?\W{0,4}[\w-]*\d",
    re.IGNORECASE,
)
DIAGNOSIS_CODE = re.compile(
    r"\b(?:[A-TV-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}|(?:ICD(?:-?10)?(?:-CM)?|diagnosis code)\W{0,4}[A-TV-Z]\d[0-9A-Z]+)\b"
)
"""ICD-10-CM: a letter, a digit, a digit or letter, a point and up to four more."""
PERSONAL_NUMBER = re.compile(
    r"\b(?!000|666|9\d\d)\d{3}-\d{2}-\d{4}\b"
    r"|\b(?:SSN|social security (?:number|no)|medicare (?:number|no|id)|MBI)\b(?: (?:is|was))?\W{0,4}[\w-]*\d",
    re.IGNORECASE,
)
"""A social security number, or a Medicare number that is called one."""
HEALTH_WORDS = re.compile(
    r"\b(?:pain|surgery|surgical|stroke|fracture\w*|arthritis|cancer|diabet\w+|dementia|autis\w+|adhd|concussion|injur\w+"
    r"|diagnos\w+|condition|symptom\w*|disorder|syndrome|replacement|rehab\w*|sciatica|vertigo|incontinence|pregnan\w+"
    r"|depress\w+|anxiety|stutter\w*|swallowing|parkinson\w*|sclerosis|therapy for|treated for|recover\w+ from)\b",
    re.IGNORECASE,
)
TITLED_NAME = re.compile(r"\b(?:Mr|Mrs|Ms|Mx|Miss)\.? [A-Z][a-z]+")
PAIRED_NAME = re.compile(r"\b([A-Z][a-z]{2,}) ([A-Z][a-z]{2,})\b")
NAME_DETAIL = re.compile(r"\{\{\s*(?:first_name|last_name|full_name|greeting_name)\b")
REFERRING = re.compile(
    r"\b(?:refer(?:s|red|ral|rals|ring)?|recommend\w*|send(?:ing)? us|tell(?:ing)? a friend)\b", re.I
)
REWARD = re.compile(
    r"\b(?:gift ?cards?|rewards?|bonus(?:es)?|discounts?|raffle|incentives?|commissions?|kickbacks?|finder'?s fee"
    r"|cash ?back|store credit|vouchers?|coupons?|prizes?"
    r"|free (?:session|visit|gift|month|massage|evaluation)s?)\b|\$ ?\d",
    re.IGNORECASE,
)
_WORDS_OF_PLACES = """
Therapy Clinic Center Centre Hospital Health Orthopedics Medicine Medical Physical Occupational Speech Street Lane
Avenue Road Suite Park School University Medicare Medicaid Blue Cross Shield Care Sports Senior January February
March April May June July August September October November December Monday Tuesday Wednesday Thursday Friday
Saturday Sunday Dear Hello The Our Your This That When Who What How Every Most Call New York Same Hand Back
"""
NOT_NAMES = frozenset(_WORDS_OF_PLACES.split())
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!Mr\.)(?<!Mrs\.)(?<!Ms\.)(?<!Dr\.)\s+|\n+")


def lint_subject(subject: str) -> list[Problem]:
    """A subject that pretends, or that is a placeholder."""
    found = []
    if PRETENDED_REPLY.match(subject):
        found.append(blocker("pretended-reply", "The subject begins like an answer (“RE:”), but this is not one."))
    if PLACEHOLDER.search(subject):
        found.append(blocker("placeholder", "The subject still holds a placeholder."))
    return found


def lint_text(text: str, *, to_clients: bool, known_names: Collection[str] = ()) -> list[Problem]:
    """What the words of one block may not say. `known_names` are our own people and places, which may be named."""
    found = []
    if hit := PLACEHOLDER.search(text):
        found.append(blocker("placeholder", f"The text still holds a placeholder: “{hit[0]}”."))
    for pattern, what in (
        (BIRTH_DATE, "a date of birth"),
        (RECORD_NUMBER, "a record number"),
        (DIAGNOSIS_CODE, "a diagnosis code"),
        (PERSONAL_NUMBER, "a social security or Medicare number"),
    ):
        if pattern.search(text):
            found.append(blocker("health-detail", f"The text holds what looks like {what}. Take it out."))
    for sentence in _SENTENCE_END.split(text):
        found.extend(_lint_sentence(sentence, to_clients, known_names))
    return found


def _lint_sentence(sentence: str, to_clients: bool, known_names: Collection[str]) -> list[Problem]:
    found = []
    if REFERRING.search(sentence) and (hit := REWARD.search(sentence)):
        words = f"“{hit[0]}” stands beside a referral. We never promise or hint at a reward for a referral."
        found.append(blocker("reward", words))
    word = HEALTH_WORDS.search(sentence)
    if word and _names_somebody(sentence, to_clients, known_names):
        words = f"“{word[0]}” stands near a name. Make sure that it tells nothing about a client's health."
        found.append(warning("health-word", words))
    return found


def _names_somebody(sentence: str, to_clients: bool, known_names: Collection[str]) -> bool:
    if to_clients and NAME_DETAIL.search(sentence):
        return True
    if TITLED_NAME.search(sentence):
        return True
    ours = {word for name in known_names for word in name.split()}
    return any(not {hit[1], hit[2]} & (NOT_NAMES | ours) for hit in PAIRED_NAME.finditer(sentence))
