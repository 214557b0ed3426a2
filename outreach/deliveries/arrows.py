"""The drawn arrows, held by the database itself: a delivery's state moves along `rules.ARROWS` and nowhere else.

A trigger refuses every other change as an IntegrityError, whoever wrote the statement. `statements` is for migrations.
"""

from sqlalchemy import DDL, Table, event

from outreach.deliveries.rules import ARROWS

USUAL_FIRST = ("sending", "claimed", "scheduled")
"""What every mail passes is compared first."""
FUNCTION = "delivery_arrows"
TRIGGER = "tr_delivery_arrows"


def statements(dialect: str) -> list[str]:
    """The DDL for "sqlite" or "postgresql"; may be executed again after `dropped`."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def dropped(dialect: str) -> list[str]:
    """The DDL that takes it away."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {TRIGGER}"]
    return [f"DROP TRIGGER IF EXISTS {TRIGGER} ON delivery", f"DROP FUNCTION IF EXISTS {FUNCTION}()"]


def attach(table: Table) -> None:
    """Whoever creates the table creates the trigger with it."""
    for dialect in ("sqlite", "postgresql"):
        for statement in statements(dialect):
            made = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", made)


def _is_drawn() -> str:
    """As comparisons: SQLite builds a small table for every IN, on every row."""
    states = (*USUAL_FIRST, *(state for state in ARROWS if state not in USUAL_FIRST))
    drawn = []
    for state in filter(ARROWS.get, states):
        follows = " OR ".join(f"NEW.state = '{other}'" for other in ARROWS[state])
        drawn.append(f"(OLD.state = '{state}' AND ({follows}))")
    return " OR ".join(drawn)


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE OF state ON delivery"
        f" WHEN OLD.state <> NEW.state AND NOT ({_is_drawn()})"
        " BEGIN SELECT RAISE(ABORT, 'This state of a delivery may not follow.'); END"
    ]


def _postgresql() -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'This state of a delivery may not follow.' USING ERRCODE = 'check_violation'; END $$",
        f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE OF state ON delivery FOR EACH ROW"
        f" WHEN (OLD.state <> NEW.state AND NOT ({_is_drawn()})) EXECUTE FUNCTION {FUNCTION}()",
    ]
