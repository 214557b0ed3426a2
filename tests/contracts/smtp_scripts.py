"""An SMTP server that does as it is told, step by step, over real sockets: also what no server should do."""

import socket
import ssl
import threading
from collections import defaultdict, deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CUT = "cut"
"""The line is closed."""
HANG = "hang"
"""Nothing is said until the test ends."""
USUAL = {
    "GREETING": "220 ready",
    "MAIL": "250 2.1.0 OK",
    "RCPT": "250 2.1.5 OK",
    "DATA": "354 go on",
    "BODY": "250 2.0.0 kept",
    "RSET": "250 OK",
    "NOOP": "250 OK",
    "QUIT": "221 bye",
    "STARTTLS": "220 go on",
    "AUTH": "235 OK",
    "TOKEN": "535 5.7.8 no",
}


class Scripted:
    """One thread per connection. `script[step]` holds what to say next at a step: text, CUT, HANG, or a function that
    is given the socket. What it saw: `commands` of all connections, `mails` as (recipient, body), `connections`."""

    def __init__(self, *offers: str, certificate: Path | None = None, smtps: bool = False) -> None:
        self.offers = list(offers)
        self.script: dict[str, deque[Any]] = defaultdict(deque)
        self.commands: list[str] = []
        self.mails: list[tuple[str, bytes]] = []
        self.connections = 0
        self.hangs = 0
        self.most_waiting = 0
        """The most commands that stood in the buffer when one was read: more than 1 shows pipelining."""
        self._certificate = certificate
        self._smtps = smtps
        self._end = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """All lines are cut, all threads end."""
        self._end.set()
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while not self._end.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        talk = _Talk(self, sock)
        with suppress(OSError, ssl.SSLError, ValueError):
            if self._smtps:
                talk.encrypt()
            talk.run()
        with suppress(OSError):
            talk.sock.shutdown(socket.SHUT_RDWR)
        talk.sock.close()

    def context(self) -> ssl.SSLContext:
        """With the certificate of this server."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(str(self._certificate))
        return made

    def hang(self) -> None:
        """Until the test ends."""
        self.hangs += 1
        self._end.wait(60)


class Standing:
    """A clock that stands, so that no deadline passes because the machine is busy; when the server begins to hang, an
    hour has passed."""

    def __init__(self, server: Scripted) -> None:
        self._server = server

    def now(self) -> datetime:
        """Nobody asks for it here."""
        raise NotImplementedError

    def monotonic(self) -> float:
        """Seconds."""
        return 3600.0 * self._server.hangs


class _Talk:
    def __init__(self, server: Scripted, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.read = b""
        self.recipient = ""

    def encrypt(self) -> None:
        self.sock = self.server.context().wrap_socket(self.sock, server_side=True)
        self.server._open.append(self.sock)

    def run(self) -> None:
        self.say("GREETING")
        while True:
            line = self.line()
            self.server.most_waiting = max(self.server.most_waiting, 1 + self.read.count(b"\r\n"))
            self.server.commands.append(line)
            step = line.split(" ")[0].upper()
            if step == "EHLO" and not self.server.script["EHLO"]:
                self.send("".join(f"250-{offer}\r\n" for offer in ("here", *self.server.offers)) + "250 HELP\r\n")
                continue
            if step == "RCPT":
                self.recipient = line[9 : line.index(">")]
            said = self.say(step if step in USUAL or step in self.server.script else "TOKEN")
            if step == "STARTTLS" and said.startswith("220"):
                self.encrypt()
            if step == "DATA" and said.startswith("354"):
                self.body()
            if step == "QUIT":
                return

    def body(self) -> None:
        while not (self.read.startswith(b".\r\n") or b"\r\n.\r\n" in self.read):
            self.more()
        if self.read.startswith(b".\r\n"):
            data, self.read = b"", self.read[3:]
        else:
            data, _, self.read = self.read.partition(b"\r\n.\r\n")
        self.server.mails.append((self.recipient, data.replace(b"\r\n..", b"\r\n.") + b"\r\n"))
        self.say("BODY")

    def say(self, step: str) -> str:
        waiting = self.server.script[step]
        answer = waiting.popleft() if waiting else USUAL[step]
        if callable(answer):
            answer(self.sock)
            return ""
        if answer == HANG:
            self.server.hang()
        if answer in (CUT, HANG):
            raise OSError
        self.send(answer + "\r\n")
        return answer

    def send(self, text: str) -> None:
        self.sock.sendall(text.encode("utf-8", "surrogateescape"))

    def line(self) -> str:
        while b"\r\n" not in self.read:
            self.more()
        line, _, self.read = self.read.partition(b"\r\n")
        return line.decode("utf-8", "replace")

    def more(self) -> None:
        more = self.sock.recv(65536)
        if not more:
            raise OSError
        self.read += more


def a_certificate(folder: Path, *, host: str = "127.0.0.1", name: str = "server.pem") -> Path:
    """A self-signed certificate with its key, for an address or a name, valid around now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.practice.example")])
    try:
        shown: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        shown = x509.DNSName(host)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([shown]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / name
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
