"""An import is taken back, as far as nobody worked on it since; opt-outs stay."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from outreach.contacts import consent, searching, timeline
from outreach.contacts.entry import sort_name
from outreach.contacts.following import follow
from outreach.contacts.import_matching import FILLED, PLACE_FILLED, among
from outreach.contacts.imports import ImportLine, ImportMade, ImportMadePlace, ImportRun
from outreach.contacts.models import Contact, ContactTag, GroupMember, Membership, Organization
from outreach.contacts.repointing import pointing_to
from outreach.contacts.tasks import Task
from outreach.errors import Refusal

AT_A_TIME = 500
AT_ONCE = 20_000
"""Rows: an import up to this size is taken back while the person waits."""
LINES_KEPT_FOR = timedelta(days=60)
QUIET_KINDS = ("imported", "unsubscribed")
HANG_ON = ("value_entry", "value_payback", "limit_pass", "family_link", "peer_relation", "source_alias")
"""What a person said about a contact without a line on the timeline; other rooms' tables, known by name only."""


def undo(session: Session, run: ImportRun, *, now: datetime) -> dict[str, int] | Refusal:
    """What the import made is in the trash and what it changed is as before; answers {"removed", "restored", "kept"}.

    Kept: contacts that somebody edited or did something with since, single values that were changed since, and every
    opt-out. A large import is left to the worker, which takes it back part by part: see `go_on`.
    What stopped half-way is taken back as far as it came; its file is forgotten.
    Refusals: too-late (seven days after it was done or stopped, or it runs, or never ran), also for a second undo.
    """
    session.refresh(run, with_for_update=True)
    if not run.can_be_undone(now):
        return Refusal("too-late", "This import can only be undone within seven days after it was done or stopped.")
    run.status = "undone"
    if run.handled <= AT_ONCE:
        while run.undone_at is None:
            go_on(session, run, now=now, limit=AT_ONCE)
    return _told(run)


def go_on(session: Session, run: ImportRun, *, now: datetime, limit: int) -> int:
    """The next part of an undo that has begun is done; answers how many rows it had, 0 when all is done. Idempotent.

    The latest stretch of contacts first; what is taken back is no longer the import's, so that a stop loses nothing.
    """
    stretch = session.scalars(
        select(ImportMade).where(ImportMade.run_id == run.id).order_by(ImportMade.last_id.desc()).limit(1)
    ).first()
    if stretch is not None:
        first = max(stretch.first_id, stretch.last_id - limit + 1)
        _add(run, "removed", _remove_people(session, run, first, stretch.last_id, now))
        _forget_permission(session, run, first, stretch.last_id)
        if first == stretch.first_id:
            session.delete(stretch)
        else:
            stretch.last_id = first - 1
        session.flush()
        return limit
    after = int(run.options.get("undo", {}).get("row", 0))
    lines = _changed_lines(session, run, after, limit)
    if lines:
        _add(run, "restored", _restore(session, run, lines, now))
        _add(run, "row", lines[-1].row_number - after)
        return limit
    if _places_taken_back(session, run, limit, now):
        return limit
    session.execute(delete(consent.Consent).where(consent.Consent.source == run.consent_source))
    run.undone_at = now
    return 0


def _told(run: ImportRun) -> dict[str, int]:
    done = run.options.get("undo", {})
    removed, restored = int(done.get("removed", 0)), int(done.get("restored", 0))
    kept = int(run.counts.get("new", 0)) + int(run.counts.get("updated", 0)) - removed - restored
    return {"removed": removed, "restored": restored, "kept": max(kept, 0)}


def _add(run: ImportRun, name: str, number: int) -> None:
    done = dict(run.options.get("undo", {}))
    run.options = {**run.options, "undo": {**done, name: int(done.get(name, 0)) + number}}


def purge(session: Session, *, now: datetime) -> int:
    """The lines of imports done long ago are forgotten, and with them the refused rows. Idempotent."""
    old = select(ImportRun.id).where(ImportRun.finished_at < now - LINES_KEPT_FOR)
    return len(
        session.scalars(delete(ImportLine).where(ImportLine.run_id.in_(old)).returning(ImportLine.row_number)).all()
    )


def _remove_people(session: Session, run: ImportRun, first: int, last: int, now: datetime) -> int:
    worked_on = (
        exists().where(timeline.Touch.contact_id == Contact.id, timeline.Touch.kind.not_in(QUIET_KINDS)),
        exists().where(Task.contact_id == Contact.id),
        exists().where(GroupMember.contact_id == Contact.id),
        exists().where(consent.Consent.contact_id == Contact.id, consent.Consent.source != run.consent_source),
        *(exists().where(key == Contact.id) for table, key in pointing_to("contact") if table.name in HANG_ON),
    )
    removed = session.scalars(
        update(Contact)
        .where(Contact.id.between(first, last), Contact.version == 1, Contact.deleted_at.is_(None), ~or_(*worked_on))
        .values(deleted_at=now)
        .returning(Contact.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(removed)


def _places_taken_back(session: Session, run: ImportRun, limit: int, now: datetime) -> bool:
    """Whether there was a stretch of organizations left; its latest part is taken back."""
    made = select(ImportMadePlace).where(ImportMadePlace.run_id == run.id)
    stretch = session.scalars(made.order_by(ImportMadePlace.last_id.desc()).limit(1)).first()
    if stretch is None:
        return False
    first = max(stretch.first_id, stretch.last_id - limit + 1)
    gone = _remove_places(session, Organization.id.between(first, stretch.last_id), now)
    own = (ImportLine.run_id == run.id, ImportLine.result == "new", among(session, ImportLine.organization_id, gone))
    if gone:
        _add(run, "removed", session.scalar(select(func.count()).where(*own)) or 0)
    if first == stretch.first_id:
        session.delete(stretch)
    else:
        stretch.last_id = first - 1
    session.flush()
    return True


def _remove_places(session: Session, which: ColumnElement[bool], now: datetime) -> Sequence[int]:
    """Nobody belongs there, and nobody changed it by hand since; answers which are gone."""
    peopled = exists().where(Contact.organization_id == Organization.id, Contact.deleted_at.is_(None))
    belongs = (Membership.organization_id == Organization.id, Contact.id == Membership.contact_id)
    visited = exists().where(*belongs, Contact.deleted_at.is_(None))
    return session.scalars(
        update(Organization)
        .where(which, Organization.deleted_at.is_(None), Organization.version == 1, ~peopled, ~visited)
        .values(deleted_at=now, npi=None)
        .returning(Organization.id)
        .execution_options(synchronize_session=False)
    ).all()


def _forget_permission(session: Session, run: ImportRun, first: int, last: int) -> None:
    theirs = consent.Consent.contact_id.between(first, last)
    session.execute(delete(consent.Consent).where(consent.Consent.source == run.consent_source, theirs))


def _changed_lines(session: Session, run: ImportRun, after: int, limit: int) -> Sequence[ImportLine]:
    return session.scalars(
        select(ImportLine)
        .where(ImportLine.run_id == run.id, ImportLine.result == "updated", ImportLine.row_number > after)
        .order_by(ImportLine.row_number)
        .limit(min(limit, AT_A_TIME))
    ).all()


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
        searching.note(session, [contact.id])
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
