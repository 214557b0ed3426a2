"""The people of a batch: each one found, filled in or made, with a line that says which."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.entry import sort_name
from outreach.contacts.following import follow_from_timeline
from outreach.contacts.import_batch import Batch, after, change_rows, insert_rows, reserve_ids
from outreach.contacts.import_matching import FILLED, Book, Found, Person, contact_values, differing
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import ImportLine, ImportRun
from outreach.contacts.models import Contact, ContactTag, Membership

LONGEST_TAG = 60


def write_people(session: Session, batch: Batch, book: Book, persons: Sequence[Person]) -> None:
    """Every person is in the book once; `batch` knows who was made or changed."""
    known = [found["id"] for person in persons if (found := book.find(person)) is not None]
    earlier = _handled_before(session, batch.run, known)
    texts, tags = _told_before(session, persons, known), _tags_of(session, persons, known)
    fresh: list[tuple[dict[str, Any], Person, dict[str, Any]]] = []
    for person in persons:
        row, found = person.row, book.find(person)
        place = book.find_place(row) if row.organization else None
        said = contact_values(person, place["id"] if place else None)
        if found is None:
            made = _new_contact(batch, person, said)
            book.add(made)
            fresh.append((made, person, batch.line(row.row_number, "new", version=1)))
        elif found.get("id") is None or found["id"] in earlier:
            reason = "An earlier row of this file is the same person."
            batch.line(row.row_number, "duplicate", reason=reason, contact_id=found.get("id"))
        else:
            earlier.add(found["id"])
            _take_over(batch, person, found, said, texts.get(found["id"], ""), tags.get(found["id"], set()))
    if fresh:
        for id_, (made, person, line) in zip(reserve_ids(session, Contact, len(fresh)), fresh, strict=True):
            made["id"] = line["contact_id"] = id_
            _remember(batch, id_, person, _beyond(person.row))
            _join(batch, made)
        insert_rows(session, Contact, [made for made, _, _ in fresh])
    insert_rows(session, Membership, batch.joined)
    change_rows(session, Contact, (*FILLED, "sort_name", "address_hash", "version", "updated_at"), batch.updates)
    follow_from_timeline(session, now=batch.now, gained=batch.gained, source="import", by_id=batch.run.by_id)


def _new_contact(batch: Batch, person: Person, said: dict[str, Any]) -> dict[str, Any]:
    row = person.row
    kind = row.suggested_kind or batch.run.default_kind or "provider"
    blank: dict[str, Any] = {**dict.fromkeys(FILLED, ""), "npi": None, "email": None, "taxonomy": None}
    return {
        **blank,
        "birthday_on": None,
        "organization_id": None,
        **said,
        "kind": kind,
        "address_hash": person.hashed,
        "sort_name": person.sort_name,
        "stark_physician": row.is_physician if row.is_physician is not None else kind == "physician",
        "source": batch.run.file_name[:200],
        "added_on": batch.today,
        "created_at": batch.now,
        "updated_at": batch.now,
    }


def _take_over(batch: Batch, person: Person, found: Found, said: dict[str, Any], told: str, tags: set[str]) -> None:
    row, skip = person.row, batch.run.duplicates == "skip"
    changes = differing(found, said, batch.run.duplicates)
    beyond = _beyond(row)
    new_tags = [tag for tag in _short(row.tags) if tag not in tags]
    news = bool(beyond) and beyond not in told
    if skip or not (changes or new_tags or news):
        result = "skipped" if skip else "unchanged"
        batch.line(row.row_number, result, contact_id=found["id"], version=found["version"])
        return
    version = found["version"] + 1
    if changes:
        values = after(found, changes, FILLED)
        hashed = person.hashed if "email" in changes else found["address_hash"]
        named = sort_name(values["first_name"], values["last_name"]) or found["sort_name"]
        if "email" in changes and hashed is not None:
            batch.gained[found["id"]] = hashed
        more = {"address_hash": hashed, "sort_name": named, "version": version, "updated_at": batch.now}
        if "organization_id" in changes:
            _join(batch, {**values, "id": found["id"]})
        batch.updates.append({"b_id": found["id"], **values, **more})
    kept = {name: [str(v) if isinstance(v, date) else v for v in pair] for name, pair in changes.items()}
    if new_tags:
        kept["tags"] = [[], new_tags]
    line_version = version if changes else found["version"]
    batch.line(row.row_number, "updated", contact_id=found["id"], version=line_version, changes=kept)
    _remember(batch, found["id"], person, beyond if news else "")


def _remember(batch: Batch, contact_id: int, person: Person, beyond: str) -> None:
    row = person.row
    batch.touched[contact_id] = beyond
    if row.tags:
        batch.tags[contact_id] = _short(row.tags)
    batch.agreed_at[contact_id] = row.source_opt_in_at or batch.now


def _join(batch: Batch, values: Found) -> None:
    if values["organization_id"]:
        joined = {"organization_id": values["organization_id"], "role": values["title"] or ""}
        batch.joined.append({"contact_id": values["id"], **joined})


def _handled_before(session: Session, run: ImportRun, ids: Sequence[int]) -> set[int]:
    if not ids:
        return set()
    return set(
        session.scalars(
            select(ImportLine.contact_id).where(ImportLine.run_id == run.id, ImportLine.contact_id.in_(ids))
        )
    ) - {None}  # type: ignore[return-value]


def _told_before(session: Session, persons: Sequence[Person], ids: Sequence[int]) -> dict[int, str]:
    if not ids or not any(_beyond(person.row) for person in persons):
        return {}
    told: dict[int, str] = {}
    touch = timeline.Touch
    for id_, text in session.execute(
        select(touch.contact_id, touch.text).where(touch.contact_id.in_(ids), touch.kind == "imported")
    ):
        told[id_] = f"{told.get(id_, '')}\n{text}"
    return told


def _tags_of(session: Session, persons: Sequence[Person], ids: Sequence[int]) -> dict[int, set[str]]:
    if not ids or not any(person.row.tags for person in persons):
        return {}
    held: dict[int, set[str]] = {}
    for id_, tag in session.execute(
        select(ContactTag.contact_id, ContactTag.tag).where(ContactTag.contact_id.in_(ids))
    ):
        held.setdefault(id_, set()).add(tag)
    return held


def _beyond(row: ImportedRow) -> str:
    said = [row.notes] if row.notes else []
    for label, more in (("Also", row.other_emails), ("Also", row.other_phones)):
        if more:
            said.append(f"{label}: {', '.join(more)}")
    return "\n".join(said)


def _short(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag[:LONGEST_TAG] for tag in tags))
