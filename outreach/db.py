"""The database: engines, column types and the declarative root that every room's tables hang on."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Engine,
    ExceptionContext,
    MetaData,
    String,
    Text,
    create_engine,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.types import TypeDecorator

CACHE_KIB = 8_000
"""Per connection, as far as it is used: what a group of mails changes fits in, and is written once, at the commit."""
CHECKPOINT_PAGES = 8_000
"""32 MB of log: pages that several groups change are copied into the database once."""
BUSY_TIMEOUT_MS = 15_000
QUICK_TIMEOUT_MS = 1_500
"""For the few pages that have a second way when the database is busy: they must not make a thread wait."""
SHOWING_VALUES = ("22",)
"""Classes of errors whose first sentence may show a value: data that does not fit."""
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant. Naive values are refused, so a local time can never slip in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in, UTC stored (SQLite keeps it as sortable text without zone)."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant must be aware")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Stored UTC, aware out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = Annotated[int, mapped_column(primary_key=True)]
Name = Annotated[str, mapped_column(String(200))]
Word = Annotated[str, mapped_column(String(40))]
"""A closed vocabulary: pair it with a CheckConstraint made by `one_of`."""
Line = Annotated[str, mapped_column(String(500))]
Prose = Annotated[str, mapped_column(Text)]


class Base(DeclarativeBase):
    """The root of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: Instant,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        list[str]: JSON,
        list[int]: JSON,
    }


def one_of(column: str, words: tuple[str, ...]) -> str:
    """SQL of a CHECK that holds a column to a closed vocabulary."""
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


def learn_sizes(session: Session, *tables: str) -> None:
    """PostgreSQL counts tables that just grew: until its own count, a minute later, it plans as if they were empty.

    Readers and writers do not wait for it, and it does not wait for another count. SQLite plans without counts.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"ANALYZE (SKIP_LOCKED) {', '.join(tables)}"))


def make_engine(url: str) -> Engine:
    """The writing engine: every transaction takes SQLite's write lock at its start, so none is refused half-way."""
    if not url.startswith("sqlite"):
        return _postgresql(url)
    return _sqlite(url, begin="BEGIN IMMEDIATE", query_only=False)


def make_reading_engine(url: str) -> Engine:
    """An engine that cannot write, for pages that only look: it never waits for a writer on SQLite."""
    if not url.startswith("sqlite"):
        return _postgresql(url, default_transaction_read_only="on", statement_timeout="30s")
    return _sqlite(url, begin="BEGIN", query_only=True)


def make_quick_engine(url: str) -> Engine:
    """A writing engine that gives up soon: a frozen writer must not make every thread of the web wait (C4)."""
    if not url.startswith("sqlite"):
        return _postgresql(url, connect_seconds=2, lock_timeout=f"{QUICK_TIMEOUT_MS}ms", statement_timeout="3s")
    return _sqlite(url, begin="BEGIN IMMEDIATE", query_only=False, wait_ms=QUICK_TIMEOUT_MS)


def _postgresql(url: str, *, connect_seconds: int = 10, **more: str) -> Engine:
    # What the server or its role is set to must change nothing: sessions speak UTC, and a commit is on the disk.
    session = {
        "timezone": "UTC",
        "datestyle": "ISO",
        "synchronous_commit": "on",
        "lock_timeout": f"{BUSY_TIMEOUT_MS}ms",
        "idle_in_transaction_session_timeout": "5min",
        # Short statements only: compiling one costs more than it saves.
        "jit": "off",
        **more,
    }
    engine = create_engine(
        url,
        # Without its parameters: a statement that fails is logged, and parameters are names and addresses.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
            "connect_timeout": connect_seconds,
            # A host that is gone without a word is noticed after 10 + 3 x 5 seconds (reliability A4).
            "keepalives": 1,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    )
    event.listen(engine, "handle_error", _name_no_values)
    return engine


def _name_no_values(context: ExceptionContext) -> None:
    """PostgreSQL adds the values to what it says ("Key (email)=(...) exists already"); logs get rule and table only."""
    told = getattr(context.original_exception, "diag", None)
    if told is None or told.message_primary is None:
        return
    about = f"{told.sqlstate}: " + (told.message_primary if told.sqlstate[:2] not in SHOWING_VALUES else "the data")
    words = " ".join(filter(None, (about, told.table_name, told.constraint_name)))
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            error.args = (f"({type(context.original_exception).__name__}) {words}", *error.args[1:])


def _sqlite(url: str, *, begin: str, query_only: bool, wait_ms: int = BUSY_TIMEOUT_MS) -> Engine:
    # timeout is the driver's busy timeout in seconds; isolation_level=None leaves BEGIN to us (reliability C2).
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": wait_ms / 1000, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "do_connect")
    def _keep_to_us(_dialect: Any, _record: Any, arguments: list[Any], _more: Any) -> None:
        # SQLite would make a new database for everybody on this machine to read; its log gets the same rights.
        with suppress(OSError):
            if not query_only and not arguments[0].startswith(":memory:"):
                os.close(os.open(arguments[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if not query_only:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={wait_ms}")
        cursor.execute(f"PRAGMA query_only={'ON' if query_only else 'OFF'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
