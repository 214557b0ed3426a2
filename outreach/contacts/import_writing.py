"""One batch of an import is written: no query per row, whatever the number of rows."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import consent, timeline
from outreach.contacts.csvfile import RefusedRow
from outreach.contacts.import_batch import Batch, insert_rows
from outreach.contacts.import_files import Item
from outreach.contacts.import_matching import Person, look_up
from outreach.contacts.import_opt_outs import stop
from outreach.contacts.import_people import write_people
from outreach.contacts.import_places import write_places
from outreach.contacts.imported import ImportedRow
from outreach.contacts.imports import GRANTING, ImportLine, ImportRun
from outreach.contacts.models import ContactTag


def write(
    session: Session, run: ImportRun, items: Sequence[Item], *, now: datetime, today: date, key: bytes
) -> Counter[str]:
    """The rows are in the book, each with its line; answers the results counted. Idempotent: a row that is there
    already changes nothing."""
    batch = Batch(run, now, today)
    rows = [item for item, _ in items if isinstance(item, ImportedRow)]
    people = {
        row.row_number: Person.of(row, consent.address_hash(key, row.email_key) if row.email_key else None)
        for row in rows
        if row.kind != "organization"
    }
    persons = [person for person in people.values() if person.row.kind == "person"]
    book = look_up(session, persons, [row for row in rows if row.kind != "suppression"], to_write=True)
    _refuse(batch, items)
    write_places(session, batch, book, [row for row in rows if row.kind != "suppression"])
    write_people(session, batch, book, persons)
    stop(session, batch, [person for person in people.values() if person.row.kind == "suppression"])
    _write_beside(session, batch)
    insert_rows(session, ImportLine, batch.lines, or_ignore=True)
    return Counter(line["result"] for line in batch.lines)


def _refuse(batch: Batch, items: Sequence[Item]) -> None:
    for item, cells in items:
        if isinstance(item, RefusedRow):
            batch.line(item.row_number, "problem", reason=item.reason[:500], column=item.column[:200], cells=cells)


def _write_beside(session: Session, batch: Batch) -> None:
    tags = [{"contact_id": id_, "tag": tag} for id_, words in batch.tags.items() for tag in words]
    insert_rows(session, ContactTag, tags, or_ignore=True)
    run, source = batch.run, f"import:{batch.run.id}"
    base = {
        "kind": "imported",
        "at": batch.now,
        "minutes": None,
        "by_id": run.by_id,
        "origin": source,
        "from_yield": False,
    }
    insert_rows(
        session,
        timeline.Touch,
        [
            {**base, "contact_id": id_, "text": f"From {run.file_name}" + (f"\n{beyond}" if beyond else "")}
            for id_, beyond in batch.touched.items()
        ],
        or_ignore=True,
    )
    if run.permission in GRANTING:
        _grant(session, batch)


def _grant(session: Session, batch: Batch) -> None:
    # Whoever said yes or no before is not asked again by a file.
    asked = set(
        session.scalars(select(consent.Consent.contact_id).where(consent.Consent.contact_id.in_(batch.agreed_at)))
    )
    run = batch.run
    base = {"topic": consent.EVERYTHING, "granted": True, "source": run.consent_source, "words": run.permission_words}
    rows = [
        {**base, "contact_id": id_, "at": min(at, batch.now), "by_id": run.by_id}
        for id_, at in batch.agreed_at.items()
        if id_ not in asked
    ]
    insert_rows(session, consent.Consent, rows)
