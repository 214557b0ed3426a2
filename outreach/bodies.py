"""The body of a request is here, whole, before the application begins: a slow line then makes nobody else wait.

A turn that may write holds SQLite's write lock from its first question on. Were a form or a file still on its way by
then, one slow upload would stop sending, ticks and every other form until it is through.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from tempfile import SpooledTemporaryFile
from threading import Timer
from typing import IO, Any

IN_MEMORY_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024
SECONDS = 5.0
SLOWEST_BYTES_PER_SECOND = 16 * 1024
"""Whoever is slower than this holds one of a few threads for nothing; five seconds are granted on top."""
SMALL = ("/u/", "/p/", "/r/", "/v/", "/l/", "/f/", "/friend/", "/come/")
SMALL_BYTES = 256 * 1024
"""Pages of recipients take a few words: more is not read."""

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


def whole_bodies(application: Application, *, largest: int) -> Any:
    """The application behind a door that takes each body over first; one that ends too early is answered with 400.

    `largest` in bytes: what says it is larger is not read at all, and the application refuses it by its length. What
    trickles in is cut off, however often a byte comes: a few such senders would otherwise hold every thread.
    """

    def whole(environ: Environ, start_response: Any) -> Iterable[bytes]:
        length = _length(environ)
        most = SMALL_BYTES if environ.get("PATH_INFO", "").startswith(SMALL) else largest
        if length == 0 or (length is not None and length > largest):
            return application(environ, start_response)
        if length is not None and length > most:
            start_response("413 Content Too Large", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"That is too much for this page. Nothing was stored.\n"]
        wanted = most + 1 if length is None else length
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
            with _cut_off(environ.get("gunicorn.socket"), after=SECONDS + wanted / SLOWEST_BYTES_PER_SECOND):
                taken = _copy(environ["wsgi.input"], body, wanted)
            if length is not None and taken < length:
                start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"The request ended too early. Nothing was stored.\n"]
            body.seek(0)
            return application({**environ, "wsgi.input": body}, start_response)

    return whole


@contextmanager
def _cut_off(line: Any, *, after: float) -> Iterator[None]:
    """Nothing more is read from this line after so many seconds; what is answered still leaves by it."""

    def end() -> None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RD)

    if line is None:
        yield
        return
    watch = Timer(after, end)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _length(environ: Environ) -> int | None:
    """How many bytes were announced; None when they come in chunks until their end."""
    announced = environ.get("CONTENT_LENGTH") or ""
    if announced.isascii() and announced.isdigit():
        return int(announced)
    return None if environ.get("wsgi.input_terminated") else 0


def _copy(source: Any, target: IO[bytes], most: int) -> int:
    taken = 0
    while taken < most and (piece := source.read(min(PIECE_BYTES, most - taken))):
        target.write(piece)
        taken += len(piece)
    return taken
