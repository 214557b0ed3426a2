"""Opens a session with an SMTP server: connect, TLS, EHLO, sign in. `smtplib` speaks, our wire keeps the time."""

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from outreach.deliveries.transports import smtp_answers
from outreach.deliveries.transports.protocol import CONNECT_SECONDS, AccountProblem, NotHandedOver, Outcome
from outreach.deliveries.transports.smtp_wire import Deadline, Reply, Wire

READY, SIGNED_IN, GO_ON = 220, 235, 334
HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
NO_ENCRYPTION = "The mail server offers no encryption, so nothing is sent to it."
NO_SAFE_SIGN_IN = "The mail server offers no encryption, so the password is not sent to it."


class Refused(Exception):
    """There is no session; carries the outcome for what would have gone over it."""

    def __init__(self, outcome: Outcome) -> None:
        """With what it means."""
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True)
class Server:
    """Which server, and how we sign in there: with `token` (XOAUTH2) where there is one, else with `password`."""

    host: str
    port: int
    tls: bool = False
    """TLS from the first byte (smtps)."""
    must_encrypt: bool = False
    """No mail without TLS, also where nobody signs in."""
    ca_file: Path | None = None
    """PEM certificates to trust instead of the machine's own, for a private relay."""
    user: str = ""
    password: str = field(default="", repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    """Asked for each session, because such tokens live for an hour. May raise OSError."""


@dataclass(frozen=True)
class Opened:
    """A session that is ready for MAIL, and what the server offers on it."""

    wire: Wire
    secure: bool
    pipelining: bool
    dsn: bool


def opened(server: Server, context: Callable[[], ssl.SSLContext], deadline: Deadline) -> Opened:
    """A session with that server. Errors: Refused; nothing of any message has been sent then."""
    try:
        wire = Wire(_connected(server, deadline), deadline)
    except (OSError, UnicodeError) as broken:
        raise Refused(NotHandedOver(smtp_answers.told(broken))) from broken
    try:
        return _introduced(server, context, wire)
    except smtplib.SMTPResponseException as broken:
        wire.close()
        raise Refused(smtp_answers.of_server(_reply(broken.smtp_code, broken.smtp_error))) from broken
    except (OSError, UnicodeError) as broken:
        wire.close()
        raise Refused(NotHandedOver(smtp_answers.told(broken))) from broken
    except BaseException:
        wire.close()
        raise


class _Speaker(smtplib.SMTP):
    """The standard library's commands over our wire."""

    def __init__(self, wire: Wire) -> None:
        name = socket.gethostname()
        super().__init__(local_hostname=name if HOST_NAME.fullmatch(name) else "localhost")
        self.wire = wire

    def send(self, s: Any) -> None:
        self.wire.write(s.encode("ascii") if isinstance(s, str) else bytes(s))

    def getreply(self) -> tuple[int, bytes]:
        return self.wire.reply()

    def greet_again(self) -> None:
        """What was said before TLS counts for nothing (RFC 3207 section 4.2)."""
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.ehlo_or_helo_if_needed()


def _connected(server: Server, deadline: Deadline) -> socket.socket:
    """To the first of its addresses that answers; all of them together within the deadline."""
    broken: OSError = ConnectionError(None, "the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.within(CONNECT_SECONDS).left())
            sock.connect(address)
            # A body's last, short packet must not wait for the acknowledgement of the one before.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as failed:
            sock.close()
            broken = failed
        else:
            return sock
    raise broken


def _introduced(server: Server, context: Callable[[], ssl.SSLContext], wire: Wire) -> Opened:
    here = ip_address(wire.sock.getpeername()[0].partition("%")[0]).is_loopback
    if server.tls:
        _encrypt(server, context, wire)
    greeting = wire.reply()
    if greeting.code != READY:
        raise Refused(smtp_answers.of_server(greeting))
    speaker = _Speaker(wire)
    speaker.ehlo_or_helo_if_needed()
    secure = server.tls
    if not secure and speaker.has_extn("starttls"):
        _ask(speaker, "STARTTLS")
        # Words that came before the handshake were not protected: nobody knows who said them.
        wire.nothing_unasked()
        _encrypt(server, context, wire)
        speaker.greet_again()
        secure = True
    if server.must_encrypt and not secure:
        raise Refused(AccountProblem(NO_ENCRYPTION))
    if server.user:
        if not may_sign_in(secure=secure, here=here):
            raise Refused(AccountProblem(NO_SAFE_SIGN_IN))
        _sign_in(speaker, server)
    return Opened(wire, secure, speaker.has_extn("pipelining"), speaker.has_extn("dsn"))


def may_sign_in(*, secure: bool, here: bool) -> bool:
    """Whether a password or token may be said: over TLS, or to this very machine."""
    return secure or here


def _encrypt(server: Server, context: Callable[[], ssl.SSLContext], wire: Wire) -> None:
    try:
        trusted = context()
    except OSError as broken:
        raise Refused(AccountProblem("The file with the mail server's certificates cannot be read.")) from broken
    wire.sock.settimeout(wire.deadline.left())
    wire.sock = trusted.wrap_socket(wire.sock, server_hostname=server.host)


def _ask(speaker: _Speaker, command: str) -> None:
    code, words = speaker.docmd(command)
    if code != READY:
        raise Refused(smtp_answers.of_server(_reply(code, words)))


def _sign_in(speaker: _Speaker, server: Server) -> None:
    known = speaker.esmtp_features.get("auth", "").upper().split()
    if server.token is not None:
        if "XOAUTH2" not in known:
            raise Refused(AccountProblem("The mail server takes no tokens (XOAUTH2)."))
        code, words = speaker.docmd("AUTH", f"XOAUTH2 {_coded(_token_words(server.user, server.token))}")
        if code == GO_ON:
            # The reason comes as a challenge; an empty answer brings the real refusal.
            code, words = speaker.docmd("")
    elif "PLAIN" in known:
        code, words = speaker.docmd("AUTH", "PLAIN " + _coded(f"\0{server.user}\0{server.password}"))
    elif "LOGIN" in known:
        code, words = speaker.docmd("AUTH", f"LOGIN {_coded(server.user)}")
        if code == GO_ON:
            code, words = speaker.docmd(_coded(server.password))
    else:
        raise Refused(AccountProblem("The mail server offers no way to sign in that we know."))
    if code != SIGNED_IN:
        raise Refused(smtp_answers.of_login(_reply(code, words)))


def _token_words(user: str, token: Callable[[], str]) -> str:
    try:
        return f"user={user}\1auth=Bearer {token().strip()}\1\1"
    except (OSError, UnicodeError) as broken:
        raise Refused(AccountProblem("The token for the mail server cannot be read.")) from broken


def _coded(text: str) -> str:
    """RFC 4616 section 2 says UTF-8."""
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _reply(code: int, words: bytes | str) -> Reply:
    return Reply(code, words if isinstance(words, bytes) else words.encode("utf-8", "replace"))


def quit_all(wires: list[Wire], deadline: Deadline) -> None:
    """Each is told goodbye and closed, all together within the deadline."""
    for wire in wires:
        wire.deadline = deadline
        with suppress(OSError):
            wire.write(b"QUIT\r\n")
    for wire in wires:
        with suppress(OSError):
            wire.reply()
        with suppress(OSError):
            wire.close()
