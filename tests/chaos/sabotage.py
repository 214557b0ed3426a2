"""Takes one rule away, so that the auditor can show that it would see: the negative controls.

Rules are removed from the statements on their way to the database (and from the tables made for the control), so no
control depends on how the application's functions are cut.
"""

import re
from typing import Any

from sqlalchemy import Engine, event

from outreach.deliveries.models import LEDGER

RULES = ("fence", "token", "unique", "suppression", "synchronous")
TOKEN = re.compile(r"((?:delivery\.)?token = (\?|%\(\w+\)s(?:::\w+)?|:\w+))", re.IGNORECASE)
SUPPRESSION = re.compile(r"\bFROM suppression\b", re.IGNORECASE)


def apply(engine: Engine, rule: str | None) -> None:
    """Statements of this engine are written without the rule; None takes nothing away."""
    if rule is None:
        return
    assert rule in RULES, rule
    if rule == "synchronous":
        _careless(engine)
    change = {"token": _no_token, "suppression": _no_suppression, "fence": _no_fence}.get(rule)
    if change is None:
        return

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def _rewrite(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> Any:
        return change(statement, parameters)


def fill_up(engine: Engine, pages: int) -> None:
    """As if the disk were full: SQLite refuses (SQLITE_FULL) every write that needs more pages than these."""

    @event.listens_for(engine, "connect")
    def _limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")


def unkey(rule: str | None) -> None:
    """Without "unique", the ledger's table is made without its two unique keys (this process only)."""
    if rule != "unique":
        return
    LEDGER.constraints = {each for each in LEDGER.constraints if each.name != "uq_delivery_once"}
    LEDGER.indexes = {each for each in LEDGER.indexes if each.name != "uq_delivery_address"}


def let_states_jump(engine: Engine) -> None:
    """The ledger's triggers are gone: without a fence the states go ways that they would refuse."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE delivery DISABLE TRIGGER USER")
            return
        named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'delivery'"
        for (name,) in connection.exec_driver_sql(named).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")


def _careless(engine: Engine) -> None:
    """The program asks every PostgreSQL session to wait for the disk, whatever the server's default is."""

    @event.listens_for(engine, "begin")
    def _carelessly(connection: Any) -> None:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _no_token(statement: str, parameters: Any) -> Any:
    """A write after the claim no longer asks whose the row is, nor whether it is still under way."""
    if not statement.startswith("UPDATE delivery") or " WHERE " not in statement:
        return statement, parameters
    head, where = statement.split(" WHERE ", 1) if "\nWHERE " not in statement else statement.split("\nWHERE ", 1)
    return f"{head} WHERE {TOKEN.sub(lambda found: f'({found[1]} OR 1=1)', where)}", parameters


def _no_suppression(statement: str, parameters: Any) -> Any:
    return SUPPRESSION.sub("FROM (SELECT * FROM suppression WHERE 1=0) AS suppression", statement), parameters


def _no_fence(statement: str, parameters: Any) -> Any:
    """`sending` is never written down: the row stays `claimed` until its answer is recorded."""
    if not statement.lstrip().startswith(("UPDATE delivery", "WITH")):
        return statement, parameters
    statement = statement.replace("'sending'", "'claimed'")
    return statement, _claimed(parameters)


def _claimed(parameters: Any) -> Any:
    if isinstance(parameters, dict):
        return {name: "claimed" if value == "sending" else value for name, value in parameters.items()}
    if isinstance(parameters, tuple):
        return tuple("claimed" if value == "sending" else value for value in parameters)
    return [_claimed(each) for each in parameters]
