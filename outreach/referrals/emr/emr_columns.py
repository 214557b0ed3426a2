"""Which column of an export holds what: the fields, a guess from the names, and a person's choice. Pure."""

import hashlib
import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from outreach.contacts.clinical import words
from outreach.errors import Refusal
from outreach.practice.models import DISCIPLINES

CASE_HEADER = re.compile(
    r"\b(?:case|referral|episode|order|plan of care) (?:key|id|no|number|identifier)\b|^(?:case|episode)$"
)
FIELDS = {
    "received_on": "Referral date",
    "source_name": "Who referred (name)",
    "source_npi": "Who referred (NPI)",
    "source_practice": "Who referred (practice)",
    "source_type": "Type of source",
    "service": "Service or discipline",
    "payer": "Payer",
    "clinic": "Clinic (our location)",
    "case_key": "Case number (kept as a one-way key)",
    "contacted_on": "First contact date",
    "scheduled_on": "Appointment date",
    "evaluated_on": "Evaluation date",
    "started_on": "Start of care date",
    "ended_on": "Discharge date",
    "status": "Status",
    "plan_completed": "Plan completed (yes or no)",
    "close_reason": "Why it was lost",
    "barrier": "Barrier",
    "direction": "Direction (in or out)",
}
DAY_FIELDS = ("received_on", "contacted_on", "scheduled_on", "evaluated_on", "started_on", "ended_on")
SOURCE_FIELDS = ("source_name", "source_practice")
WORD_FIELDS = ("payer", "service", "clinic")
"""Fields whose words a person can say the meaning of; it is remembered."""
TEMPLATE_HEADER = (
    *("case_key", "referral_date", "direction", "source_npi", "source_name", "source_practice", "source_kind"),
    *("discipline", "clinic", "payer", "first_contact_date", "appointment_date", "evaluation_date", "status"),
    *("close_reason", "barrier", "visits_planned", "visits_done", "discharge_date", "plan_completed"),
)
"""Source: reference/domain.md 4.4."""

_GUESSES = {
    "case_key": CASE_HEADER.pattern,
    "received_on": r"\b(?:referral|referred|received) (?:received )?(?:date|on)\b|\bdate (?:of )?(?:referral|referred|"
    r"received)\b|^(?:referral|received|referred)$|\breferral received\b",
    "contacted_on": r"\bfirst contact\b|\bcontact(?:ed)? (?:date|on)\b|\bdate contacted\b",
    "scheduled_on": r"\b(?:appointment|appt|scheduled) (?:date|on)\b|\bfirst (?:appointment|appt)\b",
    "evaluated_on": r"\b(?:initial )?(?:evaluation|eval|ie) (?:date|on)\b|\binitial (?:evaluation|eval)$|"
    r"\b(?:converted|conversion) (?:date|on)\b",
    "started_on": r"\bstart of care\b|\bsoc\b|\b(?:start|admit|admission|care started) (?:date|on)\b",
    "ended_on": r"\bdischarged?\b",
    "source_npi": r"\bnpi\b",
    "source_practice": r"\b(?:source|referring|referral) (?:practice|organi[sz]ation|facility|office|group|account)\b|"
    r"\baccount name\b|\breferring practice name\b",
    "source_type": r"\b(?:source|referral) (?:kind|type)\b|\btype of source\b|^referral source$",
    "source_name": r"\b(?:source|contact) name\b|\breferral contact\b|\breferr(?:ed|ing) (?:by|provider|physician|"
    r"doctor|clinician|source)\b|\breferrer\b|\bprovider name\b",
    "close_reason": r"\b(?:close|closed|lost|loss|cancel\w*|decline\w*) reason\b|\breason (?:closed|lost|not)\b",
    "plan_completed": r"\bplan completed?\b|\bcompleted plan\b|\bgoals met\b",
    "payer": r"\bpayers?\b|\binsurance\b|\binsurer\b|\bplan name\b",
    "clinic": r"\bclinic\b|\blocation\b",
    "service": r"\bdiscipline\b|\bservice\b|\btherapy type\b|\bspecialty program\b",
    "barrier": r"\bbarrier\b",
    "direction": r"\bdirection\b",
    "status": r"\bstatus\b|\bstage\b|\bconverted\b|\boutcome\b",
}


@dataclass(frozen=True)
class Mapping:
    """Field to position among the kept columns, how days are read, and what words mean."""

    columns: AnyMapping[str, int]
    day_first: bool = False
    discipline: str = ""
    """For rows that name no service."""
    words: AnyMapping[str, AnyMapping[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the import."""
        return {
            "columns": dict(self.columns),
            "day_first": self.day_first,
            "discipline": self.discipline,
            "words": {name: dict(known) for name, known in self.words.items()},
        }

    def cell(self, cells: Sequence[str], name: str) -> str:
        """What the row says in a field, without space around it; "" when the file has no such column."""
        at = self.columns.get(name)
        return " ".join(cells[at].split()) if at is not None and at < len(cells) else ""


def mapping_from(kept: AnyMapping[str, Any]) -> Mapping:
    """The mapping that was kept as JSON."""
    columns = {str(name): int(at) for name, at in (kept.get("columns") or {}).items()}
    return Mapping(columns, bool(kept.get("day_first")), kept.get("discipline") or "", kept.get("words") or {})


def header_key(header: Sequence[str]) -> str:
    """The same for the same columns in any order."""
    return hashlib.sha256("\n".join(sorted(words(name) for name in header)).encode()).hexdigest()


def guess(header: Sequence[str]) -> dict[str, int]:
    """The likely column of each field, from its name; each column once."""
    found: dict[str, int] = {}
    for name, pattern in _GUESSES.items():
        for at, column in enumerate(header):
            if at not in found.values() and re.search(pattern, words(column)):
                found[name] = at
                break
    return found


def choose(
    chosen: Sequence[tuple[int, str]], *, day_first: bool, discipline: str, has_client_key: bool
) -> Mapping | Refusal:
    """A person's choice as (position, field).

    Refusals: twice, unknown-field, no-date, no-service, no-source, no-key.
    """
    columns: dict[str, int] = {}
    for at, name in chosen:
        if name not in FIELDS:
            return Refusal("unknown-field", "Choose what each column holds from the list.")
        if name in columns:
            return Refusal("twice", f"Two columns are marked “{FIELDS[name]}”. Choose one of them.")
        columns[name] = at
    if "received_on" not in columns:
        return Refusal("no-date", "Say which column holds the referral date.")
    if not {"source_name", "source_npi", "source_practice", "source_type"} & set(columns):
        return Refusal("no-source", "Say which column tells who referred.")
    if "service" not in columns and discipline not in DISCIPLINES:
        return Refusal("no-service", "Say which column holds the service, or which discipline all rows are for.")
    if "case_key" not in columns and not has_client_key:
        return Refusal(
            "no-key",
            "Nothing in this file tells one client from another, so repeats would be counted twice. Export it with the "
            "case number or the record number: we keep a one-way key of it and drop the number itself.",
        )
    return Mapping(columns, day_first, discipline if discipline in DISCIPLINES else "")
