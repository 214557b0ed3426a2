"""Compares what the witness accepted with what the ledger says. Plain SQL; no application code.

Promises: nobody is accepted twice (by delivery and by address of one step), nothing that counts as sent was never
accepted, nothing accepted shows as unsent, every row ends in a named final or visible state, and what is unconfirmed is
exactly the ambiguous answers plus at most W per kill, each listed with its attempt.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.faults import FAULTS

COUNTS_AS_SENT = ("sent", "delivered", "bounced", "complained")
UNSENT = ("scheduled", "resend-approved", "claimed", "held", "suppressed", "expired", "cancelled", "failed")
UNDER_WAY = ("scheduled", "resend-approved", "claimed", "sending")
COLUMNS = ("id", "state", "reason", "email", "source", "source_id", "step", "occurrence", "attempts")


class Broken(AssertionError):
    """A promise that did not hold; with the numbers, when they were counted."""

    audit: "Audit | None" = None


@dataclass
class Answer:
    """One line of the witness."""

    id: int
    to: str
    at: float
    number: int
    fault: str
    accepted: bool
    wait: int


@dataclass
class Audit:
    """What was found; `broken` says in words which promises did not hold."""

    rows: int = 0
    states: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    duplicates: int = 0
    never_accepted: int = 0
    shown_unsent: int = 0
    unconfirmed: int = 0
    truly_accepted: int = 0
    by_kill: int = 0
    broken: list[str] = field(default_factory=list)

    def must_hold(self) -> "Audit":
        """Raises Broken with everything that did not hold."""
        if self.broken:
            noticed = Broken("; ".join(self.broken))
            noticed.audit = self
            raise noticed
        return self


def select(database: str, statement: str) -> list[tuple[Any, ...]]:
    """Rows of one SELECT, straight from the database."""
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            return connection.execute(statement).fetchall()
    import psycopg

    with psycopg.connect(database.replace("postgresql+psycopg", "postgresql")) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def execute(database: str, statement: str, parameters: Iterable[tuple[Any, ...]] = ((),)) -> None:
    """One statement for each tuple, committed together. Question marks stand for values."""
    if database.startswith("sqlite"):
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=30)) as connection, connection:
            connection.executemany(statement, list(parameters))
        return
    import psycopg

    with psycopg.connect(database.replace("postgresql+psycopg", "postgresql")) as connection:
        connection.cursor().executemany(statement.replace("?", "%s"), list(parameters))  # type: ignore[arg-type]


def column_names(database: str, table: str) -> list[str]:
    """The columns of a table."""
    if database.startswith("sqlite"):
        return [row[0] for row in select(database, f"SELECT name FROM pragma_table_info('{table}')")]  # noqa: S608
    named = f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'"  # noqa: S608
    return [row[0] for row in select(database, named)]


def answers(record: Path) -> list[Answer]:
    """What the witness wrote, in its order; a last line that was cut is left out."""
    lines = record.read_text().splitlines() if record.exists() else []
    read = [json.loads(line) for line in lines if line.endswith("}")]
    return [
        Answer(each["id"], each["to"], each["t"], each["n"], each["fault"], each["accepted"], each["wait"])
        for each in read
    ]


def audit(
    database: str,
    record: Path,
    *,
    rows: int,
    kills: int = 0,
    in_flight: int = 8,
    finished: bool = True,
    resent: Collection[int] = (),
) -> Audit:
    """The comparison. `rows`: how many the ledger must have; `resent`: ids that a person had sent again."""
    ledger = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in select(database, _ledger())}
    said = answers(record)
    accepted = Counter(each.id for each in said if each.accepted)
    found = Audit(rows=len(ledger), accepted=sum(accepted.values()))
    found.states = Counter(row["state"] for row in ledger.values())
    _nothing_lost(found, ledger, accepted, rows, finished=finished)
    _nobody_twice(found, ledger, said, accepted, set(resent))
    _every_doubt_listed(found, database, ledger, said, accepted, kills * in_flight, set(resent))
    return found


def _ledger() -> str:
    return f"SELECT {', '.join(COLUMNS)} FROM delivery"  # noqa: S608 - our own column names


def _nothing_lost(found: Audit, ledger: dict[int, Any], accepted: Counter[int], rows: int, *, finished: bool) -> None:
    sent = {key for key, row in ledger.items() if row["state"] in COUNTS_AS_SENT}
    unsent = {key for key, row in ledger.items() if row["state"] in UNSENT}
    found.never_accepted = len(sent - accepted.keys())
    found.shown_unsent = len(unsent & accepted.keys())
    if len(ledger) != rows:
        found.broken.append(f"{rows} rows were planned, {len(ledger)} are there")
    if found.never_accepted:
        found.broken.append(f"{found.never_accepted} sent were never accepted: {_some(sent - set(accepted))}")
    if found.shown_unsent:
        found.broken.append(f"{found.shown_unsent} were accepted and show as unsent: {_some(unsent & set(accepted))}")
    if strangers := accepted.keys() - ledger.keys():
        found.broken.append(f"{len(strangers)} were accepted that no row knows: {_some(strangers)}")
    under_way = {key for key, row in ledger.items() if row["state"] in UNDER_WAY}
    if finished and under_way:
        found.broken.append(f"{len(under_way)} rows are in no final or visible state: {_some(under_way)}")


def _nobody_twice(
    found: Audit, ledger: dict[int, Any], said: list[Answer], accepted: Counter[int], resent: set[int]
) -> None:
    twice = {key for key, times in accepted.items() if times > (2 if key in resent else 1)}
    per_address: Counter[tuple[Any, ...]] = Counter()
    for each in said:
        row = ledger.get(each.id)
        if each.accepted and row is not None and each.id not in resent:
            per_address[(row["source"], row["source_id"], row["step"], row["occurrence"], each.to)] += 1
    addresses = sum(times - 1 for times in per_address.values() if times > 1)
    found.duplicates = max(sum(accepted[key] - 1 for key in twice), addresses)
    if found.duplicates:
        found.broken.append(f"{found.duplicates} mails were accepted twice (deliveries {_some(twice)})")


def _every_doubt_listed(
    found: Audit,
    database: str,
    ledger: dict[int, Any],
    said: list[Answer],
    accepted: Counter[int],
    allowed: int,
    resent: set[int],
) -> None:
    unconfirmed = {key for key, row in ledger.items() if row["state"] == "unconfirmed"}
    ambiguous = {each.id for each in said if FAULTS[each.fault].ambiguous}
    found.unconfirmed, found.truly_accepted = len(unconfirmed), len(unconfirmed & accepted.keys())
    found.by_kill = len(unconfirmed - ambiguous)
    if found.by_kill > allowed:
        found.broken.append(f"{found.by_kill} unconfirmed without an ambiguous answer; {allowed} may come from kills")
    known = {key for key, row in ledger.items() if row["state"] in ("unconfirmed", "sending")} | resent
    if hidden := {key for key in ambiguous if key in ledger} - known:
        found.broken.append(f"{len(hidden)} had an ambiguous answer and are not unconfirmed: {_some(hidden)}")
    listed = {row[0] for row in select(database, "SELECT delivery_id FROM delivery_attempt WHERE outcome = 'unknown'")}
    if missing := unconfirmed - listed:
        found.broken.append(f"{len(missing)} unconfirmed have no attempt that says why: {_some(missing)}")


def _some(ids: Collection[int]) -> list[int]:
    return sorted(ids)[:8]
