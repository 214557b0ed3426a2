"""The new people of a batch: with their membership, permission and timeline in the book."""

from typing import Any

from sqlalchemy.orm import Session

from outreach.contacts.consent import EVERYTHING, Consent
from outreach.contacts.import_batch import Batch
from outreach.contacts.import_made import remember_made
from outreach.contacts.import_staging import Stage
from outreach.contacts.imports import GRANTING
from outreach.contacts.models import Contact, Membership
from outreach.contacts.timeline import Touch

NEW = (
    *("id", "kind", "prefix", "first_name", "last_name", "credentials", "sort_name", "organization_id", "title"),
    *("email", "address_hash", "phone", "street", "city", "state", "zip5", "npi", "taxonomy", "specialty"),
    *("stark_physician", "birthday_on"),
)
"""The columns of a new contact that differ from row to row."""


def insert_new(session: Session, batch: Batch) -> None:
    """Everybody in `batch.made` is in the book."""
    if not batch.made:
        return
    run = batch.run
    stage = Stage(session, NEW)
    stage.take(batch.made)
    days = {"added_on": batch.today, "created_at": batch.now, "updated_at": batch.now}
    stage.give(Contact, dict(zip(NEW, NEW, strict=True)), {"source": run.file_name[:200], **days})
    joined = {"contact_id": "id", "organization_id": "organization_id", "role": "title"}
    stage.give(Membership, joined, {}, "organization_id IS NOT NULL")
    stage.give(Touch, {"contact_id": "id", "text": "told"}, told_by(batch))
    if run.permission in GRANTING:
        stage.give(Consent, {"contact_id": "id", "at": "agreed_at"}, granted_by(batch))
    stage.drop()
    remember_made(session, run, [row[0] for row in batch.made])


def told_by(batch: Batch) -> dict[str, Any]:
    """What all lines on the timeline share that this import writes."""
    origin = f"import:{batch.run.id}"
    return {"kind": "imported", "at": batch.now, "minutes": None, "by_id": batch.run.by_id, "origin": origin}


def granted_by(batch: Batch) -> dict[str, Any]:
    """What all permissions share that came with this file."""
    run = batch.run
    said = {"source": run.consent_source, "words": run.permission_words, "by_id": run.by_id}
    return {"topic": EVERYTHING, "granted": True, **said}
