"""The floors of the import: `python -m bench.import_floor plain|product DATABASE FILE` prints its figures as JSON.

plain: one table of eight columns, addresses unique, 5,000 rows a commit. product: the product's contact table as it
stands, with its indexes, checks and triggers; everything that is the same in all rows is a constant.
"""

import csv
import json
import re
import sqlite3
import sys
from pathlib import Path

from bench.measuring import Span

BATCH = 5_000
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+").fullmatch
PLAIN = """INSERT INTO contact (first, last, email, phone, office, city, state, zip) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (email) DO UPDATE SET first = excluded.first, last = excluded.last, phone = excluded.phone,
office = excluded.office, city = excluded.city, state = excluded.state, zip = excluded.zip"""
STAGE = "INSERT INTO stage VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
SAID = {
    "first_name": "first",
    "last_name": "last",
    "email": "email",
    "phone": "phone",
    "city": "city",
    "state": "state",
    "zip5": "zip",
    "address_hash": "hex(email)",
    "sort_name": "last || ' ' || first",
    "kind": "'provider'",
}


def plain(connection: sqlite3.Connection, rows: list[list[str]]) -> None:
    """One upsert of many."""
    connection.executemany(PLAIN, rows)


def product(connection: sqlite3.Connection, rows: list[list[str]]) -> None:
    """Into the product's table, by way of a temporary one."""
    connection.execute("DELETE FROM stage")
    connection.executemany(STAGE, rows)
    connection.execute(_selected(connection))


def _selected(connection: sqlite3.Connection) -> str:
    said = dict(SAID)
    for _, name, kind, needed, _default, key in connection.execute("PRAGMA table_info(contact)").fetchall():
        if needed and not key and name not in said:
            said[name] = {"DATETIME": "'2026-03-02 16:00:00.000000'", "DATE": "'2026-03-02'", "JSON": "'[]'"}.get(
                kind, "0" if kind in ("INTEGER", "BOOLEAN") else "''"
            )
    return f"INSERT INTO contact ({', '.join(said)}) SELECT {', '.join(said.values())} FROM stage"  # noqa: S608 - names of columns


def main(what: str, database: str, file: str) -> None:
    """Runs, prints."""
    fresh = what == "plain"
    if fresh:
        for old in Path(database).parent.glob(Path(database).name + "*"):
            old.unlink()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000")
    columns = "first TEXT, last TEXT, email TEXT, phone TEXT, office TEXT, city TEXT, state TEXT, zip TEXT"
    if fresh:
        connection.execute(f"CREATE TABLE contact (id INTEGER PRIMARY KEY, {columns}, UNIQUE (email))")
    connection.execute(f"CREATE TEMPORARY TABLE stage ({columns})")
    write, batch, count, span = plain if fresh else product, [], 0, Span()

    def keep() -> None:
        connection.execute("BEGIN IMMEDIATE")
        write(connection, batch)
        connection.execute("COMMIT")

    with Path(file).open(newline="", encoding="utf-8") as source:
        rows = csv.reader(source)
        next(rows)
        for row in rows:
            if ADDRESS(row[2]):
                batch.append(row)
                count += 1
            if len(batch) == BATCH:
                keep()
                batch = []
    keep()
    sys.stdout.write(json.dumps({**span.figures(), "count": count}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
