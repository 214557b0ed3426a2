"""Two records of one person become one, and two again: history, opt-outs and everything other rooms hold follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from outreach.contacts import repointing, searching, timeline
from outreach.contacts.entry import sort_name
from outreach.contacts.following import follow, follow_from_timeline
from outreach.contacts.groups import live
from outreach.contacts.models import Contact
from outreach.contacts.record_models import FamilyLink, MergeRecord, NotDuplicate
from outreach.contacts.timeline import Touch
from outreach.errors import Refusal

CHOSEN = (
    "kind",
    "prefix",
    "first_name",
    "last_name",
    "credentials",
    "organization_id",
    "title",
    "email",
    "phone",
    "fax",
    "street",
    "city",
    "state",
    "zip5",
    "npi",
    "taxonomy",
    "specialty",
    "discipline",
    "language",
    "languages",
    "time_zone",
    "refers_for",
    "therapy_relationship",
    "ask_for",
    "best_time",
    "owner_id",
    "birthday_on",
    "discharged_on",
    "advocate",
)
"""What the person who merges chooses field by field."""
BARS = (
    ("deceased_on",),
    ("recovery_hold_at", "recovery_hold_why"),
    ("do_not_contact_at", "do_not_contact_why"),
)
"""What holds for the person holds for the record that stays, whatever is chosen."""
SHOWN = 50


@dataclass(frozen=True)
class Pair:
    """Two records that look like one, and why."""

    first_id: int
    second_id: int
    why: str


def look_alikes(session: Session) -> list[Pair]:
    """Pairs with the same address, or the same name in the same ZIP; the first fifty that nobody called two people."""
    other = aliased(Contact)
    found: dict[tuple[int, int], str] = {}
    known = exists().where(
        NotDuplicate.kind == "contact", NotDuplicate.first_id == Contact.id, NotDuplicate.second_id == other.id
    )
    mine = and_(live(), other.deleted_at.is_(None), other.merged_into_id.is_(None), Contact.id < other.id, ~known)
    for clause, why in (
        (Contact.address_hash == other.address_hash, "the same email address"),
        (
            and_(Contact.sort_name == other.sort_name, Contact.zip5 == other.zip5, Contact.zip5 != ""),
            "the same name and ZIP",
        ),
        (
            and_(Contact.sort_name == other.sort_name, Contact.organization_id == other.organization_id),
            "the same name at the same organization",
        ),
    ):
        rows = session.execute(
            select(Contact.id, other.id).join(other, clause).where(mine).order_by(Contact.id, other.id).limit(SHOWN)
        )
        for first, second in rows:
            found.setdefault((first, second), why)
    return [Pair(first, second, why) for (first, second), why in list(found.items())[:SHOWN]]


def keep_apart(session: Session, kind: str, one_id: int, other_id: int, *, now: datetime, by_id: int | None) -> None:
    """The two are two: they are not offered as duplicates again. `kind`: contact or organization. Idempotent."""
    first, second = sorted((one_id, other_id))
    if first != second and session.get(NotDuplicate, (kind, first, second)) is None:
        session.add(NotDuplicate(kind=kind, first_id=first, second_id=second, at=now, by_id=by_id))
        session.flush()


def offer_again(session: Session, kind: str, one_id: int, other_id: int) -> None:
    """Nobody said any more that the two are two. Idempotent."""
    first, second = sorted((one_id, other_id))
    pair = (NotDuplicate.kind == kind, NotDuplicate.first_id == first, NotDuplicate.second_id == second)
    session.execute(delete(NotDuplicate).where(*pair))


def merge(
    session: Session, kept: Contact, gone: Contact, *, from_gone: Mapping[str, bool], now: datetime, by_id: int | None
) -> MergeRecord | Refusal:
    """`gone` lives on in `kept`: fields marked in `from_gone` are taken over, everything that points to it follows.

    What would then stand there twice (the same message to the same person) stays with the record that is gone, unseen.
    Opt-outs of the person hold for the address that is kept. Refusals: same, gone-already.
    """
    if kept.id == gone.id:
        return Refusal("same", "These are one and the same contact.")
    if any(one.deleted_at is not None or one.merged_into_id is not None for one in (kept, gone)):
        return Refusal("gone-already", "One of the two was merged or deleted in the meantime.")
    values = _taken(kept, gone, from_gone)
    record = MergeRecord(kind="contact", kept_id=kept.id, gone_id=gone.id, at=now, by_id=by_id)
    record.before = {name: written(getattr(kept, name)) for name in values}
    barred = [bar[0] for bar in BARS if getattr(kept, bar[0]) is not None]
    record.gone = {"npi": gone.npi, "family": _part_family(session, kept.id, gone.id), "barred": barred}
    hashes = {kept.address_hash, gone.address_hash} - {None}
    gone.merged_into_id, gone.deleted_at, gone.npi = kept.id, now, None
    gone.version += 1
    session.flush()
    for name, value in values.items():
        setattr(kept, name, value)
    kept.sort_name = sort_name(kept.first_name, kept.last_name) or kept.sort_name
    kept.updated_at, kept.version = now, kept.version + 1
    session.flush()
    record.moved = repointing.repoint(session, "contact", gone.id, kept.id)
    searching.note(session, [kept.id, gone.id])
    _carry_stops(session, kept, hashes, now=now, by_id=by_id)
    session.add(record)
    session.flush()
    told = f"Merged with another record of {kept.name}"
    timeline.add(
        session, now=now, contact_id=kept.id, kind="merged", by_id=by_id, text=told, origin=f"merge:{record.id}"
    )
    session.expire_all()
    return record


def unmerge(session: Session, record: MergeRecord, *, now: datetime, by_id: int | None) -> Contact | Refusal:
    """The two are two again, each with what was its own; answers the one that is back. Idempotent.

    Fields that somebody changed since stay changed, and so does what was added since. Opt-outs are never taken back;
    a stop that was set while the two were one holds for both.
    Refusals: merged-on (the record that stayed was merged or deleted since).
    """
    kept, gone = session.get_one(Contact, record.kept_id), session.get_one(Contact, record.gone_id)
    if record.undone_at is not None:
        return gone
    if kept.deleted_at is not None or gone.merged_into_id != kept.id:
        return Refusal("merged-on", f"{kept.name} was merged or deleted since. Take that back first.")
    for bar in BARS:
        if bar[0] not in record.gone.get("barred", ()) and getattr(gone, bar[0]) is None:
            for name in bar:
                setattr(gone, name, getattr(kept, name))
    for name, value in record.before.items():
        if getattr(kept, name) == getattr(gone, name) or (name == "npi" and kept.npi == record.gone.get("npi")):
            setattr(kept, name, read(Contact, name, value))
    kept.sort_name = sort_name(kept.first_name, kept.last_name) or kept.sort_name
    session.flush()
    number = record.gone.get("npi")
    taken = number and session.scalar(select(Contact.id).where(Contact.npi == number, Contact.deleted_at.is_(None)))
    gone.merged_into_id, gone.deleted_at, gone.npi = None, None, None if taken else number
    for one in (kept, gone):
        one.updated_at, one.version = now, one.version + 1
    record.undone_at = now
    session.execute(delete(Touch).where(Touch.origin == f"merge:{record.id}"))
    session.flush()
    repointing.point_back(session, record.moved, gone.id, kept.id)
    searching.note(session, [kept.id, gone.id])
    for contact_id, relative_id, relation in record.gone.get("family", []):
        session.merge(FamilyLink(contact_id=contact_id, relative_id=relative_id, relation=relation))
    session.expire_all()
    return session.get_one(Contact, record.gone_id)


def merges_of(session: Session, kind: str, kept_id: int) -> list[MergeRecord]:
    """The merges into this record that still stand, the latest first."""
    return list(
        session.scalars(
            select(MergeRecord)
            .where(MergeRecord.kind == kind, MergeRecord.kept_id == kept_id, MergeRecord.undone_at.is_(None))
            .order_by(MergeRecord.id.desc())
        )
    )


def where_now(session: Session, contact: Contact) -> Contact:
    """The record that this one lives on in, through any number of merges; itself when it was never merged."""
    seen = {contact.id}
    while contact.merged_into_id is not None and contact.merged_into_id not in seen:
        seen.add(contact.merged_into_id)
        contact = session.get_one(Contact, contact.merged_into_id)
    return contact


def written(value: Any) -> Any:
    """A column's value as it is kept in a MergeRecord."""
    return value.isoformat() if isinstance(value, date) else value


