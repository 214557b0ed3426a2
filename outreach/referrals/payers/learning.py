"""What the log teaches: a payer that a source's clients came with is a payer that its clients carry."""

from collections.abc import Iterable

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts.models import ContactPayer


def learn(session: Session, pairs: Iterable[tuple[int | None, int | None]]) -> None:
    """The payers of these (contact id, payer id) pairs stand in the contact-payer table. Idempotent."""
    known = {(who, payer) for who, payer in pairs if who and payer}
    rows = [{"contact_id": who, "payer_id": payer} for who, payer in sorted(known)]
    if rows:
        build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.execute(build(ContactPayer).on_conflict_do_nothing(), rows)
