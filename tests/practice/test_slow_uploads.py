"""Somebody with a slow line sends a form or a file: nobody else waits for it."""

import io
import socket
import sqlite3
import threading
from contextlib import suppress
from time import perf_counter

import pytest

from outreach import bodies
from outreach.deliveries.public_hooks import inbound_token
from outreach.web import MAX_UPLOAD_BYTES


class SlowLine(io.RawIOBase):
    """A body on its way; while it is read, the database must be free for others."""

    def __init__(self, body: bytes, database: str) -> None:
        super().__init__()
        self._body, self._database, self.reads = io.BytesIO(body), database, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        with sqlite3.connect(self._database, timeout=0.1, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        self.reads += 1
        return self._body.readinto(buffer)


def coming(line, length):
    return {"wsgi.input": line, "CONTENT_LENGTH": str(length)}


@pytest.mark.sqlite
@pytest.mark.parametrize("path", ["/login", "/hooks/sendgrid", "/hooks/inbound/TOKEN", "/p/x", "/contacts/import"])
@pytest.mark.parametrize(
    "sort", ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"]
)
def test_a_body_on_its_way_locks_nobody_out(app, runtime, maya, path, sort):
    path = path.replace("TOKEN", inbound_token(runtime.key))
    body = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nno mail\r\n--x--\r\n' + b" " * 200_000
    line = SlowLine(body, runtime.engine.url.database)
    answer = maya.post(path, content_type=sort, environ_overrides=coming(line, len(body)))
    assert answer.status_code < 500
    assert line.reads > 1


@pytest.mark.sqlite
def test_a_body_that_ends_early_is_no_whole_one(app, runtime, visitor):
    path = f"/hooks/inbound/{inbound_token(runtime.key)}"
    line = io.BytesIO(b"email=From%3A+x")
    sort = "application/x-www-form-urlencoded"
    answer = visitor.post(path, content_type=sort, environ_overrides=coming(line, 900))
    assert answer.status_code == 400


@pytest.mark.sqlite
def test_more_than_the_largest_upload_is_not_even_read(app, runtime, visitor):
    line = SlowLine(b"x" * 1000, runtime.engine.url.database)
    answer = visitor.post("/login", environ_overrides=coming(line, MAX_UPLOAD_BYTES + 1))
    assert answer.status_code in (400, 413)
    assert line.reads == 0


class Trickle(io.RawIOBase):
    """A sender that gives a byte now and then, for ever, until its line is cut."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__()
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        got = self._line.recv(1)
        buffer[: len(got)] = got
        return len(got)


def test_who_trickles_is_cut_off_and_answered(app, visitor, monkeypatch):
    monkeypatch.setattr(bodies, "SECONDS", 0.3)
    here, there = socket.socketpair()
    stop = threading.Event()

    def trickle():
        while not stop.wait(0.05):
            with suppress(OSError):
                there.send(b"x")

    sender = threading.Thread(target=trickle)
    sender.start()
    begun = perf_counter()
    answer = visitor.post(
        "/u/1/" + "x" * 22, environ_overrides={**coming(Trickle(here), 1000), "gunicorn.socket": here}
    )
    took = perf_counter() - begun
    stop.set()
    sender.join()
    here.close()
    there.close()
    assert answer.status_code == 400
    assert took < 20


def test_a_page_of_a_recipient_takes_no_file(runtime, visitor):
    line = SlowLine(b"x" * 1000, "")
    answer = visitor.post("/u/1/x", environ_overrides=coming(line, bodies.SMALL_BYTES + 1))
    assert answer.status_code == 413
    assert line.reads == 0
