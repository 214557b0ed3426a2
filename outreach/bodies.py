"""The body of a request is here, whole, before the application begins: a slow line then makes nobody else wait.

A turn that may write holds SQLite's write lock from its first question on. Were a form or a file still on its way by
then, one slow upload would stop sending, ticks and every other form until it is through.
"""

from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

IN_MEMORY_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


def whole_bodies(application: Application, *, largest: int) -> Any:
    """The application behind a door that takes each body over first; one that ends too early is answered with 400.

    `largest` in bytes: what says it is larger is not read at all, and the application refuses it by its length.
    """

    def whole(environ: Environ, start_response: Any) -> Iterable[bytes]:
        length = _length(environ)
        if length == 0 or (length is not None and length > largest):
            return application(environ, start_response)
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
            taken = _copy(environ["wsgi.input"], body, largest + 1 if length is None else length)
            if length is not None and taken < length:
                start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"The request ended too early. Nothing was stored.\n"]
            body.seek(0)
            return application({**environ, "wsgi.input": body}, start_response)

    return whole


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
