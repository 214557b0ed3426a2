"""The organizations of a batch: found by NPI or name, or made."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from outreach.contacts.import_batch import Batch, after, change_rows, new_ids
from outreach.contacts.import_made import remember_made
from outreach.contacts.import_matching import PLACE_FILLED, Book, Found, differing, place_values
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import ImportMadePlace
from outreach.contacts.models import Organization

PLACE_TYPES = {
    "peer-therapist": "therapy-practice",
    "community-organization": "other",
    "payer": "payer",
    "transport-partner": "transport-partner",
}


def write_places(session: Session, batch: Batch, book: Book, rows: Sequence[ImportedRow]) -> None:
    """Every organization that the rows name is in the book and in `book`; rows of their own get their line."""
    fresh: list[dict[str, Any]] = []
    waiting: list[tuple[dict[str, Any], Found]] = []
    updates = []
    mentioned: set[int] = set()
    for row in rows:
        if not row.organization:
            continue
        found = book.find_place(row)
        if found is None:
            made = _new_place(batch, row)
            fresh.append(made)
            book.add_place(made)
            found = made
        if row.kind != "organization":
            continue
        if id(found) in mentioned:
            waiting.append((batch.line(row.row_number, "duplicate", reason="An earlier row is the same place."), found))
            continue
        mentioned.add(id(found))
        line, change = _own_row(batch, row, found)
        waiting.append((line, found))
        updates += [change] if change else []
    _insert(session, batch, fresh)
    for line, found in waiting:
        line["organization_id"] = found["id"]
    change_rows(session, Organization, PLACE_FILLED, updates)


def _new_place(batch: Batch, row: ImportedRow) -> dict[str, Any]:
    kind = PLACE_TYPES.get(row.suggested_kind or batch.run.default_kind, "medical-practice")
    blank = {**dict.fromkeys(PLACE_FILLED, ""), "npi": None}
    return {**blank, "name": row.organization[:200], "type": kind, "created_at": batch.now}


def _own_row(batch: Batch, row: ImportedRow, found: Found) -> tuple[dict[str, Any], dict[str, Any] | None]:
    said = place_values(row)
    if isinstance(found, dict):  # made by this batch
        found.update(said)
        return batch.line(row.row_number, "new"), None
    changes = differing(found, said, batch.policy(row.row_number))
    line = batch.line(row.row_number, "updated" if changes else "unchanged", changes=changes)
    return line, {"b_id": found["id"], **after(found, changes, PLACE_FILLED)} if changes else None


def _insert(session: Session, batch: Batch, fresh: list[dict[str, Any]]) -> None:
    if not fresh:
        return
    for made, id_ in zip(fresh, new_ids(session, Organization), strict=False):
        made["id"] = id_
    session.execute(insert(Organization), fresh)
    remember_made(session, batch.run, [made["id"] for made in fresh], ImportMadePlace)
