"""One line to an SMTP server: bytes out, replies in, each within what is left of a deadline."""

import math
import re
import socket
import ssl
from collections.abc import Callable
from select import POLLIN, POLLOUT, poll
from typing import NamedTuple

LONGEST_LINE = 4096
"""RFC 5321 section 4.5.3.1.5 allows 512; some servers say more."""
MOST_LINES = 100
READ_BYTES = 16 * 1024
RECORD_BYTES = 16 * 1024
"""What one TLS record holds: of more at once nobody could say how much of it has left when the line is lost."""
CLOSING = 421
"""RFC 5321 section 3.8: may come at any time, and the server closes the line after it."""
SIMPLE = re.compile(rb"([2-5][0-9][0-9]) ([^\r\n]{0,512})\r\n")
"""A reply of one line, as nearly all are."""
SEPARATORS = (b"", b" ", b"-")

Monotonic = Callable[[], float]


class Deadline:
    """An instant by which something has ended, however slowly the other side drips."""

    __slots__ = ("_monotonic", "_until")

    def __init__(self, monotonic: Monotonic, seconds: float) -> None:
        """So many seconds from now."""
        self._monotonic = monotonic
        self._until = monotonic() + seconds

    def left(self) -> float:
        """Seconds, more than 0. Errors: TimeoutError once there are none."""
        seconds = self._until - self._monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def has(self, seconds: float) -> bool:
        """Whether at least so many seconds are left."""
        return self._until - self._monotonic() >= seconds

    def within(self, seconds: float) -> "Deadline":
        """This deadline, or one in so many seconds when that is sooner. Errors: TimeoutError when it has passed."""
        return Deadline(self._monotonic, min(seconds, self.left()))


class NotSmtp(OSError):
    """The other side said something that is no SMTP reply, or a reply nobody asked for."""

    def __init__(self) -> None:
        """Its words are not kept: they may be anything."""
        super().__init__(None, "it does not speak SMTP")


class Reply(NamedTuple):
    """Code from 200 to 599, and the words of all its lines with LF between them."""

    code: int
    words: bytes


class Wire:
    """A connected socket, plain or TLS. `deadline` is set by whoever talks next."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        """Replies may be read at once."""
        self.sock = sock
        self.deadline = deadline
        self.written = 0
        """Bytes of the last `write` that the machine's network has taken, also when it failed."""
        self._read = bytearray()

    def write(self, data: bytes) -> None:
        """All bytes are under way. Errors: OSError (TimeoutError); `written` says how far it came."""
        self.written = 0
        rest = memoryview(data)
        most = RECORD_BYTES if isinstance(self.sock, ssl.SSLSocket) else len(data)
        self._never_block()
        while rest:
            try:
                sent = self.sock.send(rest[:most])
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(POLLOUT)
            except ssl.SSLWantReadError:
                self._wait(POLLIN)
            else:
                self.written += sent
                rest = rest[sent:]

    def reply(self) -> Reply:
        """The next reply. Errors: OSError (NotSmtp, ConnectionError when the line was cut, TimeoutError)."""
        if self._read and (found := SIMPLE.match(self._read)):
            code, said, end = int(found[1]), found[2], found.end()
            del self._read[:end]
            return Reply(code, bytes(said))
        line = self._line()
        code = _code(line)
        if line[3:4] != b"-":
            return Reply(code, bytes(line[4:]))
        words = [bytes(line[4:])]
        while line[3:4] == b"-":
            line = self._line()
            if _code(line) != code or len(words) >= MOST_LINES:
                raise NotSmtp
            words.append(bytes(line[4:]))
        return Reply(code, b"\n".join(words))

    def nothing_unasked(self) -> None:
        """Everything that was read has been used. Errors: NotSmtp, because a stray reply would answer for the next."""
        if self._read:
            raise NotSmtp

    def quiet(self) -> bool:
        """Nothing waits to be read: neither words nor the end of the line."""
        waiting = poll()
        waiting.register(self.sock, POLLIN)
        return not self._read and not waiting.poll(0)

    def close(self) -> None:
        """The socket is given back."""
        self.sock.close()

    def _received(self) -> bytes:
        """What comes next; nothing at the end of the line. A reply is waited for before it is asked for."""
        self._never_block()
        if not (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            self._wait(POLLIN)
        while True:
            try:
                return self.sock.recv(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(POLLIN)
            except ssl.SSLWantWriteError:
                self._wait(POLLOUT)

    def _never_block(self) -> None:
        """Waiting is done here: a socket that waits by itself is told anew before every step how long."""
        if self.sock.gettimeout() != 0:
            self.sock.settimeout(0)

    def _wait(self, ready: int) -> None:
        """Until the socket is ready. Errors: TimeoutError."""
        waiting = poll()
        waiting.register(self.sock, ready)
        while not waiting.poll(math.ceil(self.deadline.left() * 1000)):
            pass

    def _line(self) -> bytearray:
        """Without its line end."""
        read = self._read
        end = read.find(b"\n")
        while end < 0:
            if len(read) > LONGEST_LINE:
                raise NotSmtp
            more = self._received()
            if not more:
                raise ConnectionResetError(None, "the line was cut")
            read += more
            end = read.find(b"\n")
        if end > LONGEST_LINE:
            raise NotSmtp
        line = read[:end]
        del read[: end + 1]
        return line.removesuffix(b"\r")


def _code(line: bytearray) -> int:
    if not line[:3].isdigit() or bytes(line[3:4]) not in SEPARATORS:
        raise NotSmtp
    code = int(line[:3])
    if not 200 <= code < 600:
        raise NotSmtp
    return code
