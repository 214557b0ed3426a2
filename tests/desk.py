"""PostgreSQL databases for tests: filled once, put right again before each test."""

from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, select, text

from outreach.db import make_engine
from outreach.schema import load_all
from tests import sharing
from tests.postgres import Server


class Desk:
    """One database for one test after the other: each finds it filled with what stands in a SQLite file."""

    def __init__(self, server: Server, source: Path) -> None:
        self._server, self._source = server, source
        self._engine: Engine | None = None
        self._name = self._clear = self._shape = ""

    def fresh(self) -> str:
        """The URL of a database with the tables of the program, the rows of the file and nothing else.

        Rows are put back, which is much faster than a new database; when a test changed tables, a new one is made.
        """
        if self._engine is not None:
            with self._engine.connect() as connection:
                connection.execute(text(HANG_UP))
                if connection.scalar(text(SHAPE)) == self._shape:
                    connection.exec_driver_sql(self._clear)
                    return self._server.url_of(self._name)
        self.leave()
        return self._open()

    def leave(self) -> None:
        """The database is dropped."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
            self._server.drop(self._name)

    def _open(self) -> str:
        self._name = f"outreach_test_{uuid4().hex[:12]}"
        url = self._server.create(self._name)
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        with self._engine.connect() as connection:
            self._fill(connection)
            self._shape = connection.scalar(text(SHAPE)) or ""
            connection.execute(text("CREATE SCHEMA kept"))
            words = ["BEGIN; SET LOCAL session_replication_role = replica"]
            for table, columns in connection.execute(text(COLUMNS)).all():
                words.append(f'DELETE FROM "{table}"')  # noqa: S608 - names out of the catalog
                rows = connection.execute(text(f'CREATE TABLE kept."{table}" AS SELECT {columns} FROM "{table}"'))  # noqa: S608
                if rows.rowcount:
                    words.append(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM kept."{table}"')  # noqa: S608
            for name, last in connection.execute(text(SEQUENCES)):
                words.append(f"SELECT setval('\"{name}\"', {last or 1}, {'true' if last else 'false'})")
        self._clear = "; ".join([*words, "COMMIT"])
        ours = make_engine(url)
        ours.connect().close()
        sharing.speaks(ours)
        ours.dispose()
        return url

    def _fill(self, connection: Connection) -> None:
        tables = load_all().metadata
        tables.create_all(connection)
        connection.execute(text("SET session_replication_role = replica"))
        source = make_engine(f"sqlite:///{self._source}")
        with source.connect() as reading:
            for table in tables.sorted_tables:
                given = [column for column in table.columns if column.computed is None]
                rows = [dict(row) for row in reading.execute(select(*given)).mappings()]
                if rows:
                    connection.execute(table.insert(), rows)
                    if table.autoincrement_column is not None:
                        key = f"'\"{table.name}\"', '{table.autoincrement_column.name}'"
                        last = max(row[table.autoincrement_column.name] for row in rows)
                        connection.execute(text(f"SELECT setval(pg_get_serial_sequence({key}), {last})"))
        source.dispose()
        connection.execute(text("SET session_replication_role = origin"))


HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid != pg_backend_pid() AND backend_type = 'client backend'"
)
SHAPE = (
    "SELECT md5(string_agg(n::text, ',' ORDER BY n)) FROM (SELECT oid::bigint n FROM pg_class WHERE relnamespace = "
    "'public'::regnamespace UNION ALL SELECT oid FROM pg_constraint UNION ALL SELECT CASE WHEN tgenabled = 'O' "
    "THEN oid::bigint ELSE -(oid::bigint) END FROM pg_trigger WHERE NOT tgisinternal) AS all_things"
)
COLUMNS = (
    "SELECT table_name, string_agg('\"' || column_name || '\"', ', ') FROM information_schema.columns "
    "JOIN information_schema.tables USING (table_schema, table_name) WHERE table_schema = 'public' "
    "AND table_type = 'BASE TABLE' AND is_generated = 'NEVER' GROUP BY table_name"
)
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
