"""The wire over sockets that are not ready: how far a write came, and what TLS asks for in between."""

import itertools
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from outreach.clock import SystemClock
from outreach.deliveries.transports.smtp_wire import Deadline, Wire
from tests.contracts.smtp_scripts import a_certificate

BODY = 300_000
"""More than both ends keep when nobody reads."""


def over_tls(pem: Path, small: int) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """(our end, the server's), with little room on the way."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, small)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, small)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    found: list[ssl.SSLSocket] = []
    shaking = threading.Thread(target=lambda: found.append(server.wrap_socket(theirs, server_side=True)))
    shaking.start()
    us = ssl.create_default_context(cafile=str(pem)).wrap_socket(ours, server_hostname="127.0.0.1")
    shaking.join()
    return us, found[0]


def all_that_arrived(theirs: ssl.SSLSocket) -> int:
    theirs.settimeout(0.2)
    arrived = 0
    try:
        while more := theirs.recv(65536):
            arrived += len(more)
    except (TimeoutError, ssl.SSLError):
        pass
    return arrived


def test_over_tls_what_left_before_the_line_was_lost_is_counted(tmp_path: Path) -> None:
    """A final dot may be among it: a mail that counted as not handed over would leave twice."""
    ours, theirs = over_tls(a_certificate(tmp_path), 64 * 1024)
    # The time is over at the second look: not before something has left, however slow the machine.
    wire = Wire(ours, Deadline(itertools.count(0.0, 0.6).__next__, 1.0))
    with pytest.raises(TimeoutError):
        wire.write(b"x" * BODY)
    arrived = all_that_arrived(theirs)
    assert 0 < arrived <= wire.written < BODY
    wire.close()
    theirs.close()


class Renegotiating:
    """A socket whose TLS has to say something itself before it hands out what it has read."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._read = sock, b""

    def recv(self, count: int) -> bytes:
        if not self._read:
            self._read = self._sock.recv(count)
            raise ssl.SSLWantWriteError
        return self._read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def test_a_read_that_waits_for_a_write_goes_on_once_that_is_possible() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"250 ok\r\n")
    wire = Wire(Renegotiating(ours), Deadline(SystemClock().monotonic, 30))  # type: ignore[arg-type]
    assert wire.reply().code == 250
    wire.close()
    theirs.close()
