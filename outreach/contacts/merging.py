"""Two records of one person become one: the history, the opt-outs and everything other rooms hold follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Table, UniqueConstraint, and_, exists, not_, select, update
from sqlalchemy.orm import Session, aliased

from outreach.contacts import timeline
from outreach.contacts.entry import sort_name
from outreach.contacts.following import follow, follow_from_timeline
from outreach.contacts.groups import live
from outreach.contacts.models import Contact
from outreach.db import Base
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
    "street",
    "city",
    "state",
    "zip5",
    "npi",
    "specialty",
    "refers_for",
    "ask_for",
    "best_time",
    "owner_id",
    "birthday_on",
)
"""What the person who merges chooses field by field."""
STAYS = ("merged_into_id",)
SHOWN = 50


@dataclass(frozen=True)
class Pair:
    """Two contacts that look like one, and why."""

    first_id: int
    second_id: int
    why: str


def look_alikes(session: Session) -> list[Pair]:
    """Pairs with the same address, or the same name in the same ZIP; the first fifty."""
    other = aliased(Contact)
    found: dict[tuple[int, int], str] = {}
    mine = and_(live(), other.deleted_at.is_(None), other.merged_into_id.is_(None), Contact.id < other.id)
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


def merge(
    session: Session, kept: Contact, gone: Contact, *, from_gone: Mapping[str, bool], now: datetime, by_id: int | None
) -> Refusal | None:
    """`gone` lives on in `kept`: fields marked in `from_gone` are taken over, everything that points to it follows.

    What would then stand there twice (the same message to the same person) stays with the record that is gone, unseen.
    Opt-outs of the person hold for the address that is kept. Refusals: same, gone-already.
    """
    if kept.id == gone.id:
        return Refusal("same", "These are one and the same contact.")
    if any(one.deleted_at is not None or one.merged_into_id is not None for one in (kept, gone)):
        return Refusal("gone-already", "One of the two was merged or deleted in the meantime.")
    values = {name: getattr(gone, name) for name in CHOSEN if from_gone.get(name) and getattr(gone, name)}
    if "email" in values:
        values["address_hash"] = gone.address_hash
    hashes = {kept.address_hash, gone.address_hash} - {None}
    gone.merged_into_id, gone.deleted_at, gone.npi = kept.id, now, None
    gone.version += 1
    session.flush()
    for name, value in values.items():
        setattr(kept, name, value)
    kept.sort_name = sort_name(kept.first_name, kept.last_name) or kept.sort_name
    kept.updated_at, kept.version = now, kept.version + 1
    session.flush()
    for table, column in _pointing_here():
        _repoint(session, table, column, gone.id, kept.id)
    _carry_stops(session, kept, hashes, now=now, by_id=by_id)
    timeline.add(
        session,
        now=now,
        contact_id=kept.id,
        kind="merged",
        by_id=by_id,
        text=f"Merged with another record of {kept.name}",
        origin=f"merge:{gone.id}",
    )
    session.expire_all()
    return None


def _carry_stops(session: Session, kept: Contact, hashes: set[str | None], *, now: datetime, by_id: int | None) -> None:
    for hashed in hashes - {None}:
        follow(session, now=now, contact_id=kept.id, old=hashed, new=kept.address_hash, source="merge", by_id=by_id)
    if kept.address_hash is not None and len(hashes) < 2:
        # One of the two had no address: what its timeline tells holds for the address that is kept.
        follow_from_timeline(session, now=now, gained={kept.id: kept.address_hash}, source="merge", by_id=by_id)


def _pointing_here() -> Iterator[tuple[Table, Column[int]]]:
    """Every column of every room that is a foreign key to contact."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            target = any(key.column.table.name == "contact" for key in column.foreign_keys)
            if target and column.name not in STAYS and table.name != "standing":
                yield table, column


def _repoint(session: Session, table: Table, column: Column[int], old: int, new: int) -> None:
    change = update(table).where(column == old).values({column.name: new})
    for others in _unique_with(table, column):
        twin = table.alias()
        same = [twin.c[name].is_not_distinct_from(table.c[name]) for name in others]
        known = [table.c[name].is_not(None) for name in others]
        change = change.where(not_(and_(*known, exists().where(twin.c[column.name] == new, *same))))
    session.execute(change)


def _unique_with(table: Table, column: Column[int]) -> Iterator[list[str]]:
    sets = [list(table.primary_key.columns)]
    sets += [list(c.columns) for c in table.constraints if isinstance(c, UniqueConstraint)]
    sets += [list(index.columns) for index in table.indexes if index.unique]
    for columns in sets:
        names = [one.name for one in columns]
        if column.name in names:
            yield [name for name in names if name != column.name]
