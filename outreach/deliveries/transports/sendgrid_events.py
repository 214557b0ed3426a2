"""SendGrid's event webhook: is the post genuine, what happened, and what follows for the address. Pure.

Posts come doubled, late and out of order, several at once: nothing here depends on arrival (standards A5, Webhook
contract 1 to 6).
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sendgrid.helpers.eventwebhook import EventWebhookHeader

from outreach.deliveries.transports.sendgrid_limits import MID
from outreach.errors import Refusal

SIGNATURE_HEADER: str = EventWebhookHeader.SIGNATURE
TIMESTAMP_HEADER: str = EventWebhookHeader.TIMESTAMP
MAX_BYTES = 1024 * 1024
"""SendGrid posts at 768 kB at the latest."""
DEEPEST = 20
UNREADABLE = "unreadable"
"""The name of an element that was no event; kept, so that a person can look at it."""

RANKS = {
    "processed": 1,
    "deferred": 2,
    "delivered": 3,
    "open": 4,
    "click": 5,
    "bounce": 6,
    "dropped": 6,
    "unsubscribe": 7,
    "group_unsubscribe": 7,
    "spamreport": 8,
}
SuppressionReason = Literal["bounced", "complained", "unsubscribed", "invalid-address"]
DROPS: dict[str, SuppressionReason] = {
    "bounced address": "bounced",
    "spam reporting address": "complained",
    "unsubscribed address": "unsubscribed",
    "invalid": "invalid-address",
}
"""Whole texts: "Invalid SMTPAPI header" is our fault, and spam content or a quota says nothing of the person."""


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One fact from SendGrid. Texts are cleaned for the database; what was left out is None or empty.

    `event_id` is unique (SendGrid's own, else a digest of the element); `mid` is our delivery id as sent;
    `provider_message_id` begins with the X-Message-Id of the request (see `request_id`); `occurred_at` is UTC;
    `bounce_type` is "bounce" (hard) or "blocked" (soft); `machine` marks an open by a prefetching mail app.
    """

    event_id: str
    name: str
    email: str = ""
    occurred_at: datetime | None = None
    mid: str | None = None
    provider_message_id: str | None = None
    smtp_id: str | None = None
    categories: tuple[str, ...] = ()
    reason: str = ""
    status: str = ""
    bounce_type: str = ""
    response: str = ""
    attempt: int | None = None
    url: str = ""
    useragent: str = ""
    ip: str = ""
    machine: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request_id(self) -> str | None:
        """The X-Message-Id that the answer to our request carried: the part before the first dot."""
        return self.provider_message_id.split(".", 1)[0] if self.provider_message_id else None

    @property
    def soft(self) -> bool:
        """Whether this bounce says nothing lasting about the address."""
        return self.name == "bounce" and not _is_hard(self)


def verify(public_key_b64: str, signature: str | None, timestamp: str | None, raw_body: bytes) -> bool:
    """Whether SendGrid signed exactly these bytes: ECDSA P-256, SHA-256 over timestamp and raw body. Never raises.

    `public_key_b64` is the key as SendGrid shows it (base64 SubjectPublicKeyInfo). The package's own check raises for
    a missing header and takes text only, so it is not used. Replays are harmless by `event_id`; age is not checked.
    """
    try:
        if not signature or not timestamp:
            return False
        signed = timestamp.encode("ascii") + raw_body
        _public_key(public_key_b64).verify(
            base64.b64decode(signature, validate=True), signed, ec.ECDSA(hashes.SHA256())
        )
    except Exception:
        # A forged post can be malformed in any way; whatever goes wrong, it is not genuine.
        return False
    return True


def key_problem(text: str) -> str | None:
    """Why this is no verification key as SendGrid shows it; None when it is one."""
    try:
        _public_key(text)
    except Exception:
        # What somebody pastes can be anything.
        return "This is no verification key. It is the long line that begins with MF and is shown beside the switch."
    return None


def parse_events(raw: bytes) -> list[ProviderEvent] | Refusal:
    """The events of one post. A bad element becomes an event named `unreadable`; the others are not touched by it.

    Refusals: `too-large` (over 1 MB), `not-json`, `not-an-array`. An empty array gives an empty list, so tell the two
    apart by type. Never raises.
    """
    if len(raw) > MAX_BYTES:
        return Refusal("too-large", "The post has more than 1 MB; SendGrid's have at most 768 kB.")
    try:
        elements = json.loads(raw, parse_int=_integer)
        if not isinstance(elements, list):
            return Refusal("not-an-array", "The post is JSON, but no array of events.")
        return [_event(_clean(element)) for element in elements]
    except (ValueError, RecursionError):
        return Refusal("not-json", "The post is not JSON.")


