"""A conversation with an IMAP server that ends in time (RFC 3501): sign in, find, fetch, mark. `imaplib` speaks."""

import imaplib
import io
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from outreach.deliveries.transports.deadline import DeadlineReader, monotonic

TOTAL_SECONDS = 40.0
CONNECT_SECONDS = 5.0
LARGEST_MAIL = 32 * 1024 * 1024
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SIZES = re.compile(rb"(?=.*\bUID (\d{1,10}))(?=.*\bRFC822\.SIZE (\d{1,18}))")
FOLDER = re.compile(r"[\x20-\x7e]{1,200}")


class Trouble(Exception):
    """The mailbox cannot be read now; the text says why, without secrets."""


@dataclass(frozen=True)
class Box:
    """Which folder of which mailbox. `tls`: "tls" from the first byte, "starttls", or "plain" on this machine only."""

    host: str
    port: int
    tls: str
    user: str
    folder: str = "INBOX"
    password: str = field(default="", repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    """An access token (XOAUTH2) instead of the password. May raise OSError."""


class _Timely:
    """What both kinds of connection share: everything is over when the time is."""

    until = 0.0
    file: Any
    sock: Any

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        """The socket is there."""
        super().open(host, port, timeout)  # type: ignore[misc]
        self.watch()

    def watch(self) -> None:
        """Reading ends with the time."""
        self.file = io.BufferedReader(DeadlineReader(self.sock, self.file.detach(), self.until))

    def read(self, size: int) -> bytes:
        """A literal. Errors: abort for one that no mail of ours can have."""
        if size > LARGEST_MAIL + 1024:
            raise imaplib.IMAP4.abort("The mail server announced more than a mail can have.")
        found: bytes = super().read(size)  # type: ignore[misc]
        if len(found) < size:
            raise imaplib.IMAP4.abort("The mail server cut a mail short.")
        return found


class _Plain(_Timely, imaplib.IMAP4):
    pass


class _Secure(_Timely, imaplib.IMAP4_SSL):  # type: ignore[misc]
    pass


class Line:
    """An open folder."""

    def __init__(self, speaker: Any, until: float) -> None:
        """After signing in."""
        self._speaker, self._until = speaker, until
        self.validity = 0
        self.next_uid = 0
        self.may_mark = True

    @property
    def seconds_left(self) -> float:
        """Until everything must be over."""
        return self._until - monotonic()

    def select(self, folder: str) -> None:
        """The folder is open; `validity` and `next_uid` are what the server says. Errors: Trouble."""
        if not FOLDER.fullmatch(folder):
            raise Trouble("The folder's name is not one.")
        quoted = _quoted(folder)
        try:
            kind, _ = self._speaker.select(quoted)
        except imaplib.IMAP4.readonly:
            self.may_mark = False
            kind, _ = self._speaker.select(quoted, readonly=True)
        if kind != "OK":
            raise Trouble("The folder does not exist or may not be opened.")
        self.validity, self.next_uid = self._number("UIDVALIDITY"), self._number("UIDNEXT")

    def after(self, uid: int) -> list[int]:
        """The mails that came after this one, oldest first."""
        # A range that ends with a star always holds the last mail, whatever it begins with.
        return [each for each in self._search("UID", f"{uid + 1}:*") if each > uid]

    def unseen(self, *, until_uid: int, since: date) -> list[int]:
        """Older mails that nobody has read, oldest first."""
        day = f"{since.day:02d}-{MONTHS[since.month - 1]}-{since.year}"
        return [each for each in self._search("UNSEEN", "SINCE", day) if each <= until_uid]

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """{uid: bytes} of those that are still there."""
        _, lines = self._asked("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)")
        found = (SIZES.match(line) for line in lines if isinstance(line, bytes))
        return {int(match[1]): int(match[2]) for match in found if match}

    def fetch(self, uid: int, size: int) -> bytes | None:
        """The mail, or only its head when it is larger than any that we read; None when it is gone."""
        part = "BODY.PEEK[]" if size <= LARGEST_MAIL else "BODY.PEEK[HEADER]"
        _, lines = self._asked("FETCH", str(uid), f"({part})")
        return next((bytes(line[1]) for line in lines if isinstance(line, tuple)), None)

    def mark_seen(self, uid: int) -> None:
        """It counts as read for others too, where the server lets us; one that refuses is not asked again."""
        if self.may_mark:
            kind, _ = self._speaker.uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Seen)")
            self.may_mark = kind == "OK"

    def _search(self, *criteria: str) -> list[int]:
        _, lines = self._asked("SEARCH", *criteria)
        words = b" ".join(line for line in lines if isinstance(line, bytes)).split()
        return sorted({int(word) for word in words if word.isdigit() and len(word) <= 10})

    def _asked(self, *command: str) -> tuple[str, list[Any]]:
        kind, lines = self._speaker.uid(*command)
        if kind != "OK":
            raise Trouble(f"The mail server refused {command[0]}.")
        return kind, lines

    def _number(self, name: str) -> int:
        _, lines = self._speaker.response(name)
        word = lines[0] if lines and isinstance(lines[0], bytes) else b""
        return int(word) if word.isdigit() and len(word) <= 10 else 0


@contextmanager
def opened(box: Box) -> Iterator[Line]:
    """Signed in, with the folder open. Errors: Trouble, OSError, imaplib's own."""
    until = monotonic() + TOTAL_SECONDS
    speaker = _connected(box, until)
    try:
        _sign_in(speaker, box)
        line = Line(speaker, until)
        line.select(box.folder)
        yield line
        with suppress(OSError, imaplib.IMAP4.error):
            speaker.logout()
    finally:
        with suppress(OSError, imaplib.IMAP4.error, ValueError):
            speaker.shutdown()


def _connected(box: Box, until: float) -> Any:
    if box.tls == "plain" and box.host not in LOOPBACK:
        raise Trouble("The mailbox has no encryption, so the password is not sent to it.")
    kind = _Secure if box.tls == "tls" else _Plain
    timed = type(kind.__name__, (kind,), {"until": until})
    if box.tls == "tls":
        return timed(box.host, box.port, ssl_context=ssl.create_default_context(), timeout=CONNECT_SECONDS)
    speaker = timed(box.host, box.port, timeout=CONNECT_SECONDS)
    if box.tls == "starttls":
        speaker.starttls(ssl.create_default_context())
        speaker.watch()
    return speaker


def _sign_in(speaker: Any, box: Box) -> None:
    try:
        if box.token is None:
            speaker.login(_quoted(box.user), box.password)
        else:
            words = f"user={box.user}\x01auth=Bearer {box.token()}\x01\x01".encode()
            # A second challenge is the reason of a refusal: an empty answer brings the refusal itself.
            answers = iter([words])
            speaker.authenticate("XOAUTH2", lambda challenge: next(answers, b""))
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as refused:
        raise Trouble("The mail server refused the user or the password.") from refused


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
