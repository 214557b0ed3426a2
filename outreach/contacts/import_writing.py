"""One batch of an import is written: no query per row, whatever the number of rows."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import consent, timeline
from outreach.contacts.clinical import forbidden_columns
from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.import_batch import NOBODY, Batch, insert_rows, stored
from outreach.contacts.import_files import Item
from outreach.contacts.import_matching import Person, among, look_up
from outreach.contacts.import_new_people import granted_by, told_by
from outreach.contacts.import_opt_outs import stop
from outreach.contacts.import_people import write_people
from outreach.contacts.import_places import write_places
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import GRANTING, ImportLine, ImportRun
from outreach.contacts.models import Contact, ContactTag, Membership

LINE = ("row_number", "result", "reason", "column", "contact_id", "organization_id", "version", "changes", "cells")


def write(
    session: Session, run: ImportRun, items: Sequence[Item], *, now: datetime, today: date, key: bytes
) -> Counter[str]:
    """The rows are in the book, each with its line; answers the results counted. Idempotent: a row that is there
    already changes nothing."""
    batch = Batch(run, now, today, stored(session, Contact.birthday_on), stored(session, consent.Consent.at))
    rows = [item for item, _ in items if isinstance(item, ImportedRow)]
    hashed = consent.address_hash
    people = [Person.of(row, hashed(key, row.email_key) if row.email_key else None) for row in rows if _is_one(row)]
    persons = [person for person in people if person.row.kind == "person"]
    staying = [row for row in rows if row.kind != "suppression"]
    book = look_up(session, persons, staying, to_write=True)
    batch.lines += refused_lines(run, items)
    write_places(session, batch, book, staying)
    write_people(session, batch, book, persons)
    stop(session, batch, [person for person in people if person.row.kind == "suppression"])
    _write_beside(session, batch)
    _write_lines(session, batch)
    return Counter(line["result"] for line in batch.lines) + Counter({"new": len(batch.made)})


def _is_one(row: ImportedRow) -> bool:
    return row.kind != "organization"


def refused_lines(run: ImportRun, items: Sequence[Item]) -> list[dict[str, Any]]:
    """The lines of refused rows, with their cells so that they can be mended; what is about a client is not kept."""
    refused = [(item, cells) for item, cells in items if isinstance(item, RefusedRow)]
    forbidden = forbidden_columns(run.header) if refused else {}
    return [
        {
            **NOBODY,
            "row_number": item.row_number,
            "result": "problem",
            "reason": item.reason[:500],
            "column": item.column[:200],
            "cells": without(forbidden, cells, len(run.header)),
        }
        for item, cells in refused
    ]


def without(forbidden: Collection[int], cells: list[str], width: int) -> list[str]:
    """The cells with nothing in the forbidden ones; none at all of a row in which nobody knows which those are."""
    if not forbidden:
        return cells
    return ["" if at in forbidden else cell for at, cell in enumerate(cells)] if len(cells) == width else []


def line_values(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """The line as LINE names its columns."""
    words = (json.dumps(line[name]) if line[name] else empty for name, empty in (("changes", "{}"), ("cells", "[]")))
    return (*map(line.__getitem__, LINE[:-2]), *words)


def _write_lines(session: Session, batch: Batch) -> None:
    rows = [line_values(line) for line in batch.lines]
    insert_rows(session, ImportLine, LINE, rows, {"run_id": batch.run.id}, or_ignore=True)


def _write_beside(session: Session, batch: Batch) -> None:
    tags = [(id_, tag) for id_, words in batch.tags.items() for tag in words]
    insert_rows(session, ContactTag, ("contact_id", "tag"), tags, {}, or_ignore=True)
    insert_rows(session, Membership, ("contact_id", "organization_id", "role"), batch.joined, {})
    whence = batch.whence
    told = [(id_, f"{whence}\n{beyond}" if beyond else whence) for id_, beyond in batch.touched.items()]
    insert_rows(session, timeline.Touch, ("contact_id", "text"), told, told_by(batch), or_ignore=True)
    if batch.run.permission in GRANTING and batch.agreed_at:
        _grant(session, batch)


def _grant(session: Session, batch: Batch) -> None:
    # Whoever said yes or no before is not asked again by a file.
    whose, at = consent.Consent.contact_id, batch.as_instant
    asked = set(session.scalars(select(whose).where(among(session, whose, batch.agreed_at.keys()))))
    fresh = {id_: agreed for id_, agreed in batch.agreed_at.items() if id_ not in asked}
    rows = [(id_, at(min(agreed, batch.now))) for id_, agreed in fresh.items()]
    insert_rows(session, consent.Consent, ("contact_id", "at"), rows, granted_by(batch))