def rank(event: ProviderEvent) -> int:
    """How far this event takes a delivery: the highest rank seen counts, whatever came first; 0 changes nothing."""
    return RANKS.get(event.name, 0)


def suppressing(event: ProviderEvent) -> SuppressionReason | None:
    """Why nothing more may go to this address, or None. Only lasting facts count: a soft bounce or quota is none."""
    if event.name == "bounce":
        return "bounced" if _is_hard(event) else None
    if event.name == "dropped":
        return DROPS.get(event.reason.strip().lower())
    if event.name == "spamreport":
        return "complained"
    return "unsubscribed" if event.name in {"unsubscribe", "group_unsubscribe"} else None


def _is_hard(event: ProviderEvent) -> bool:
    """`type` decides; where it is left out, a permanent status (RFC 3463 section 2) does."""
    if event.bounce_type:
        return event.bounce_type == "bounce"
    return event.status.startswith("5")


@lru_cache(maxsize=4)
def _public_key(public_key_b64: str) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(base64.b64decode("".join(public_key_b64.split()), validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("The webhook's key is not an ECDSA P-256 public key.")
    return key


def _event(element: Any) -> ProviderEvent:
    if not isinstance(element, dict) or not isinstance(element.get("event"), str):
        kept = element if isinstance(element, dict) else {UNREADABLE: element}
        return ProviderEvent(_digest(element), UNREADABLE, raw=kept)
    return ProviderEvent(
        event_id=_text(element, "sg_event_id", 100) or _digest(element),
        name=_text(element, "event", 40),
        email=_text(element, "email", 254).lower(),
        occurred_at=_instant(element.get("timestamp")),
        mid=_text(element, MID, 100) or None,
        provider_message_id=_text(element, "sg_message_id", 200) or None,
        smtp_id=_text(element, "smtp-id", 300).strip("<>") or None,
        categories=_categories(element.get("category")),
        reason=_text(element, "reason", 1000),
        status=_text(element, "status", 20),
        bounce_type=_text(element, "type", 20).lower(),
        response=_text(element, "response", 1000),
        attempt=_whole(element.get("attempt")),
        url=_text(element, "url", 2000),
        useragent=_text(element, "useragent", 500),
        ip=_text(element, "ip", 45),
        machine=element.get("sg_machine_open") in (True, "true", "True"),
        raw=element,
    )


def _integer(digits: str) -> int | None:
    """Numbers that no database takes are nothing; the longest would even make Python refuse the whole post."""
    return int(digits) if len(digits) < 19 else None


def _clean(value: Any, depth: int = 0) -> Any:
    """Without NUL, half surrogate pairs, infinity and NaN, which PostgreSQL and JSON do not take; nothing that lies
    deeper than any event of theirs, because it is read again later, when there may be less room for it."""
    if depth > DEEPEST:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return re.sub("[\x00\ud800-\udfff]", "", value)
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item, depth + 1) for key, item in value.items()}
    return value


def _text(element: dict[str, Any], key: str, longest: int) -> str:
    value = element.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()[:longest]


def _categories(value: Any) -> tuple[str, ...]:
    """One category comes as a string, several as an array."""
    values = value if isinstance(value, list) else [value]
    return tuple(item[:255] for item in values[:10] if isinstance(item, str))


def _whole(value: Any) -> int | None:
    """A count, which `attempt` tells as a string."""
    return int(str(value)) if re.fullmatch(r"[0-9]{1,9}", str(value)) else None


def _instant(value: Any) -> datetime | None:
    """Unix seconds between 2000 and 2100; anything else is no time."""
    found = re.fullmatch(r"([0-9]{9,10})(\.[0-9]+)?", str(value))
    seconds = int(found[1]) if found else 0
    return datetime.fromtimestamp(seconds, UTC) if 946_684_800 <= seconds < 4_102_444_800 else None


def _digest(element: Any) -> str:
    text = json.dumps(element, sort_keys=True)
    return "digest-" + hashlib.sha256(text.encode()).hexdigest()[:48]
