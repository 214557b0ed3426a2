"""Hands mail to an SMTP server: sessions kept open, several messages pipelined over one of them."""

import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from outreach.clock import Clock, SystemClock
from outreach.deliveries.mail import headers, mime
from outreach.deliveries.mail.message import OutgoingMessage
from outreach.deliveries.transports.protocol import ANSWER_SECONDS, GoOn, Outcome
from outreach.deliveries.transports.smtp_handing import Handing, Signer
from outreach.deliveries.transports.smtp_opening import Server, opened, quit_all
from outreach.deliveries.transports.smtp_session import TEST_SECONDS, Session
from outreach.deliveries.transports.smtp_wire import Deadline

MOST_PER_SESSION = 100
OPENING_SECONDS = 10.0
"""Connect, TLS, EHLO and signing in together. With `ANSWER_SECONDS` it stays well below the lease of a row."""
IDLE_SECONDS = 60.0
QUIT_SECONDS = 2.0
SUBMISSION, SECURE_SUBMISSION, RELAY = 587, 465, 25


class SmtpTransport:
    """Mail over one SMTP server, `smtp://[user:password@]host[:port]` or `smtps://…`."""

    name = "smtp"
    kind = "smtp"
    leaves_nothing = False
    lanes = 8

    def __init__(
        self,
        url: str,
        *,
        must_encrypt: bool = False,
        ca_file: Path | None = None,
        token: Callable[[], str] | None = None,
        sign: Signer | None = None,
        own_return_path: bool = True,
        most_per_session: int = MOST_PER_SESSION,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is opened yet.

        `token` answers an access token for the user in the URL (XOAUTH2), asked for each session. `sign` answers the
        mail with its DKIM signature. `own_return_path`: messages that name one leave under their own envelope sender.
        """
        self._server = _server(url, must_encrypt=must_encrypt, ca_file=ca_file, token=token)
        self._sign = sign
        self._own_return_path = own_return_path
        self._most_per_session = most_per_session
        self.answer_seconds = answer_seconds
        self._monotonic = (clock or SystemClock()).monotonic
        self._idle: list[Session] = []
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    @property
    def host(self) -> str:
        """The server's name or address."""
        return self._server.host

    def send(self, message: OutgoingMessage) -> Outcome:
        """The message is with the server, or the answer says why not."""
        return self.send_many([message], go_on=lambda: True)[0]

    def at_once(self, kind: str) -> int:
        """So many share a session, one after the other without waiting in between."""
        return 50

    def send_many(self, messages: Sequence[OutgoingMessage], *, go_on: GoOn) -> list[Outcome]:
        """Over one session, anew where the server ends it. After a lost line the rest is left for another time."""
        return Handing(self, messages, go_on).run()

    def close(self) -> None:
        """All sessions are ended."""
        with self._lock:
            idle, self._idle = self._idle, []
        quit_all([session.wire for session in idle], self.deadline(QUIT_SECONDS))

    def deadline(self, seconds: float | None = None) -> Deadline:
        """So many seconds from now; `answer_seconds` when none are given."""
        return Deadline(self._monotonic, self.answer_seconds if seconds is None else seconds)

    def written(self, message: OutgoingMessage) -> bytes:
        """The mail as it leaves, signed where there is a key. Errors: ValueError for what must not leave."""
        raw = mime.build(message)
        return self._sign(raw, message) if self._sign else raw

    def sender(self, message: OutgoingMessage) -> str:
        """The envelope sender: the message's own return path where it has one that the server allows."""
        return (
            headers.address(message.return_path or message.from_email) if self._own_return_path else message.from_email
        )

    def no_own_return_path(self) -> None:
        """The server allows no envelope sender but ours: bounces come to the sender's own mailbox from now on."""
        self._own_return_path = False

    def session(self) -> Session:
        """An open session: one that was kept and still lives, else a new one. Errors: Refused."""
        kept = self._kept()
        if kept is not None:
            fresh = self._monotonic() - kept.idle_since < IDLE_SECONDS and kept.wire.quiet()
            if fresh or kept.alive(self.deadline(TEST_SECONDS)):
                return kept
            kept.wire.close()
        return self.new_session()

    def new_session(self, deadline: Deadline | None = None) -> Session:
        """A session that nobody has used. Errors: Refused."""
        answer = opened(self._server, self._trusted, deadline or self.deadline(OPENING_SECONDS))
        if answer.secure and not self._server.must_encrypt:
            # A server that offered TLS once and no longer does has somebody in between.
            self._server = replace(self._server, must_encrypt=True)
        return Session(answer)

    def has_room(self, session: Session, more: int = 1) -> bool:
        """Whether it may carry so many more messages."""
        return session.usable and session.used + more <= self._most_per_session

    def give_back(self, session: Session) -> None:
        """It is kept for the next call, or ended."""
        if self.has_room(session):
            session.idle_since = self._monotonic()
            with self._lock:
                self._idle.append(session)
        elif session.usable:
            quit_all([session.wire], self.deadline(QUIT_SECONDS))
        else:
            session.wire.close()

    def _kept(self) -> Session | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _trusted(self) -> ssl.SSLContext:
        """Made once: reading the machine's certificates takes longer than a mail."""
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._server.ca_file)
        return self._context


def _server(url: str, *, must_encrypt: bool, ca_file: Path | None, token: Callable[[], str] | None) -> Server:
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    user = unquote(parts.username or "")
    return Server(
        host=parts.hostname or "localhost",
        port=parts.port or (SECURE_SUBMISSION if tls else SUBMISSION if user else RELAY),
        tls=tls,
        must_encrypt=must_encrypt,
        ca_file=ca_file,
        user=user,
        password=unquote(parts.password or ""),
        token=token,
    )
