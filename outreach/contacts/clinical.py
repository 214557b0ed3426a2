"""Columns that must not enter: what an EMR export says about a client. Pure."""

import re
import unicodedata
from collections.abc import Sequence

PATIENT_NAME = "patient name"
BIRTH_DATE = "birth date"
RECORD_NUMBER = "record number"
DIAGNOSIS = "diagnosis"

_PATIENT = r"\b(?:patients?|pt|clients?|insured|subscriber)(?: s)?\b"
_PATTERNS = (
    (BIRTH_DATE, re.compile(
        rf"\bdob\b|\bd o b\b|\bbirth ?dates?\b|\bdate of birth\b|{_PATIENT}.*\b(?:birthday|born|age)\b")),
    (RECORD_NUMBER, re.compile(
        rf"\bmrn\b|\bemr (?:id|no|number)\b|\b(?:medical|health) record\b|\bchart (?:id|no|number)\b|\bssn\b|"
        rf"\bsocial security\b|\b(?:policy|member|subscriber|insurance|account) (?:id|no|number)\b|"
        rf"{_PATIENT} (?:id|no|number|num|account|acct|record|identifier)\b")),
    (DIAGNOSIS, re.compile(
        r"\bdiagnos\w*|\bicd\b|\bicd ?(?:9|10)\b|\bdx\b|\bbody (?:part|region)\b|\binjur(?:y|ies)\b|\bimpairments?\b|"
        r"\bconditions?\b|\bchief complaint\b|\bsymptoms?\b|\bmedical history\b|\bmedications?\b|\bcpt\b|"
        r"\bsurgery (?:date|type)\b|\bdate of surgery\b|\bprocedures?\b")),
    (PATIENT_NAME, re.compile(
        rf"^{_PATIENT}$|{_PATIENT}.*\b(?:names?|first|last|middle|initials?|email|e mail|phone|mobile|cell|address|"
        rf"street|city|zip|sex|gender)\b|\bname of (?:the )?(?:patient|client)\b")),
)  # fmt: skip


def words(header: str) -> str:
    """A column name as plain lower-case words: "PatientName", "patient_name" and "Patient  Name " are one."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header).replace("#", " number "))
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def forbidden_columns(header: Sequence[str]) -> dict[int, str]:
    """Positions of the columns that must be dropped unread, with what each holds.

    What: "patient name" (with every other way to find the patient), "birth date", "record number", "diagnosis".
    A record number may be turned into a one-way case key before it is dropped. Errs towards dropping.
    Source: 45 CFR 164.514(b)(2), the identifiers.
    """
    found = {}
    for position, name in enumerate(header):
        plain = words(name)
        for what, pattern in _PATTERNS:
            if pattern.search(plain):
                found[position] = what
                break
    return found
