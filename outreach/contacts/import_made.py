"""What an import made: kept as stretches of numbers, so that a million contacts cost no more than a few rows."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, exists, insert, select, update
from sqlalchemy.orm import Session

from outreach.contacts.import_matching import among
from outreach.contacts.imports import ImportLine, ImportMade, ImportMadePlace, ImportRun
from outreach.contacts.models import Contact


def remember_made(
    session: Session, run: ImportRun, ids: Sequence[int], kept: type[ImportMade | ImportMadePlace] = ImportMade
) -> None:
    """The new contacts (ids ascending) belong to this import; with `ImportMadePlace` the new organizations."""
    stretches: list[list[int]] = []
    for id_ in ids:
        if stretches and stretches[-1][1] == id_ - 1:
            stretches[-1][1] = id_
        else:
            stretches.append([id_, id_])
    if not stretches:
        return
    first, last = stretches[0]
    joined = (
        update(kept)
        .where(kept.run_id == run.id, kept.last_id == first - 1)
        .values(last_id=last)
        .returning(kept.first_id)
    )
    if session.execute(joined).first() is not None:
        del stretches[0]
    if stretches:
        rows = [{"run_id": run.id, "first_id": first, "last_id": last} for first, last in stretches]
        session.execute(insert(kept), rows)


def handled_before(session: Session, run: ImportRun, ids: Collection[int]) -> set[int]:
    """Those of the contacts whom an earlier row of this import made or met."""
    if not ids:
        return set()
    met = select(ImportLine.contact_id).where(
        ImportLine.run_id == run.id, ImportLine.contact_id.is_not(None), among(session, ImportLine.contact_id, ids)
    )
    made = select(Contact.id).where(among(session, Contact.id, ids), made_by(run))
    return {id_ for id_ in session.scalars(met.union(made)) if id_ is not None}


def made_by(run: ImportRun) -> ColumnElement[bool]:
    """Whether a contact was made by this import."""
    stretch = (ImportMade.first_id <= Contact.id, ImportMade.last_id >= Contact.id)
    return exists().where(ImportMade.run_id == run.id, *stretch).correlate(Contact)
