"""The people of a batch: each one found, filled in or made, with a line that says which."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.entry import sort_name
from outreach.contacts.following import follow_from_timeline
from outreach.contacts.import_batch import Batch, after, change_rows, new_ids
from outreach.contacts.import_made import handled_before
from outreach.contacts.import_matching import FILLED, Book, Found, Person, among, contact_values, differing
from outreach.contacts.import_new_people import insert_new
from outreach.contacts.imported import ImportedRow
from outreach.contacts.models import Contact, ContactTag

LONGEST_TAG = 60


def write_people(session: Session, batch: Batch, book: Book, persons: Sequence[Person]) -> None:
    """Every person is in the book once; `batch` knows who was made or changed."""
    earlier = handled_before(session, batch.run, book.by_id)
    texts, tags = _told_before(session, persons, book.by_id), _tags_of(session, persons, book.by_id)
    ids, default_kind = new_ids(session, Contact), batch.run.default_kind or "provider"
    for person in persons:
        row, found = person.row, _found(batch, book, person)
        if batch.choices and batch.choices.get(str(row.row_number)) == "leave":
            batch.line(row.row_number, "skipped", reason="Left out by you.")
            continue
        place = book.find_place(row) if row.organization else None
        place_id: int | None = place["id"] if place else None
        if found is None:
            _make(batch, book, person, next(ids), place_id, default_kind)
        elif found["id"] in earlier or found["id"] not in book.by_id:
            reason = "An earlier row of this file is the same person."
            batch.line(row.row_number, "duplicate", reason=reason, contact_id=found["id"])
        else:
            earlier.add(found["id"])
            said = contact_values(person, place_id)
            _take_over(batch, person, found, said, texts.get(found["id"], ""), tags.get(found["id"], set()))
    insert_new(session, batch)
    change_rows(session, Contact, (*FILLED, "sort_name", "address_hash", "version", "updated_at"), batch.updates)
    follow_from_timeline(session, now=batch.now, gained=batch.gained, source="import", by_id=batch.run.by_id)


def _found(batch: Batch, book: Book, person: Person) -> Found | None:
    """Who the row is: as it looks, unless a person said that it is somebody new or a certain namesake."""
    row, found = person.row, book.find(person)
    if not batch.choices:
        return found
    said = batch.policy(row.row_number)
    if said.startswith("same:"):
        return book.by_id.get(int(said.removeprefix("same:")), found)
    if said == "new" and found is not None and not (row.npi and row.npi == found["npi"]):
        return None  # only a number is one person's for certain
    return found


def _make(batch: Batch, book: Book, person: Person, id_: int, place_id: int | None, default_kind: str) -> None:
    row, first, last, sort, hashed = person.row, person.first_name, person.last_name, person.sort_name, person.hashed
    npi, zip5, title, kind = row.npi or None, row.zip5, row.title, row.suggested_kind or default_kind
    stark = kind == "physician" if row.is_physician is None else row.is_physician
    names = (id_, kind, row.prefix, first, last, row.credentials, sort, place_id, title)
    place = (row.email or None, hashed, row.phone, row.street, row.city, row.state, zip5)
    birthday, agreed, beyond = row.birthday_on, row.source_opt_in_at, _beyond(row)
    beside = (
        birthday and batch.as_day(birthday),
        batch.spoken_now if agreed is None else batch.as_instant(min(agreed, batch.now)),
        f"{batch.whence}\n{beyond}" if beyond else batch.whence,
    )
    batch.made.append((*names, *place, npi, row.taxonomy or None, row.specialty, stark, *beside))
    light = {"id": id_, "npi": npi, "zip5": zip5, "phone": row.phone, "organization_id": place_id}
    book.add_as(light, npi, hashed, sort, zip5)
    if row.tags:
        batch.tags[id_] = _short(row.tags)


def _take_over(batch: Batch, person: Person, found: Found, said: dict[str, Any], told: str, tags: set[str]) -> None:
    row, policy = person.row, batch.policy(person.row.row_number)
    skip, changes = policy == "skip", differing(found, said, policy)
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
        batch.joined.append((values["id"], values["organization_id"], values["title"] or ""))


def _told_before(session: Session, persons: Sequence[Person], ids: Collection[int]) -> dict[int, str]:
    if not ids or not any(_beyond(person.row) for person in persons):
        return {}
    told: dict[int, str] = {}
    touch = timeline.Touch
    for id_, text in session.execute(
        select(touch.contact_id, touch.text).where(among(session, touch.contact_id, ids), touch.kind == "imported")
    ):
        told[id_] = f"{told.get(id_, '')}\n{text}"
    return told


def _tags_of(session: Session, persons: Sequence[Person], ids: Collection[int]) -> dict[int, set[str]]:
    if not ids or not any(person.row.tags for person in persons):
        return {}
    held: dict[int, set[str]] = {}
    for id_, tag in session.execute(
        select(ContactTag.contact_id, ContactTag.tag).where(among(session, ContactTag.contact_id, ids))
    ):
        held.setdefault(id_, set()).add(tag)
    return held


def _beyond(row: ImportedRow) -> str:
    if not (row.notes or row.other_emails or row.other_phones):
        return ""
    said = [row.notes] if row.notes else []
    said += [f"Also: {', '.join(more)}" for more in (row.other_emails, row.other_phones) if more]
    return "\n".join(said)


def _short(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag[:LONGEST_TAG] for tag in tags))
