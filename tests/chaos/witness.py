"""An independent provider in its own process: `python -m tests.chaos.witness RECORD SEED MIX`.

Speaks SendGrid's Mail Send over HTTP and SMTP. Every acceptance is one line in RECORD, on disk (fsync) before the
answer leaves; refusals are lines too, so that an auditor knows what was said. The first line on its own standard output
names its ports. `PUT /control` changes the mix, the delay of each answer (also of those that wait just then), what
"busy" says to wait, and after how many acceptances all others wait; it answers how many lines are open besides its own.
Times are seconds of the machine's monotonic counter, which all processes share. No application code.
"""

import json
import os
import re
import socket
import socketserver
import struct
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.chaos.faults import Fault, fault_of

HANG_SECONDS = 60
OWN_THREADS = 4
"""Main, two that listen, and the one that tells."""
SLOW_SECONDS = 0.25
MESSAGE_ID = re.compile(r"<?([0-9a-z]+)\.[^@<>\s]+@")


class Book:
    """The record on disk and what was promised about it."""

    def __init__(self, path: Path, seed: int, mix: str) -> None:
        self.seed, self.mix, self.delay, self.retry_after = seed, mix, 0.0, 1
        self.hold: int | None = None
        self.accepted = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._seen: dict[object, int] = {}
        self._request = 0
        self._lock = threading.Lock()

    def judge(self, people: list[tuple[int, str]], via: str) -> Fault:
        """What is answered to one request for these (delivery id, address); what it accepts is on disk already."""
        while self.hold is not None and self.accepted >= self.hold:
            time.sleep(0.005)
        with self._lock:
            first = people[0][0]
            self._request += 1
            self._seen[first] = self._seen.get(first, 0) + 1
            fault = fault_of(self.seed, self.mix, first, self._seen[first])
            line = {"t": time.perf_counter(), "request": self._request, "n": self._seen[first], "via": via}
            line |= {"fault": fault.name, "accepted": fault.accepts, "wait": self.retry_after}
            text = "".join(json.dumps({**line, "id": key, "to": to}) + "\n" for key, to in people)
            os.write(self._file, text.encode())
            if fault.accepts:
                self.accepted += len(people)
                os.fsync(self._file)
        begun = time.perf_counter()
        while (left := begun + self.delay - time.perf_counter()) > 0:
            time.sleep(min(left, 0.02))
        if fault.name == "slow":
            time.sleep(SLOW_SECONDS)
        if fault.name == "hang":
            time.sleep(HANG_SECONDS)
        return fault


