"""An import is checked: every row counted as what would become of it, and no contact written."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.import_batch import insert_rows
from outreach.contacts.import_files import BUSY, Item, OpenFile, Seen, close, opened_at
from outreach.contacts.import_matching import (
    Book,
    Found,
    Person,
    among,
    contact_values,
    differing,
    look_up,
    place_values,
)
from outreach.contacts.import_opt_outs import is_harder
from outreach.contacts.import_writing import LINE, line_values, refused_lines
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import ImportLine, ImportRun
from outreach.contacts.models import Contact
from outreach.errors import Refusal

CHECKED_AT_ONCE_BYTES = 1 << 20
"""A file up to this size is checked while the person waits; a larger one by the worker."""
SHOWN_PER_RESULT = 12
SHOWN_TO_CHOOSE = 100
"""Rows that are in the book already, or may be: as many can be decided one by one, the rest goes by the rule."""
CALLED = {"zip5": "ZIP", "npi": "NPI", "birthday_on": "birthday", "organization_id": "organization"}
"""Columns whose name says too little, or too much, to people."""
TO_CHOOSE = ("updated", "skipped", "possible")

Judged = tuple[str, list[str]]


def check(session: Session, run: ImportRun, *, key: bytes, home: Path, now: datetime, limit: int) -> int | None:
    """The next rows are counted as new, updated, duplicate, possible or problem; answers how many were read.

    None: another process reads the file, and the rows are left to it.
    After the last row the run is "checked" with its counts and a few rows of each result to look at.
    """
    if run.position == 0:
        from_the_start(session, run)
    opened = opened_at(run, home, "check", restart=lambda: from_the_start(session, run))
    if isinstance(opened, Refusal):
        if opened.reason == BUSY:
            return None
        run.status, run.error = "failed", opened.text
        return 0
    items, read = opened.next_rows(limit)
    judged = judge(session, run, items, opened.seen, key=key)
    keep_refused(session, run, items)
    count(run, Counter(result for result, _ in judged), opened, read, left_out=read - len(items))
    run.preview = shown(run.preview, zip(items, judged, strict=True))
    if read < limit:
        run.status, run.checked_at, run.rows_total = "checked", now, run.handled
        close(run, home, "check")
    return read


def shown(preview: Mapping[str, Any], judged: Iterable[tuple[Item, Judged]]) -> dict[str, list[Any]]:
    """The preview with these rows too, as far as there is room for more of their kind; each stands there once."""
    numbers: set[int] = set()
    fresh: dict[str, list[Any]] = {}
    for (item, _), (result, words) in judged:
        numbers.add(item.row_number)
        fresh.setdefault(result, []).append([item.row_number, *words])
    kept = {name: [row for row in rows if row[0] not in numbers] for name, rows in preview.items()}
    for result, rows in fresh.items():
        room = SHOWN_TO_CHOOSE if result in TO_CHOOSE else SHOWN_PER_RESULT
        kept[result] = [*kept.get(result, []), *rows][:room]
    return kept


def check_at_once(session: Session, run: ImportRun, *, key: bytes, home: Path, now: datetime) -> None:
    """A small file is checked whole while the person waits; a larger one is left to the worker."""
    try:
        while run.status == "checking" and run.size_bytes <= CHECKED_AT_ONCE_BYTES:
            if check(session, run, key=key, home=home, now=now, limit=1000) is None:
                break
    finally:
        close(run, home, "check")


def from_the_start(session: Session, run: ImportRun) -> None:
    """Nothing of the file is read yet. Idempotent."""
    run.position = run.handled = 0
    run.counts, run.preview, run.rows_total, run.error = {}, {}, None, ""
    session.execute(delete(ImportLine).where(ImportLine.run_id == run.id))


def count(run: ImportRun, counted: Counter[str], opened: OpenFile, read: int, *, left_out: int) -> None:
    """So many rows more were handled."""
    run.counts = dict(Counter(run.counts) + counted + Counter({"left-out": left_out}))
    run.handled += read
    run.position = opened.position


def judge(session: Session, run: ImportRun, items: Sequence[Item], seen: Seen, *, key: bytes) -> list[Judged]:
    """What would become of each row, as (result, words about it)."""
    rows = [item for item, _ in items if isinstance(item, ImportedRow)]
    people = {
        row.row_number: Person.of(row, consent.address_hash(key, row.email_key) if row.email_key else None)
        for row in rows
        if row.kind != "organization"
    }
    book = look_up(session, list(people.values()), rows)
    stopped = _stopped(session, [p.hashed for p in people.values() if p.row.kind == "suppression" and p.hashed])
    judged: list[Judged] = []
    for item, _cells in items:
        if isinstance(item, RefusedRow):
            judged.append(("problem", [item.column, item.reason]))
            continue
        person = people.get(item.row_number)
        name = " ".join(part for part in (item.first_name, item.last_name) if part) or item.organization
        words = [name or item.email, item.email or item.npi]
        if item.kind == "suppression":
            known = stopped.get(person.hashed or "") if person is not None else None
            changes = known is None or is_harder(item.suppression_reason, known)
            judged.append(("stopped" if changes else "unchanged", words))
            continue
        found = book.find(person) if person else book.find_place(item)
        identity = person.identity if person else hash((item.organization.lower(), item.npi or item.zip5))
        if not seen.add(identity):
            judged.append(("duplicate", words))
        elif found is None:
            judged.append(_new(book, person, words))
        else:
            judged.append(_known(run, book, item, person, found, words))
    return judged


def _new(book: Book, person: Person | None, words: list[str]) -> Judged:
    alike = book.doubtful(person) if person else None
    if alike is None:
        return "new", words
    told = ", ".join(filter(None, (alike["email"], alike["phone"], alike["city"], alike["zip5"])))
    return "possible", [*words, told or "nothing but the name", str(alike["id"])]


def _known(
    run: ImportRun, book: Book, item: ImportedRow, person: Person | None, found: Found, words: list[str]
) -> Judged:
    if person is None:
        said = place_values(item)
    else:
        place = book.find_place(item) if item.organization else None
        said = contact_values(person, place["id"] if place else None)
    would = differing(found, said, run.duplicates if run.duplicates != "skip" else "update")
    changes = differing(found, said, run.duplicates)
    told = ", ".join(CALLED.get(name, name.replace("_", " ")) for name in changes or would)
    if run.duplicates == "skip":
        return "skipped", [*words, told]
    # What the rule for all would leave alone can still be taken over row by row.
    return "updated" if changes else "unchanged", [*words, told]


def _stopped(session: Session, hashes: Sequence[str]) -> dict[str, str]:
    if not hashes:
        return {}
    known = consent.Suppression
    held = (among(session, known.address_hash, hashes), known.topic == consent.EVERYTHING, known.lifted_at.is_(None))
    return {row[0]: row[1] for row in session.execute(select(known.address_hash, known.reason).where(*held))}


def keep_refused(session: Session, run: ImportRun, items: Sequence[Item]) -> None:
    """The refused rows among these are on record with their reasons and cells. Idempotent."""
    lines = [line_values(line) for line in refused_lines(run, items)]
    insert_rows(session, ImportLine, LINE, lines, {"run_id": run.id}, or_ignore=True)


def choose_row(session: Session, run: ImportRun, row_number: int, what: str) -> Refusal | None:
    """A person decided about one row that is, or may be, somebody in the book; "" takes the decision back. Idempotent.

    What: fill, update, skip, new, leave (out), or same:ID for a namesake. Refusals: too-late, bad-choice.
    """
    if run.status != "checked":
        return Refusal("too-late", "This import runs already: its rows cannot be decided any more.")
    namesake = what.removeprefix("same:") if what.startswith("same:") else ""
    is_id = namesake.isascii() and namesake.isdigit() and len(namesake) < 10
    known = bool(is_id and session.get(Contact, int(namesake)) is not None)
    if what not in ("", "fill", "update", "skip", "new", "leave") and not known:
        return Refusal("bad-choice", "Choose what happens to this row.")
    choices: dict[str, Any] = dict(run.options.get("choices", {}))
    choices.pop(str(row_number), None)
    if what:
        choices[str(row_number)] = what
    run.options = {**run.options, "choices": choices}
    return None
