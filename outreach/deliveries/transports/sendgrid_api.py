"""Hands mail to SendGrid's v3 API over pooled connections: alone, or many people of one newsletter in a request."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.transports import sendgrid_answers, sendgrid_payload
from outreach.deliveries.transports.deadline import pool_of
from outreach.deliveries.transports.protocol import (
    NOT_BEGUN,
    Accepted,
    GoOn,
    NotHandedOver,
    Outcome,
    Permanent,
    Unknown,
)
from outreach.deliveries.transports.sendgrid_answers import Answer
from outreach.deliveries.transports.sendgrid_batches import PEOPLE_PER_REQUEST, Batches, Group

PATH = "/v3/mail/send"
MOST_OF_AN_ANSWER = 64 * 1024
NEVER_SENT = (ConnectTimeoutError, NewConnectionError, ProxyError, LocationValueError)
HANDSHAKE_WORDS = ("CERTIFICATE_VERIFY", "HANDSHAKE", "WRONG_VERSION", "UNKNOWN_PROTOCOL")
AFTER_DOUBT = NotHandedOver("SendGrid gave no clear answer to the request before; this one was not begun.")


class SendGridTransport:
    """It has no business associate agreement and never carries client mail."""

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
        self._pool = pool_of(self.lanes)
        self._batches = Batches()

    def send(self, message: OutgoingMessage) -> Outcome:
        """The message is queued at SendGrid, or the answer says why not."""
        try:
            payload = sendgrid_payload.build(message, sandbox=self._sandbox)
        except ValueError as broken:
            return Permanent(str(broken))
        return self._posted(payload, now=message.date)[0]

    def at_once(self, kind: str) -> int:
        """Newsletters as personalizations of one request, everything else alone."""
        return PEOPLE_PER_REQUEST.get(kind, 1)

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """As few requests as there are bodies. A refused request is asked again in parts, so that one bad address
        costs nobody else the mail; what comes after an answer that stops the way is not begun."""
        found: list[Outcome] = [NOT_BEGUN] * len(messages)
        groups, alone = self._batches.sorted_out(messages)
        waiting: list[Group | int] = [*reversed(alone), *reversed(groups)]
        stop: Outcome | None = None
        while waiting:
            each = waiting.pop()
            if stop is None and not go_on():
                stop = NOT_BEGUN
            outcome, parts = (stop, []) if stop is not None else self._handed_over(each, messages)
            waiting.extend(parts)
            if parts:
                continue
            for place in [each] if isinstance(each, int) else [person.place for person in each.people]:
                found[place] = outcome
            if stop is None and not isinstance(outcome, Accepted | Permanent):
                stop = AFTER_DOUBT if isinstance(outcome, Unknown) else outcome
        return found

    def close(self) -> None:
        """All connections are given back; the next message opens new ones."""
        self._pool.clear()

    def _handed_over(self, group: Group | int, messages: Sequence[OutgoingMessage]) -> tuple[Outcome, list[Group]]:
        """(the outcome for everybody, []) or (nothing taken, the parts to ask again)."""
        if isinstance(group, int):
            return self.send(messages[group]), []
        if len(group.people) == 1:
            return self.send(group.people[0].message), []
        try:
            payload = group.payload(sandbox=self._sandbox)
        except ValueError as broken:
            return Permanent(str(broken)), []
        outcome, answer = self._posted(payload, now=group.people[0].message.date)
        if not isinstance(outcome, Permanent) or not (answer is None or sendgrid_answers.divisible(answer)):
            return outcome, []
        return outcome, list(_parts(group, sendgrid_answers.people_named(answer) if answer else set()))

    def _posted(self, payload: dict[str, Any], *, now: datetime) -> tuple[Outcome, Answer | None]:
        """What became of the request; without an answer when our own rules refused it or the line did."""
        body = json.dumps(payload, separators=(",", ":")).encode()
        if problems := sendgrid_payload.check(payload, size_bytes=len(body)):
            return Permanent(" ".join(problems)[:300]), None
        answer = self._answer(body)
        if not isinstance(answer, Answer):
            return answer, None
        return sendgrid_answers.meaning(answer, now=now, sandbox=self._sandbox), answer

    def _answer(self, body: bytes) -> Answer | Outcome:
        try:
            answer = self._pool.request(
                "POST", self._url, body=body, headers=self._headers, redirect=False, preload_content=False
            )
        except NEVER_SENT as broken:
            return NotHandedOver(f"SendGrid could not be reached ({type(broken).__name__}).")
        except SSLError as broken:
            early = any(word in str(broken).upper() for word in HANDSHAKE_WORDS)
            text = "The encrypted connection to SendGrid failed."
            return NotHandedOver(text) if early else Unknown(text)
        except HTTPError as broken:
            return Unknown(f"No answer from SendGrid after the message was sent ({type(broken).__name__}).")
        try:
            beginning = answer.read(MOST_OF_AN_ANSWER + 1, decode_content=False)
        except HTTPError:
            # The status is what counts; words that were cut off are only words.
            beginning = b""
        if len(beginning) > MOST_OF_AN_ANSWER:
            answer.close()
        answer.release_conn()
        return Answer(answer.status, answer.headers, beginning)


def _parts(group: Group, named: set[int]) -> list[Group]:
    """Those whom the refusal names each alone and all others together; halves when it names nobody."""
    marked = [person for place, person in enumerate(group.people) if place in named]
    if marked and len(marked) < len(group.people):
        others = [person for place, person in enumerate(group.people) if place not in named]
        return [group.only(others), *(group.only([person]) for person in marked)]
    half = len(group.people) // 2
    return [group.only(group.people[half:]), group.only(group.people[:half])]
