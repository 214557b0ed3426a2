"""Real servers on loopback: an SMTP server, and a stub of SendGrid's API that holds requests to its own rules."""

import asyncio
import itertools
import json
import os
import socket
import threading
from base64 import b64decode
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

FORBIDDEN = {"to", "from", "subject", "reply-to", "cc", "bcc", "received", "content-type", "dkim-signature"}


LOWEST_PORT, PORTS = 20_000, 12_000
STARTS_WITHIN = 60.0
"""Seconds until an SMTP server must listen: a busy machine is slow, not wrong."""
OWN_PORTS = 1_000
"""Those of one of pytest's processes: two that ask at once get different ones."""
_next_ports = itertools.count(os.getpid() * 97)
_first_port = LOWEST_PORT + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) * OWN_PORTS % PORTS


def free_port() -> int:
    """A port where nobody listens, of this process alone.

    It is below those that the system gives away by itself, so that no other connection takes it in the meantime.
    """
    while True:
        port = _first_port + next(_next_ports) % OWN_PORTS
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Mailbox:
    """An aiosmtpd handler. `answers`: at which step to say what, or to cut the line ("cut")."""

    received: list[bytes] = field(default_factory=list)
    answers: dict[str, deque[str]] = field(default_factory=lambda: {"RCPT": deque(), "DATA": deque()})
    senders: list[str] = field(default_factory=list)
    offers: tuple[str, ...] = ()

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, host: str, responses: list[str]) -> list[str]:
        """Offers what the test wants besides."""
        session.host_name = host
        return [*responses[:-1], *(f"250-{offer}" for offer in self.offers), responses[-1]]

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Scripted, else 250."""
        answer = self.answers["RCPT"].popleft() if self.answers["RCPT"] else "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keeps the mail unless scripted; "cut" keeps it and drops the line before the answer."""
        answer = self.answers["DATA"].popleft() if self.answers["DATA"] else "250 kept"
        if answer in ("250 kept", "cut"):
            self.received.append(bytes(envelope.original_content))
            self.senders.append(envelope.mail_from)
        if answer == "cut":
            server.transport.abort()
            await asyncio.sleep(0)
        return answer

    def mails(self) -> list[EmailMessage]:
        """What came, as an independent parser reads it."""
        return [message_from_bytes(raw, policy=policy) for raw in self.received]


class SmtpServer:
    """aiosmtpd on a free port of loopback."""

    def __init__(self, *offers: str) -> None:
        self.mailbox = Mailbox(offers=offers)
        self.port = free_port()
        self._controller = Controller(self.mailbox, hostname="127.0.0.1", port=self.port, ready_timeout=STARTS_WITHIN)
        self._controller.start()

    def close(self) -> None:
        """The port is free again."""
        self._controller.stop(no_assert=True)


class SendGridStub:
    """Answers `POST /v3/mail/send`; what breaks the rules of Mail Send gets a 400 and is listed in `broken`."""

    def __init__(self) -> None:
        stub = self
        self.requests: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self.answers: deque[tuple[int, dict[str, str], bytes] | str] = deque()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                problems = stub.problems(self.path, dict(self.headers), body)
                stub.broken += problems
                scripted = stub.answers.popleft() if stub.answers else None
                if scripted == "cut":
                    stub.requests.append(body)
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if isinstance(scripted, tuple):
                    status, headers, data = scripted
                elif problems:
                    status, headers, data = 400, {}, json.dumps({"errors": [{"message": problems[0]}]}).encode()
                else:
                    status, headers, data = 202, {"X-Message-Id": f"sg-{len(stub.requests) + 1}"}, b""
                if status == 202:
                    stub.requests.append(body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """The port is free again."""
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def problems(path: str, headers: dict[str, str], body: dict[str, Any]) -> list[str]:
        """The rules of standards A1, written down a second time on purpose."""
        people = body.get("personalizations", [])
        addresses = [to["email"].lower() for person in people for to in person["to"]]
        types = [content["type"] for content in body.get("content", [])]
        named = {name.lower() for person in people for name in person.get("headers", {})}
        arguments = [value for person in people for value in person.get("custom_args", {}).values()]
        tracking = body.get("tracking_settings", {})
        checks = {
            "path": path == "/v3/mail/send",
            "key": headers.get("Authorization", "").startswith("Bearer SG."),
            "recipients": 1 <= len(addresses) <= 1000 and len(set(addresses)) == len(addresses),
            "content order": types[:2] == ["text/plain", "text/html"] and len(set(types)) == len(types),
            "headers": not named & FORBIDDEN,
            "custom args": bool(arguments) and all(isinstance(value, str) for value in arguments),
            "our id": all(person.get("custom_args", {}).get("om_mid") for person in people),
            "names": not any(set(";,") & set(to.get("name", "")) for person in people for to in person["to"]),
            "from": body.get("from", {}).get("email", "").isascii(),
            "subscription tracking": tracking.get("subscription_tracking", {}).get("enable") is False,
            "open tracking": tracking.get("open_tracking", {}).get("enable") is False,
            "click tracking": tracking.get("click_tracking", {}).get("enable") is False,
            "attachment types": not any(";" in file["type"] for file in body.get("attachments", [])),
            "no bypass": not any(name.startswith("bypass") for name in body.get("mail_settings", {})),
            "no schedule": "send_at" not in body and "template_id" not in body,
            "categories": len(body.get("categories", [])) <= 10,
        }
        return [name for name, holds in checks.items() if not holds]

    def attachment(self, index: int) -> bytes:
        """The first attachment of a request."""
        return b64decode(self.requests[index]["attachments"][0]["content"])
