"""One writer at a time in the value ledger: two people who enter something at the same second see each other."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

LEDGER_LOCK = 0x0DD7


def one_at_a_time(session: Session) -> None:
    """Until this turn is over nobody else weighs or writes value. Take it before weighing, after any other lock.

    PostgreSQL only: on SQLite every writing turn has the whole database to itself from its start.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LEDGER_LOCK)))
