"""One row of an export, read as a referral or refused with a reason that quotes nothing of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from outreach.contacts.clinical import words
from outreach.referrals.emr.emr_columns import DAY_FIELDS, FIELDS, Mapping
from outreach.referrals.emr.emr_dates import day
from outreach.referrals.emr.one_way import one_way
from outreach.referrals.rules import BARRIERS, CLOSE_REASONS, STAGE_DATES, STAGES

EARLIEST = date(2000, 1, 1)
BOOKED_AHEAD = timedelta(days=400)
"""An appointment may lie ahead, as far as calendars are open."""

DISCIPLINE_WORDS = {
    "PT": ("pt", "physical therapy", "physical", "physiotherapy"),
    "OT": ("ot", "occupational therapy", "occupational", "hand therapy"),
    "SLP": ("slp", "st", "speech", "speech therapy", "speech language pathology", "speech language therapy"),
}
_STAGES = {
    "received": "received|new|pending|open|referral|unassigned|lead|not converted",
    "contacted": "contacted|called|in contact|attempted",
    "scheduled": "scheduled|booked|appointment made|waiting",
    "evaluated": "evaluated|converted|evaluation complete|evaluation completed|yes|initial evaluation",
    "started": "started|active|in treatment|admit|admitted|in care|current",
    "completed": "completed|goals met|plan completed|graduated|discharged completed",
    "ended": "discharged|inactive|ended",
    "closed": "closed|lost|cancelled|canceled|declined|non admit|non admitted|denied|did not start|dropped|rejected",
}
_REASONS = {
    "chose-other-provider": "other provider|another provider|went elsewhere|competitor|chose other",
    "out-of-network": "out of network|oon|insurance not accepted|not contracted|no coverage",
    "never-scheduled": "never scheduled|not scheduled|did not schedule|no appointment",
    "did-not-show": "no show|did not show|missed",
    "unreachable": "unreachable|unable to reach|unable to contact|no answer|no response",
    "no-capacity": "no capacity|waitlist|wait list|no availability",
    "not-appropriate": "not appropriate|inappropriate|not a candidate",
    "duplicate": "duplicate",
}
_BARRIERS = {
    "language": "language|interpreter",
    "culture": "cultur",
    "transport": "transport|distance|too far|ride",
    "insurance": "insurance|copay|cost|coverage|authorization",
    "convenience": "convenien|hours|schedule|time",
    "preference": "prefer",
    "awareness": "aware|did not know",
}
_TYPES = {
    "website": "website|web site|our site|online form",
    "search": "search|google|bing",
    "review-site": "review|yelp|healthgrades",
    "social": "social|facebook|instagram",
    "directory": "directory",
    "payer-list": "payer|insurance|plan list",
    "event": "event|screening|workshop|talk|fair",
    "word-of-mouth": "word of mouth|friend|family|former patient|former client|past patient",
    "self": "self|direct access|walk in",
}
_YES, _NO = ("yes", "y", "true", "1", "x", "met"), ("no", "n", "false", "0")


class Unusable(Exception):
    """A row that cannot be a referral; the text is the reason, without anything that the row says."""


@dataclass(frozen=True)
class EmrReferral:
    """What one row says. Words that only the practice knows the meaning of (payer, service, clinic) are still words."""

    row_number: int
    case_key: str
    received_on: date
    discipline: str
    direction: str = "in"
    source_name: str = ""
    source_npi: str = ""
    source_practice: str = ""
    source_type: str = "contact"
    service: str = ""
    payer: str = ""
    clinic: str = ""
    stage: str = "received"
    close_reason: str | None = None
    barrier: str | None = None
    days: dict[str, date] = field(default_factory=dict)
    """Column of Referral to day."""


def read_row(
    number: int, client: str, cells: Sequence[str], mapping: Mapping, *, key: bytes, today: date
) -> EmrReferral:
    """The referral of a row. Errors: Unusable."""
    received = _day(mapping, cells, "received_on", today=today)
    if received is None:
        raise Unusable("The referral date is missing.")
    service = mapping.cell(cells, "service")
    discipline = discipline_of(service) or mapping.discipline
    if not discipline and not service:
        raise Unusable("The service is missing.")
    case = mapping.cell(cells, "case_key")
    if not case and not client:
        raise Unusable("There is no case number, so a repeat could not be recognised.")
    direction = "out" if words(mapping.cell(cells, "direction")) in ("out", "outgoing", "sent", "outbound") else "in"
    stage, reason, days = _outcome(mapping, cells, received, today=today)
    name, practice = mapping.cell(cells, "source_name"), mapping.cell(cells, "source_practice")
    return EmrReferral(
        row_number=number,
        case_key=one_way(key, "case", case or f"{client}|{received}|{discipline or words(service)}|{direction}"),
        received_on=received,
        discipline=discipline,
        direction=direction,
        source_name=name[:200],
        source_npi=mapping.cell(cells, "source_npi"),
        source_practice=practice[:200],
        source_type=_source_type(mapping.cell(cells, "source_type"), name, practice),
        service=service,
        payer=mapping.cell(cells, "payer"),
        clinic=mapping.cell(cells, "clinic"),
        stage=stage,
        close_reason=reason,
        barrier=_barrier(mapping.cell(cells, "barrier")) if stage == "closed" else None,
        days=days,
    )


def discipline_of(text: str) -> str:
    """PT, OT or SLP for its usual names; "" for other words, such as a service of the practice."""
    said = words(text)
    return next((name for name, known in DISCIPLINE_WORDS.items() if said in known), "")


def _day(mapping: Mapping, cells: Sequence[str], name: str, *, today: date) -> date | None:
    text = mapping.cell(cells, name)
    if not text.strip("0/-. "):
        return None
    found, label = day(text, day_first=mapping.day_first), FIELDS[name].lower()
    if found is None:
        raise Unusable(f"The {label} is not a date that we can read.")
    if found < EARLIEST:
        raise Unusable(f"The {label} is too far back: look at the year.")
    if found > today + (BOOKED_AHEAD if name == "scheduled_on" else timedelta()):
        raise Unusable(f"The {label} lies in the future.")
    return found


def _outcome(
    mapping: Mapping, cells: Sequence[str], received: date, *, today: date
) -> tuple[str, str | None, dict[str, date]]:
    found = {name: _day(mapping, cells, name, today=today) for name in DAY_FIELDS if name != "received_on"}
    days = {name: on for name, on in found.items() if on is not None and name != "ended_on"}
    if any(on < received for on in (*days.values(), found["ended_on"] or received)):
        raise Unusable("Something in this row happened before the referral came.")
    said, ended = _stage(mapping.cell(cells, "status")), found["ended_on"]
    reason = _reason(mapping.cell(cells, "close_reason"))
    done = words(mapping.cell(cells, "plan_completed"))
    reached = max(
        (name for name, column in STAGE_DATES.items() if column in days), key=STAGES.index, default="received"
    )
    if done in _YES or said == "completed":
        return "completed", None, days | ({"completed_on": ended} if ended else {})
    left_early = done in _NO and ended is not None
    never_came = said == "ended" and reached in ("received", "contacted", "scheduled")
    if said == "closed" or reason or left_early or never_came:
        return "closed", reason or "other", days | ({"closed_on": ended} if ended else {})
    if ended or said == "ended":
        # Seen and discharged: care has ended as planned unless the file says otherwise.
        return "completed", None, days | ({"completed_on": ended} if ended else {})
    return max(said or "received", reached, key=STAGES.index), None, days


def _stage(text: str) -> str:
    said = words(text)
    return next((stage for stage, known in _STAGES.items() if said in known.split("|")), "")


def _reason(text: str) -> str | None:
    said = words(text)
    if not said:
        return None
    exact = said.replace(" ", "-")
    return exact if exact in CLOSE_REASONS else _first(_REASONS, said) or "other"


def _barrier(text: str) -> str | None:
    said = words(text)
    return (said if said in BARRIERS else _first(_BARRIERS, said) or "other") if said else None


def _source_type(text: str, name: str, practice: str) -> str:
    if words(name) == "self" or (not name and not practice and words(text) == "self"):
        return "self"
    kind = _first(_TYPES, words(text))
    if name or practice:
        # Somebody is named: only word of mouth and events are still the better word for where the client came from.
        return kind if kind in ("word-of-mouth", "event") else "contact"
    return kind or ("unmatched" if not text else "contact")


def _first(known: dict[str, str], said: str) -> str:
    return next((name for name, parts in known.items() if any(part in said for part in parts.split("|"))), "")
