"""HTTP connections on which one exchange ends in time, however slowly the other side drips its answer.

A socket's timeout counts anew with every byte that arrives; here each wait gets what is left of the whole.
"""

import io
import socket
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from outreach.clock import SystemClock
from outreach.deliveries.transports.protocol import ANSWER_SECONDS, CONNECT_SECONDS

LONGEST_IDLE_SECONDS = 20.0
"""An idle connection is not used again later: the other side may be closing it just then, and a request that meets
that is lost without anybody knowing whether it was read."""
SLICE = 64 * 1024
monotonic: Callable[[], float] = SystemClock().monotonic


class DeadlineReader(io.RawIOBase):
    """Reads a socket until an instant; afterwards every read is a TimeoutError."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, until: float) -> None:
        """`raw` is the socket's own unbuffered file, which keeps it open; `until` in monotonic seconds."""
        super().__init__()
        self._sock, self._raw, self._until = sock, raw, until

    def readable(self) -> bool:
        """It only reads."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Some bytes. Errors: TimeoutError, OSError."""
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("The answer took too long.")
        if self._sock.fileno() >= 0:
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """The socket is let go."""
        self._raw.close()
        super().close()


class _Timely:
    """What the two kinds of connection share: a request with a deadline, and no old connection used again."""

    sock: socket.socket | None
    _until = 0.0
    _used_at: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use it again."""
        idle = self._used_at is not None and monotonic() - self._used_at > LONGEST_IDLE_SECONDS
        return not idle and bool(super().is_connected)  # type: ignore[misc]

    def request(self, *arguments: Any, **named: Any) -> None:
        """The clock starts."""
        self._until = monotonic() + ANSWER_SECONDS
        super().request(*arguments, **named)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """In slices, each within what is left. Errors: TimeoutError, OSError."""
        if not isinstance(data, bytes) or self.sock is None:
            super().send(data)  # type: ignore[misc]
            return
        for start in range(0, len(data), SLICE):
            left = self._until - monotonic()
            if left <= 0:
                raise TimeoutError("The request took too long.")
            self.sock.settimeout(left)
            super().send(data[start : start + SLICE])  # type: ignore[misc]

    def response_class(self, sock: socket.socket, *arguments: Any, **named: Any) -> HTTPResponse:
        """The answer, read through the deadline."""
        answer = HTTPResponse(sock, *arguments, **named)
        answer.fp = io.BufferedReader(DeadlineReader(sock, answer.fp.detach(), self._until))
        return answer

    def getresponse(self) -> Any:
        """The head of the answer has come."""
        answer = super().getresponse()  # type: ignore[misc]
        self._used_at = monotonic()
        return answer


class TimelyHTTP(_Timely, HTTPConnection):  # type: ignore[misc]
    """Plain, for loopback."""


class TimelyHTTPS(_Timely, HTTPSConnection):  # type: ignore[misc]
    """Encrypted."""


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = TimelyHTTP


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = TimelyHTTPS


def pool_of(connections: int) -> urllib3.PoolManager:
    """Kept-alive connections, at most so many at once; no repeats, no redirects, nothing without an end."""
    pool = urllib3.PoolManager(
        num_pools=2,
        maxsize=connections,
        block=True,
        retries=False,
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
    )
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return pool
