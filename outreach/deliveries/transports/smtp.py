"""Hands mail to an SMTP server: STARTTLS where it is offered, AUTH from the address, sessions kept open.

`smtplib` opens the session; the transaction is spoken step by step here, because the answer's meaning depends on the
step: before the final dot nothing was taken over, after it a lost answer is unknown (RFC 1047).
"""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from outreach.deliveries import mime
from outreach.deliveries.message import OutgoingMessage
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

MOST_PER_SESSION = 100
READY, OK = 354, 250
SERVICE_CLOSING = 421
BAD_MAILBOX_CODES = (550, 551, 553)
ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Refused(Exception):
    """A step was answered with a "no"; carries the outcome."""

    def __init__(self, outcome: Outcome) -> None:
        """With what it means."""
        super().__init__()
        self.outcome = outcome


class SmtpTransport:
    """Mail over one SMTP server, `smtp://[user:password@]host[:port]` or `smtps://…`."""

    name = "smtp"
    kind = "smtp"
    leaves_nothing = False
    lanes = 4

    def __init__(self, url: str) -> None:
        """Nothing is opened yet."""
        parts = urlsplit(url)
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._port = parts.port or (465 if self._tls else 587 if self._user else 25)
        self._idle: list[tuple[smtplib.SMTP, int]] = []
        self._lock = threading.Lock()

    def send(self, message: OutgoingMessage) -> Outcome:
        """The message is with the server, or the answer says why not."""
        try:
            raw = mime.build(message)
        except ValueError as broken:
            return Permanent(str(broken))
        try:
            session, used = self._session(message.from_email)
        except Refused as refused:
            return refused.outcome
        outcome = _transact(session, message, raw)
        if isinstance(outcome, Accepted | Permanent) and used + 1 < MOST_PER_SESSION and _reset(session):
            with self._lock:
                self._idle.append((session, used + 1))
        else:
            _quit(session)
        return outcome

    def at_once(self, kind: str) -> int:
        """Each message goes by itself."""
        return 1

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """One after the other."""
        return one_by_one(self, messages, go_on)

    def close(self) -> None:
        """All sessions are ended."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session, _ in idle:
            _quit(session)

    def _session(self, sender: str) -> tuple[smtplib.SMTP, int]:
        """A session in which the server took our sender address: an old one that has died is replaced here."""
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            session, used = kept or (self._connect(), 0)
            try:
                code, text = session.mail(sender)
            except (OSError, smtplib.SMTPException) as broken:
                _quit(session)
                if kept:
                    continue
                raise Refused(NotHandedOver(_told(broken))) from broken
            if code == OK:
                return session, used
            _quit(session)
            if kept and code == SERVICE_CLOSING:
                continue
            raise Refused(_of_sender(code, text))

    def _connect(self) -> smtplib.SMTP:
        try:
            session = self._opened()
        except smtplib.SMTPConnectError as broken:
            raise Refused(_of_server(broken.smtp_code, broken.smtp_error)) from broken
        except (OSError, smtplib.SMTPException) as broken:
            raise Refused(NotHandedOver(_told(broken))) from broken
        try:
            self._introduce(session)
        except smtplib.SMTPResponseException as broken:
            _quit(session)
            raise Refused(_of_server(broken.smtp_code, broken.smtp_error)) from broken
        except (OSError, smtplib.SMTPException) as broken:
            _quit(session)
            raise Refused(NotHandedOver(_told(broken))) from broken
        except Refused:
            _quit(session)
            raise
        if session.sock is not None:
            session.sock.settimeout(ANSWER_SECONDS)
        return session

    def _opened(self) -> smtplib.SMTP:
        ourselves = socket.gethostname() or "localhost"
        if self._tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(
                self._host, self._port, local_hostname=ourselves, timeout=CONNECT_SECONDS, context=context
            )
        return smtplib.SMTP(self._host, self._port, local_hostname=ourselves, timeout=CONNECT_SECONDS)

    def _introduce(self, session: smtplib.SMTP) -> None:
        session.ehlo_or_helo_if_needed()
        secure = self._tls
        if not secure and session.has_extn("starttls"):
            session.starttls(context=ssl.create_default_context())
            session.ehlo_or_helo_if_needed()
            secure = True
        if not self._user:
            return
        if not secure and self._host not in LOOPBACK:
            raise Refused(AccountProblem("The mail server offers no encryption, so the password is not sent to it."))
        try:
            session.login(self._user, self._password)
        except smtplib.SMTPNotSupportedError as broken:
            raise Refused(AccountProblem("The mail server offers no way to sign in.")) from broken
        except smtplib.SMTPAuthenticationError as broken:
            temporary = 400 <= broken.smtp_code < 500
            text = _words(broken.smtp_code, broken.smtp_error)
            raise Refused(RefusedForNow(text, busy=True) if temporary else AccountProblem(text)) from broken


def _transact(session: smtplib.SMTP, message: OutgoingMessage, raw: bytes) -> Outcome:
    try:
        code, text = session.rcpt(message.to_email)
        if code not in (OK, 251):
            return _of_recipient(code, text)
        code, text = session.docmd("DATA")
        if code != READY:
            return _of_message(code, text)
    except (OSError, smtplib.SMTPException) as broken:
        return NotHandedOver(_told(broken))
    try:
        session.send(_quoted(raw))
        code, text = session.getreply()
    except (OSError, smtplib.SMTPException) as broken:
        return Unknown(f"No answer after the message was sent: {_told(broken)}")
    return Accepted(text=_words(code, text)) if code == OK else _of_message(code, text)


def _quoted(raw: bytes) -> bytes:
    """The body with dots doubled at line starts (RFC 5321 section 4.5.2) and the final dot."""
    quoted = raw.replace(b"\r\n.", b"\r\n..")
    return (b"." + quoted if quoted.startswith(b".") else quoted) + b".\r\n"


def _of_server(code: int, text: bytes | str) -> Outcome:
    if 400 <= code < 500:
        return RefusedForNow(_words(code, text), busy=True)
    return AccountProblem(_words(code, text)) if code >= 500 else NotHandedOver(_words(code, text))


def _of_sender(code: int, text: bytes | str) -> Outcome:
    return RefusedForNow(_words(code, text), busy=True) if 400 <= code < 500 else AccountProblem(_words(code, text))


def _of_recipient(code: int, text: bytes | str) -> Outcome:
    words = _words(code, text)
    if 400 <= code < 500:
        return RefusedForNow(words, busy=code == SERVICE_CLOSING)
    # RFC 3463: X.1.n is about the address; X.7.n is policy and says nothing about it.
    enhanced = re.search(r"\b5\.(\d{1,3})\.\d{1,3}\b", words)
    return Permanent(words, bad_address=enhanced[1] == "1" if enhanced else code in BAD_MAILBOX_CODES)


def _of_message(code: int, text: bytes | str) -> Outcome:
    if 400 <= code < 500:
        return RefusedForNow(_words(code, text), busy=code == SERVICE_CLOSING)
    return Permanent(_words(code, text))


def _words(code: int, text: bytes | str) -> str:
    """The server's words without anything that looks like an address: they are stored and shown."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    shown = ADDRESS.sub("(address)", " ".join(said.split()))
    return f"{code} {shown}"[:300]


def _told(broken: Exception) -> str:
    reason = getattr(broken, "strerror", None) or type(broken).__name__
    return f"The mail server did not answer ({reason})."[:300]


def _reset(session: smtplib.SMTP) -> bool:
    try:
        return bool(session.rset()[0] == OK)
    except (OSError, smtplib.SMTPException):
        return False


def _quit(session: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):
        session.quit()
    with suppress(OSError, smtplib.SMTPException):
        session.close()
