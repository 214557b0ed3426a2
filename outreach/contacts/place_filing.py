"""Organizations are closed, deleted and merged: people keep their history, and each of these can be taken back."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from outreach.contacts import repointing, searching
from outreach.contacts.groups import live
from outreach.contacts.merging import SHOWN, Pair, read, written
from outreach.contacts.models import Contact, Membership, Organization
from outreach.contacts.record_models import MergeRecord, NotDuplicate
from outreach.errors import Refusal

PLACE_CHOSEN = (
    "name",
    "type",
    "npi",
    "street",
    "city",
    "state",
    "zip5",
    "phone",
    "fax",
    "website",
    "owner_id",
    "front_desk",
    "referral_coordinator",
    "preferred_channel",
    "channel_contact",
    "lunch_hour",
    "visit_rules",
    "booking_window",
    "weeks_between_lunches",
    "visitors_allowed",
    "parking",
    "physicians",
    "advanced_providers",
    "staff",
    "diets",
    "notes",
)
"""What the person who merges two places chooses field by field."""


COUNTED = {"event": ("event", "events")}
"""Rows of other rooms that name a place, in words."""


def close_place(place: Organization, *, on: date) -> None:
    """The place is out of use: its people and story stay, and it is offered in no form. Idempotent."""
    place.closed_on = place.closed_on or on


def reopen_place(place: Organization) -> None:
    """The place is in use again. Idempotent."""
    place.closed_on = None


def trash_place(session: Session, place: Organization, *, now: datetime) -> Refusal | None:
    """The place is on no list any more; it can be brought back. Idempotent.

    Refusals: people-belong (somebody still does: a place with people is closed or merged, not deleted).
    """
    if place.deleted_at is not None:
        return None
    many = here_now(session, place)
    if many:
        said = f"{many} {'person belongs' if many == 1 else 'people belong'} here."
        return Refusal("people-belong", f"{said} Close it instead, or merge it into the place that took over.")
    place.deleted_at = now
    return None


def trashed(session: Session) -> list[Organization]:
    """The places in the trash, the latest first, two hundred at most."""
    found = select(Organization).where(Organization.deleted_at.is_not(None), Organization.merged_into_id.is_(None))
    return list(session.scalars(found.order_by(Organization.deleted_at.desc(), Organization.id).limit(200)))


def here_now(session: Session, place: Organization) -> int:
    """How many people belong to the place now, mainly or among others."""
    stays = select(Membership.contact_id).where(Membership.organization_id == place.id, Membership.until_on.is_(None))
    here = or_(Contact.organization_id == place.id, Contact.id.in_(stays))
    return session.scalar(select(func.count()).select_from(Contact).where(here, live())) or 0


def effects_of_trash(session: Session, place: Organization) -> list[str]:
    """What deleting the place does, as sentences: what leaves the lists, and what stays."""
    left = select(func.count(func.distinct(Membership.contact_id))).where(
        Membership.organization_id == place.id, Membership.until_on.is_not(None)
    )
    former, lines = session.scalar(left) or 0, ["It leaves the list of organizations, the search and every form."]
    for table, column in repointing.pointing_to("organization"):
        if table.name in COUNTED:
            number = session.scalar(select(func.count()).select_from(table).where(column == place.id)) or 0
            if number:
                one, many = COUNTED[table.name]
                lines.append(f"{number} {one} keeps its name." if number == 1 else f"{number} {many} keep its name.")
    if former:
        who = "1 person who left keeps" if former == 1 else f"{former} people who left keep"
        lines.append(f"{who} it in their history.")
    return [*lines, "It waits in the trash and can be brought back from there."]


def restore_place(session: Session, place: Organization) -> Refusal | None:
    """The place is back as it was. Idempotent. Refusals: merged."""
    if place.merged_into_id is not None:
        return Refusal("merged", "This place was merged into another and lives on there.")
    place.deleted_at = None
    return None


def look_alike_places(session: Session) -> list[Pair]:
    """Pairs of places with one name in one ZIP or town, or one phone; the first fifty not called two places."""
    other = aliased(Organization)
    known = exists().where(
        NotDuplicate.kind == "organization",
        NotDuplicate.first_id == Organization.id,
        NotDuplicate.second_id == other.id,
    )
    mine = and_(Organization.deleted_at.is_(None), other.deleted_at.is_(None), Organization.id < other.id, ~known)
    same_name = func.lower(Organization.name) == func.lower(other.name)
    found: dict[tuple[int, int], str] = {}
    for clause, why in (
        (and_(same_name, Organization.zip5 == other.zip5), "the same name and ZIP"),
        (and_(same_name, func.lower(Organization.city) == func.lower(other.city)), "the same name and town"),
        (
            and_(Organization.phone == other.phone, Organization.phone != "", Organization.zip5 == other.zip5),
            "the same phone and ZIP",
        ),
    ):
        rows = session.execute(
            select(Organization.id, other.id)
            .join(other, clause)
            .where(mine)
            .order_by(Organization.id, other.id)
            .limit(SHOWN)
        )
        for first, second in rows:
            found.setdefault((first, second), why)
    return [Pair(first, second, why) for (first, second), why in list(found.items())[:SHOWN]]


def merge_places(
    session: Session,
    kept: Organization,
    gone: Organization,
    *,
    from_gone: Mapping[str, bool],
    now: datetime,
    by_id: int | None,
) -> MergeRecord | Refusal:
    """`gone` lives on in `kept`: fields marked in `from_gone` are taken over, its people and events follow.

    Who belonged to both belongs once, the other stay is put aside. Refusals: same, gone-already.
    """
    if kept.id == gone.id:
        return Refusal("same", "These are one and the same place.")
    if kept.deleted_at is not None or gone.deleted_at is not None:
        return Refusal("gone-already", "One of the two was merged or deleted in the meantime.")
    values = {name: getattr(gone, name) for name in PLACE_CHOSEN if from_gone.get(name) and getattr(gone, name)}
    record = MergeRecord(kind="organization", kept_id=kept.id, gone_id=gone.id, at=now, by_id=by_id)
    record.before = {name: written(getattr(kept, name)) for name in values}
    record.gone = {"npi": gone.npi, "stays": _put_aside(session, kept.id, gone.id)}
    gone.merged_into_id, gone.deleted_at, gone.npi = kept.id, now, None
    session.flush()
    for name, value in values.items():
        setattr(kept, name, value)
    session.flush()
    searching.note_people_of(session, gone.id)
    record.moved = repointing.repoint(session, "organization", gone.id, kept.id)
    searching.note_people_of(session, kept.id)
    _touch_versions(session, record, now)
    session.add(record)
    session.flush()
    session.expire_all()
    return record


def unmerge_places(session: Session, record: MergeRecord, *, now: datetime) -> Organization | Refusal:
    """The two places are two again, each with its people; answers the one that is back. Idempotent.

    Fields and moves that somebody made since stay. Refusals: merged-on (the place that stayed is gone by now).
    """
    kept = session.get_one(Organization, record.kept_id)
    gone = session.get_one(Organization, record.gone_id)
    if record.undone_at is not None:
        return gone
    if kept.deleted_at is not None or gone.merged_into_id != kept.id:
        return Refusal("merged-on", f"{kept.name} was merged or deleted since. Take that back first.")
    for name, value in record.before.items():
        if getattr(kept, name) == getattr(gone, name) or (name == "npi" and kept.npi == record.gone.get("npi")):
            setattr(kept, name, read(Organization, name, value))
    session.flush()
    number = record.gone.get("npi")
    taken = number and session.scalar(select(Organization.id).where(Organization.npi == number))
    gone.merged_into_id, gone.deleted_at, gone.npi = None, None, None if taken else number
    record.undone_at = now
    session.flush()
    searching.note_people_of(session, kept.id)
    repointing.point_back(session, record.moved, gone.id, kept.id)
    for stay in record.gone.get("stays", []):
        session.add(Membership(**{name: read(Membership, name, value) for name, value in stay.items()}))
    _touch_versions(session, record, now)
    session.flush()
    searching.note_people_of(session, gone.id)
    session.expire_all()
    return session.get_one(Organization, record.gone_id)


def _put_aside(session: Session, kept_id: int, gone_id: int) -> list[dict[str, Any]]:
    """The open stays at the place that goes of people who have one at the place that stays."""
    here = select(Membership.contact_id).where(Membership.organization_id == kept_id, Membership.until_on.is_(None))
    twice = session.scalars(
        select(Membership).where(
            Membership.organization_id == gone_id, Membership.until_on.is_(None), Membership.contact_id.in_(here)
        )
    ).all()
    names = ("contact_id", "organization_id", "role", "since_on", "until_on")
    aside = [{name: written(getattr(stay, name)) for name in names} for stay in twice]
    if twice:
        session.execute(delete(Membership).where(Membership.id.in_([stay.id for stay in twice])))
    return aside


def _touch_versions(session: Session, record: MergeRecord, now: datetime) -> None:
    """A form that somebody has open about one of the people is told of the move."""
    ids = [row[2][0] for row in record.moved if row[0] == "contact"]
    for start in range(0, len(ids), repointing.AT_A_TIME):
        some = Contact.id.in_(ids[start : start + repointing.AT_A_TIME])
        session.execute(update(Contact).where(some).values(version=Contact.version + 1, updated_at=now))
