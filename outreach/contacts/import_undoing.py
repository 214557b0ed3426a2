"""An import is taken back, as far as nobody worked on it since; opt-outs stay."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from outreach.contacts import consent, timeline
from outreach.contacts.entry import sort_name
from outreach.contacts.following import follow
from outreach.contacts.import_made import made_by
from outreach.contacts.import_matching import FILLED, PLACE_FILLED
from outreach.contacts.imports import ImportLine, ImportRun
from outreach.contacts.models import Contact, ContactTag, GroupMember, Membership, Organization
from outreach.contacts.tasks import Task
from outreach.errors import Refusal

AT_A_TIME = 500
LINES_KEPT_FOR = timedelta(days=60)
QUIET_KINDS = ("imported", "unsubscribed")


def undo(session: Session, run: ImportRun, *, now: datetime) -> dict[str, int] | Refusal:
    """What the import made is in the trash and what it changed is as before; answers {"removed", "restored", "kept"}.

    Kept: contacts that somebody edited or did something with since, single values that were changed since, and every
    opt-out. Refusals: too-late (seven days after it was done, or it was never done), also for a second undo.
    """
    if not run.can_be_undone(now):
        return Refusal("too-late", "This import can only be undone within seven days after it was done.")
    removed = _remove_people(session, run, now)
    restored = sum(_restore(session, run, lines, now) for lines in _changed_lines(session, run))
    _remove_places(session, run, now)
    session.execute(delete(consent.Consent).where(consent.Consent.source == run.consent_source))
    run.status, run.undone_at = "undone", now
    kept = int(run.counts.get("new", 0)) + int(run.counts.get("updated", 0)) - removed - restored
    return {"removed": removed, "restored": restored, "kept": max(kept, 0)}


def purge(session: Session, *, now: datetime) -> int:
    """The lines of imports done long ago are forgotten, and with them the refused rows. Idempotent."""
    old = select(ImportRun.id).where(ImportRun.finished_at < now - LINES_KEPT_FOR)
    return len(
        session.scalars(delete(ImportLine).where(ImportLine.run_id.in_(old)).returning(ImportLine.row_number)).all()
    )


def _remove_people(session: Session, run: ImportRun, now: datetime) -> int:
    worked_on = (
        exists().where(timeline.Touch.contact_id == Contact.id, timeline.Touch.kind.not_in(QUIET_KINDS)),
        exists().where(Task.contact_id == Contact.id),
        exists().where(GroupMember.contact_id == Contact.id),
        exists().where(consent.Consent.contact_id == Contact.id, consent.Consent.source != run.consent_source),
    )
    removed = session.scalars(
        update(Contact)
        .where(made_by(run), Contact.version == 1, Contact.deleted_at.is_(None), ~or_(*worked_on))
        .values(deleted_at=now)
        .returning(Contact.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(removed)


def _remove_places(session: Session, run: ImportRun, now: datetime) -> None:
    own = select(ImportLine.organization_id).where(ImportLine.run_id == run.id, ImportLine.result == "new")
    named = select(Contact.organization_id).where(made_by(run), Contact.deleted_at.is_not(None))
    made_then = and_(Organization.id.in_(named), Organization.created_at.between(run.started_at, run.finished_at))
    peopled = exists().where(Contact.organization_id == Organization.id, Contact.deleted_at.is_(None))
    session.execute(
        update(Organization)
        .where(or_(Organization.id.in_(own), made_then), Organization.deleted_at.is_(None), ~peopled)
        .values(deleted_at=now, npi=None)
        .execution_options(synchronize_session=False)
    )


def _changed_lines(session: Session, run: ImportRun) -> Iterator[Sequence[ImportLine]]:
    after = -1
    while True:
        lines = session.scalars(
            select(ImportLine)
            .where(ImportLine.run_id == run.id, ImportLine.result == "updated", ImportLine.row_number > after)
            .order_by(ImportLine.row_number)
            .limit(AT_A_TIME)
        ).all()
        if not lines:
            return
        after = lines[-1].row_number
        yield lines
        for line in lines:
            session.expunge(line)


def _restore(session: Session, run: ImportRun, lines: Sequence[ImportLine], now: datetime) -> int:
    people = {line.contact_id: line for line in lines if line.contact_id is not None}
    places = {line.organization_id: line for line in lines if line.organization_id is not None}
    restored = 0
    for contact in session.scalars(select(Contact).where(Contact.id.in_(people))):
        restored += _restore_person(session, contact, people[contact.id].changes, now)
    for place in session.scalars(select(Organization).where(Organization.id.in_(places))):
        restored += _put_back(place, places[place.id].changes, PLACE_FILLED)
    told = [
        {"contact_id": id_, "kind": "edited", "at": now, "text": "An import was undone", "origin": f"undo:{run.id}"}
        for id_ in people
    ]
    if told:
        session.execute(insert(timeline.Touch), told)
    return restored


def _restore_person(session: Session, contact: Contact, changes: dict[str, Any], now: datetime) -> int:
    touched = _put_back(contact, changes, FILLED)
    if "email" in changes and contact.email is None:
        taken_back, contact.address_hash = contact.address_hash, None
        follow(session, now=now, contact_id=contact.id, old=taken_back, new=None)
    if "organization_id" in changes and contact.organization_id is None:
        joined = Membership.organization_id == changes["organization_id"][1]
        session.execute(delete(Membership).where(and_(Membership.contact_id == contact.id, joined)))
    tags = changes.get("tags", [[], []])[1]
    if tags:
        session.execute(delete(ContactTag).where(ContactTag.contact_id == contact.id, ContactTag.tag.in_(tags)))
    if touched or tags:
        contact.sort_name = sort_name(contact.first_name, contact.last_name) or contact.sort_name
        contact.version, contact.updated_at = contact.version + 1, now
    return int(bool(touched or tags))


def _put_back(row: Any, changes: dict[str, Any], names: tuple[str, ...]) -> int:
    restored = 0
    for name in names:
        if name not in changes:
            continue
        before, after = changes[name]
        present = getattr(row, name)
        if (str(present) if isinstance(present, date) else present) == after:
            setattr(row, name, date.fromisoformat(before) if isinstance(present, date) and before else before)
            restored += 1
    return int(restored > 0)
