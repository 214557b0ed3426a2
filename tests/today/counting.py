"""Counts the statements that a request sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from outreach.runtime import Runtime


@contextmanager
def statements(runtime: Runtime) -> Iterator[list[str]]:
    """The texts of everything executed inside the block, on both engines."""
    said: list[str] = []

    def listen(_connection: Any, _cursor: Any, text: str, *_more: Any) -> None:
        said.append(text)

    for engine in (runtime.engine, runtime.reading_engine):
        event.listen(engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        for engine in (runtime.engine, runtime.reading_engine):
            event.remove(engine, "before_cursor_execute", listen)
