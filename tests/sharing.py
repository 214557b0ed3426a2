"""What tests share that each would otherwise make anew: templates as code, and statements as SQL.

Every test has an app and engines of its own. Compiling its templates and statements took half of a screen test.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Dialect, Engine

from outreach import db


class _CompiledOnce(BytecodeCache):
    """Templates as code, by name and file; the bucket compares the text's checksum."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Nothing for a template that no test has asked for yet."""
        if bucket.key in self._known:
            bucket.load_bytecode(BytesIO(self._known[bucket.key]))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """For the apps to come."""
        kept = BytesIO()
        bucket.write_bytecode(kept)
        self._known[bucket.key] = kept.getvalue()


_dialects: dict[str, Dialect] = {}
_statements: dict[str, dict[Any, Any]] = {}


def share_templates() -> None:
    """All apps that are made from now on use one cache."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _CompiledOnce()}


def share_statements() -> None:
    """The program's engines use one dialect per sort of database, once `speaks` knows it, and so one cache."""
    db._sqlite = _sharing(db._sqlite)
    db._postgresql = _sharing(db._postgresql)


def speaks(engine: Engine) -> None:
    """An engine of the program that has been connected: its dialect knows the server."""
    name = engine.dialect.name
    if name not in _dialects:
        _dialects[name], _statements[name] = engine.dialect, {}


def _sharing(make: Callable[..., Engine]) -> Callable[..., Engine]:
    def made(*given: Any, **named: Any) -> Engine:
        engine = make(*given, **named)
        # The cache's keys hold the dialect itself.
        if known := _dialects.get(engine.dialect.name):
            engine.dialect = known
            engine.update_execution_options(compiled_cache=_statements[known.name])
        return engine

    return made