class MailSend(BaseHTTPRequestHandler):
    """`POST /v3/mail/send`, and the control."""

    protocol_version = "HTTP/1.1"
    book: Book
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """One request: one or several personalizations."""
        payload = self._payload()
        if payload is None or self.path != "/v3/mail/send":
            return self._answer(404, {"errors": [{"message": "no such page"}]})
        people = [(int(_argument(each, payload)), each["to"][0]["email"]) for each in payload["personalizations"]]
        return self._say(self.book.judge(people, "http"), people[0][0])

    def do_PUT(self) -> None:
        """The mix, the delay, the wait and the hold from now on."""
        for name, value in (self._payload() or {}).items():
            setattr(self.book, name, value)
        # Connections are taken in their order, and each has a thread: none that was made before this one is missing.
        self._answer(200, {"others": threading.active_count() - OWN_THREADS})

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def _payload(self) -> dict[str, Any] | None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with suppress(ValueError):
            return json.loads(raw)
        return None

    def _say(self, fault: Fault, delivery: int) -> None:
        if fault.name in ("none", "slow"):
            self._answer(202, None, {"X-Message-Id": f"w{delivery}"})
        elif fault.name == "busy":
            self._answer(429, {"errors": [{"message": "too many"}]}, {"Retry-After": str(self.book.retry_after)})
        elif fault.name == "lying":
            lies = ("-5", "99999999999999", "soon", "\u0663")
            self._answer(429, None, {"Retry-After": lies[delivery % 4], "X-RateLimit-Reset": "99999999999"})
        elif fault.name in ("drop", "hang"):
            self._cut(b"")
        elif fault.name == "truncated":
            self._cut(b"HTTP/1.1 20")
        elif fault.name in ("html", "portal"):
            self._answer(
                502 if fault.name == "html" else 200, None, {}, b"<html><h1>Welcome to our network</h1></html>"
            )
        else:
            status = {"closed": 503, "refused": 400, "forbidden": 403}.get(fault.name, 500)
            self._answer(status, {"errors": [{"message": fault.name, "field": "content"}]})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None, raw: bytes = b"") -> None:
        data = raw or (json.dumps(body).encode() if body is not None else b"")
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value.encode("utf-8").decode("latin-1"))
        self.send_header("Content-Type", "text/html" if raw else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _cut(self, begun: bytes) -> None:
        """The connection is reset in the middle of (or before) the answer."""
        if begun:
            self.wfile.write(begun)
            self.wfile.flush()
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self.rfile, self.wfile = open(os.devnull, "rb"), open(os.devnull, "wb")  # noqa: SIM115 - the handler closes them


class Smtp(socketserver.StreamRequestHandler):
    """A mail server: EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT; PIPELINING comes by itself from reading line by line."""

    book: Book

    def handle(self) -> None:
        """Commands until QUIT or the end of the line."""
        self._to: list[str] = []
        self._say("220 witness.example ESMTP")
        with suppress(ConnectionError, OSError):
            while line := self.rfile.readline(4096):
                verb, _, rest = line.decode("latin-1").strip().partition(" ")
                if not self._command(verb.upper(), rest):
                    return

    def _command(self, verb: str, rest: str) -> bool:
        if verb == "EHLO":
            self._say("250-witness.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 30000000")
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        elif verb == "RCPT":
            self._to.append(rest.partition("<")[2].partition(">")[0])
            self._say("250 ok")
        elif verb == "DATA":
            return self._data()
        else:
            if verb in ("MAIL", "RSET"):
                self._to = []
            self._say("250 ok")
        return True

    def _data(self) -> bool:
        if not self._to:
            self._say("503 no recipient")
            return True
        self._say("354 go on")
        delivery = "0"
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            if line.lower().startswith(b"message-id:"):
                found = MESSAGE_ID.search(line.decode("latin-1").partition(":")[2])
                delivery = found[1] if found else "0"
        if not line:
            return False
        return self._after(self.book.judge([(int(delivery, 36), self._to[0])], "smtp"))

    def _after(self, fault: Fault) -> bool:
        if fault.name in ("drop", "truncated", "hang", "accepted-500", "error-500", "html", "portal"):
            if fault.name in ("truncated", "html"):
                self.wfile.write(b"25" if fault.name == "truncated" else b"<html>")
            return False
        answers = {"busy": "451 4.7.1 later", "closed": "421 4.3.2 closing", "lying": "451 later, in 1970"}
        answers |= {"refused": "554 5.6.0 not this", "forbidden": "550 5.7.1 the sender is not verified"}
        self._say(answers.get(fault.name, "250 2.0.0 taken"))
        self._to = []
        return fault.name != "closed"

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Http(ThreadingHTTPServer):
    """Many connections at once, quiet about those that are cut."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed cuts its connections."""


class Mail(socketserver.ThreadingTCPServer):
    """The same for SMTP."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed cuts its connections."""


def _argument(person: dict[str, Any], payload: dict[str, Any]) -> str:
    """Our own id, wherever the custom argument stands."""
    return (person.get("custom_args") or payload.get("custom_args") or {}).get("om_mid", "0")


def main(path: Path, seed: int, mix: str) -> None:
    """Serve until standard input ends."""
    MailSend.book = Smtp.book = Book(path, seed, mix)
    web, mail = Http(("127.0.0.1", 0), MailSend), Mail(("127.0.0.1", 0), Smtp)
    for server in (web, mail):
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(web.server_address[1], mail.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