def read(table: type[Any], name: str, value: Any) -> Any:
    """The value that `written` wrote of this column."""
    kind = table.__table__.columns[name].type.python_type
    return kind.fromisoformat(value) if value is not None and kind in (date, datetime) else value


def _taken(kept: Contact, gone: Contact, from_gone: Mapping[str, bool]) -> dict[str, Any]:
    values = {name: getattr(gone, name) for name in CHOSEN if from_gone.get(name) and getattr(gone, name)}
    if "email" in values:
        values["address_hash"] = gone.address_hash
    if "taxonomy" in values:
        values["stark_physician"] = gone.stark_physician
    for bar in BARS:
        if getattr(kept, bar[0]) is None and getattr(gone, bar[0]) is not None:
            values |= {name: getattr(gone, name) for name in bar}
    return values


def _part_family(session: Session, one_id: int, other_id: int) -> list[list[Any]]:
    """A link of the two with each other would link one person with themselves: it is put aside."""
    between = or_(
        and_(FamilyLink.contact_id == one_id, FamilyLink.relative_id == other_id),
        and_(FamilyLink.contact_id == other_id, FamilyLink.relative_id == one_id),
    )
    links = session.scalars(select(FamilyLink).where(between)).all()
    for link in links:
        session.delete(link)
    session.flush()
    return [[link.contact_id, link.relative_id, link.relation] for link in links]


def _carry_stops(session: Session, kept: Contact, hashes: set[str | None], *, now: datetime, by_id: int | None) -> None:
    for hashed in hashes - {None}:
        follow(session, now=now, contact_id=kept.id, old=hashed, new=kept.address_hash, source="merge", by_id=by_id)
    if kept.address_hash is not None and len(hashes) < 2:
        # One of the two had no address: what its timeline tells holds for the address that is kept.
        follow_from_timeline(session, now=now, gained={kept.id: kept.address_hash}, source="merge", by_id=by_id)
