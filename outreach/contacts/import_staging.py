"""The new people of a batch, once in a temporary table, from where they go to every table they belong in."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from outreach.contacts.consent import Consent
from outreach.contacts.import_batch import constants
from outreach.contacts.timeline import Touch

STAGE = "import_stage"
BESIDE = {"agreed_at": Consent.at, "told": Touch.text}
"""What stands in the table beside columns of Contact, with the columns it goes to."""


class Stage:
    """People handed to the database once, and by one statement from there to a table: half the time of one a row.

    A statement that fires a trigger keeps a journal of itself on SQLite, so one for each row costs most of all.
    PostgreSQL takes them as COPY. The table is gone with `drop`, or with the turn when it fails.
    """

    def __init__(self, session: Session, names: Sequence[str]) -> None:
        """The table is there, empty: with the columns `names` of Contact and those of BESIDE."""
        self._connection = session.connection()
        self._quote = self._connection.dialect.identifier_preparer.quote
        self.names = (*names, *BESIDE)
        picked = [f"contact.{self._quote(name)}" for name in names]
        picked += [f"{one.class_.__tablename__}.{self._quote(one.key)} AS {name}" for name, one in BESIDE.items()]
        tables = ", ".join(dict.fromkeys(("contact", *(one.class_.__tablename__ for one in BESIDE.values()))))
        self._run(f"CREATE TEMPORARY TABLE {STAGE} AS SELECT {', '.join(picked)} FROM {tables} WHERE 1 = 0")  # noqa: S608

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """The rows stand in the table; cells are texts, numbers and None as the driver takes them."""
        names = ", ".join(map(self._quote, self.names))
        if self._connection.dialect.name == "postgresql":
            _copy(self._connection, f"COPY {STAGE} ({names}) FROM STDIN", rows)
            return
        marks = ", ".join("?" for _ in self.names)
        self._connection.exec_driver_sql(f"INSERT INTO {STAGE} VALUES ({marks})", list(rows))  # noqa: S608 - own names

    def give(self, model: type[Any], picked: Mapping[str, str], same: Mapping[str, Any], where: str = "") -> None:
        """Every row (or those of which `where` holds) is in the model's table: its columns from those of `picked`.

        `same` stands in every row alike; what neither names gets the model's own default.
        """
        spoken = constants(self._connection.dialect, model, {*picked}, same)
        into = ", ".join(map(self._quote, (*picked, *spoken)))
        values = ", ".join((*map(self._quote, picked.values()), *spoken.values()))
        condition = f" WHERE {where}" if where else ""
        self._run(f"INSERT INTO {model.__tablename__} ({into}) SELECT {values} FROM {STAGE}{condition}")  # noqa: S608

    def drop(self) -> None:
        """The table is gone."""
        self._run(f"DROP TABLE {STAGE}")

    def _run(self, statement: str) -> None:
        self._connection.exec_driver_sql(statement)


def _copy(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row(row)
