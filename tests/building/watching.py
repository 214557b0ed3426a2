"""What the database was asked: the statements, their plans, and how much work they were, without a clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from outreach.runtime import Runtime

STEPS_PER_CALL = 50
HISTORY = """INSERT INTO delivery (source, source_id, step, contact_id, occurrence, message_id, kind, mail_class,
 topic, audience_class, email, to_name, state, reason, priority, zone, not_before_at, due_at, transport, attempts,
 sent_at, fact_rank, last_error, created_at, updated_at)
WITH RECURSIVE n(i) AS (SELECT CAST(:first AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < :last)
SELECT 'old', i, '', NULL, '', :message, 'newsletter', 'commercial', 'newsletter', 'provider', '', '', 'delivered', '',
 0, 'UTC', '2025-03-02', '2025-03-02', 'memory', 1, '2025-03-02', 0, '', '2025-03-02', '2025-03-02' FROM n"""


@dataclass
class Said:
    """One statement as the driver got it. `many` when it was executed for each of a list of rows."""

    statement: str
    parameters: Any
    many: bool


@contextmanager
def said(runtime: Runtime) -> Iterator[list[Said]]:
    """The statements of the block, in order."""
    kept: list[Said] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        kept.append(Said(statement, parameters, many))

    for engine in (runtime.engine, runtime.reading_engine):
        event.listen(engine, "before_cursor_execute", note)
    yield kept
    for engine in (runtime.engine, runtime.reading_engine):
        event.remove(engine, "before_cursor_execute", note)


def add_history(session: Session, message: int, first: int, last: int) -> None:
    """Rows of the ledger that were delivered long ago, and what the planner needs to know of them."""
    session.execute(text(HISTORY), {"first": first, "last": last, "message": message})
    session.execute(text("ANALYZE"))


def plan_of(session: Session, one: Said, *, small: bool = False) -> str:
    """How the database carries the statement out. `small`: PostgreSQL minds indexes although the table is small."""
    parameters = one.parameters[0] if one.many else one.parameters
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one.statement}", parameters)
        return " | ".join(row[3] for row in rows)
    session.execute(text(f"SET LOCAL enable_seqscan = {'off' if small else 'on'}"))
    return " | ".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {one.statement}", parameters))


def plans_of(session: Session, statements: list[Said], about: str, *, small: bool = False) -> dict[str, str]:
    """{statement: plan} of those that read or change this table."""
    wanted = (f"FROM {about} ", f"FROM {about}\n", f"JOIN {about} ", f"UPDATE {about} ")
    hot = [one for one in statements if any(each in f"{one.statement} " for each in wanted)]
    return {one.statement: plan_of(session, one, small=small) for one in hot}


WHOLE = ("USING INDEX uq_", "USING INDEX sqlite_autoindex", "USING INDEX ix_delivery_contact_id_sent_at")
"""The other indexes of the ledger hold a part of the rows only."""


def walks_over(plan: str, table: str) -> bool:
    """Whether the plan reads the whole table, by itself or along an index that has all its rows."""
    lines = [line.strip() for line in plan.split("|")]
    whole = [line for line in lines if line == f"SCAN {table}" or line.startswith(f"SCAN {table} USING")]
    return any(_has_all_rows(line, table) for line in whole) or f"Seq Scan on {table} " in plan


def _has_all_rows(line: str, table: str) -> bool:
    rest = line.removeprefix(f"SCAN {table}").strip().replace("COVERING ", "")
    return not rest or any(rest.startswith(each) for each in WHOLE) or not table.startswith("delivery")


@contextmanager
def work_of(session: Session) -> Iterator[list[int]]:
    """[how many thousands of small steps SQLite made in the block]: rows that are looked at cost steps."""
    steps = [0]

    def more() -> int:
        steps[0] += STEPS_PER_CALL
        return 0

    driver: Any = session.connection().connection.driver_connection
    driver.set_progress_handler(more, STEPS_PER_CALL)
    yield steps
    driver.set_progress_handler(None, STEPS_PER_CALL)
