"""Which revision the tables are at, and which one the program expects, without the machinery that changes tables.

A worker asks it at its start, and lives for weeks: Alembic itself would cost it 11 MB.
"""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, column, inspect, select, table

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
PRESENT = table("alembic_version", column("version_num"))
NAMED = re.compile(r"^(revision|down_revision)\b[^=\n]*= *['\"](\w+)['\"]", re.MULTILINE)


def is_current(engine: Engine) -> bool:
    """Whether the tables are those of this program."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(PRESENT.name):
            return False
        return list(connection.scalars(select(PRESENT.c.version_num))) == [newest()]


@cache
def newest() -> str:
    """The revision that no other follows. Errors: ValueError when there is none, or more than one."""
    named: list[tuple[str, str]] = [
        match for file in FOLDER.glob("versions/*.py") for match in NAMED.findall(file.read_text("utf-8"))
    ]
    followed = {revision for name, revision in named if name == "down_revision"}
    (head,) = {revision for name, revision in named if name == "revision"} - followed
    return head
