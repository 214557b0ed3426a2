"""Hands mail to SendGrid's v3 API over pooled connections; what each answer means is settled in standards A1."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from outreach.deliveries.message import OutgoingMessage
from outreach.deliveries.transports import sendgrid_payload
from outreach.deliveries.transports.protocol import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    Accepted,
    AccountProblem,
    GoOn,
    NotHandedOver,
    Outcome,
    Permanent,
    RefusedForNow,
    Unknown,
    one_by_one,
)

PATH = "/v3/mail/send"
LONGEST_WAIT_SECONDS = 24 * 3600
NEVER_SENT = (ConnectTimeoutError, NewConnectionError, ProxyError, LocationValueError)
HANDSHAKE_WORDS = ("CERTIFICATE_VERIFY", "HANDSHAKE", "WRONG_VERSION", "UNKNOWN_PROTOCOL")


class SendGridTransport:
    """One recipient per request. It has no business associate agreement and never carries client mail."""

    name = "sendgrid"
    kind = "sendgrid"
    leaves_nothing = False
    lanes = 16

    def __init__(self, api_key: str, *, base_url: str = "https://api.sendgrid.com", sandbox: bool = False) -> None:
        """`sandbox`: SendGrid validates and delivers nothing."""
        self._url = base_url.rstrip("/") + PATH
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "outreach",
        }
        self._sandbox = sandbox
        self._pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=self.lanes,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
        )

    def send(self, message: OutgoingMessage) -> Outcome:
        """The message is queued at SendGrid, or the answer says why not."""
        try:
            payload = sendgrid_payload.build(message, sandbox=self._sandbox)
        except ValueError as broken:
            return Permanent(str(broken))
        if problems := sendgrid_payload.check(payload):
            return Permanent(" ".join(problems)[:300])
        body = json.dumps(payload, separators=(",", ":")).encode()
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=self._headers, redirect=False)
        except NEVER_SENT as broken:
            return NotHandedOver(f"SendGrid could not be reached ({type(broken).__name__}).")
        except SSLError as broken:
            early = any(word in str(broken).upper() for word in HANDSHAKE_WORDS)
            text = "The encrypted connection to SendGrid failed."
            return NotHandedOver(text) if early else Unknown(text)
        except HTTPError as broken:
            return Unknown(f"No answer from SendGrid after the message was sent ({type(broken).__name__}).")
        return _meaning(answer)

    def at_once(self, kind: str) -> int:
        """Each message goes by itself."""
        return 1

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """One after the other."""
        return one_by_one(self, messages, go_on)

    def close(self) -> None:
        """All connections are given back; the next message opens new ones."""
        self._pool.clear()


def _meaning(answer: urllib3.BaseHTTPResponse) -> Outcome:
    status = answer.status
    if status == 202:
        return Accepted(answer.headers.get("X-Message-Id"))
    if status == 200:
        return Accepted(answer.headers.get("X-Message-Id"), text="sandbox")
    words = f"{status} {_first_error(answer)}".strip()
    if status in (429, 503):
        until, wait = _when(answer)
        return RefusedForNow(words, not_before_at=until, wait_seconds=wait, busy=True)
    if status in (401, 403) or 300 <= status < 400 or status in (404, 405):
        return AccountProblem(words)
    if status in (400, 413, 415, 422):
        return Permanent(words, bad_address=_names_recipient(answer))
    return Unknown(words)


def _when(answer: urllib3.BaseHTTPResponse) -> tuple[datetime | None, float | None]:
    """The provider's own word for when to come back, as far as it makes sense: an instant or a number of seconds."""
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if reset.isascii() and reset.isdigit() and 946_684_800 <= int(reset[:11]) < 4_102_444_800:
        return datetime.fromtimestamp(int(reset[:11]), UTC), None
    after = answer.headers.get("Retry-After", "")
    if after.isascii() and after.isdigit():
        return None, float(min(int(after[:9]), LONGEST_WAIT_SECONDS))
    return None, None


def _errors(answer: urllib3.BaseHTTPResponse) -> list[dict[str, object]]:
    try:
        found = json.loads(answer.data or b"{}")
    except (ValueError, RecursionError):
        return []
    listed = found.get("errors") if isinstance(found, dict) else None
    return [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []


def _first_error(answer: urllib3.BaseHTTPResponse) -> str:
    """SendGrid's own words for the first problem, with the field; they name no address."""
    for error in _errors(answer):
        field = f" ({error['field']})" if error.get("field") else ""
        words = " ".join(str(error.get("message", "")).split())
        return f"{words}{field}"[:250] if "@" not in words else f"The request was refused{field}"[:250]
    return ""


def _names_recipient(answer: urllib3.BaseHTTPResponse) -> bool:
    fields = [str(error.get("field", "")) for error in _errors(answer)]
    return bool(fields) and all(field.startswith("personalizations.") and ".to" in field for field in fields)
