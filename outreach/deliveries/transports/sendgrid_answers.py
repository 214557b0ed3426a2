"""What an answer of SendGrid's Mail Send means (Mail contract 4): status, headers, beginning of a body. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from outreach.deliveries.transports.protocol import (
    Accepted,
    AccountProblem,
    Outcome,
    Permanent,
    RefusedForNow,
    Unknown,
)

LONGEST_WAIT = timedelta(hours=24)
"""What a provider says beyond this is a mistake; retrying ends after a day anyway (reliability B4)."""
WAITS = (408, 425, 429, 503)
"""Surely not taken over; come back later."""
OURS = (401, 402, 403, 404, 405, 406, 407, 410)
"""Key, sender, credit or address of the API: nothing of this message's, so the way is paused and the mail waits."""
SHARED_FIELDS = ("from", "reply_to", "content", "categories", "attachments", "tracking_settings", "mail_settings")
"""What everybody in a request has in common: asking again in parts would be refused as often as there are people."""
PERSON_FIELD = re.compile(r"personalizations[.\[](\d{1,4})\b")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `body` is its beginning; it may be anything."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def meaning(answer: Answer, *, now: datetime, sandbox: bool = False) -> Outcome:
    """The one outcome that this answer stands for. `now` bounds what it says about coming back."""
    status = answer.status
    if status == 202:
        return Accepted(_header(answer, "X-Message-Id")[:200] or None)
    if status == 200 and sandbox:
        return Accepted(text="sandbox")
    words = f"{status} {_first_error(answer)}".strip()
    if status in WAITS:
        return RefusedForNow(words, not_before_at=_until(answer, now), busy=True)
    if status in OURS or 300 <= status < 400:
        return AccountProblem(words)
    if 400 <= status < 500:
        return Permanent(words, bad_address=_names_recipient(answer))
    return Unknown(words)


def divisible(answer: Answer) -> bool:
    """Whether a request for several people may be asked again in parts: nothing of it was taken over, and what was
    wrong may be one person's only."""
    if answer.status not in (400, 413):
        return False
    fields = [str(error.get("field") or "") for error in _errors(answer)]
    return not fields or not all(name.split(".")[0] in SHARED_FIELDS for name in fields)


def people_named(answer: Answer) -> set[int]:
    """The places in `personalizations` that the errors name."""
    found = (PERSON_FIELD.match(str(error.get("field", ""))) for error in _errors(answer))
    return {int(match[1]) for match in found if match}


def _until(answer: Answer, now: datetime) -> datetime | None:
    """The provider's own word for when to come back, later than now and within a day; None when it makes no sense."""
    said = [_instant(_header(answer, "X-RateLimit-Reset")), _after(_header(answer, "Retry-After"), now)]
    later = [at for at in said if at is not None and at > now]
    return min(max(later), now + LONGEST_WAIT) if later else None


def _instant(text: str) -> datetime | None:
    """Unix seconds between 2000 and 2100."""
    seconds = int(text) if re.fullmatch(r"[0-9]{9,10}", text) else 0
    return datetime.fromtimestamp(seconds, UTC) if 946_684_800 <= seconds < 4_102_444_800 else None


def _after(text: str, now: datetime) -> datetime | None:
    """Seconds, or a date (RFC 9110 section 10.2.3)."""
    if re.fullmatch(r"[0-9]{1,20}", text):
        return now + min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _header(answer: Answer, name: str) -> str:
    text = answer.headers.get(name, "").strip()
    return text if text.isascii() and text.isprintable() else ""


def _errors(answer: Answer) -> list[dict[str, object]]:
    try:
        found = json.loads(answer.body or b"{}")
    except (ValueError, RecursionError):
        return []
    listed = found.get("errors") if isinstance(found, dict) else None
    return [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []


def _first_error(answer: Answer) -> str:
    """SendGrid's own words for the first problem, with the field; they name no address."""
    for error in _errors(answer):
        named = str(error.get("field") or "")
        field_ = f" ({named})" if named and "@" not in named else ""
        words = " ".join(str(error.get("message", "")).split())
        return f"{words}{field_}"[:250] if "@" not in words else f"The request was refused{field_}"[:250]
    return ""


def _names_recipient(answer: Answer) -> bool:
    fields = [str(error.get("field", "")) for error in _errors(answer)]
    return bool(fields) and all(PERSON_FIELD.match(name) and ".to" in name for name in fields)
