"""What is done to many contacts at once, in one statement each: tags, owner, fixed lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, Select, delete, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts import names
from outreach.contacts.browsing import Asking, Wanted, condition, rests_on_yield
from outreach.contacts.group_editing import mark_from_yield
from outreach.contacts.groups import live
from outreach.contacts.models import Contact, ContactTag, Group, GroupMember
from outreach.contacts.tagging import LONGEST
from outreach.errors import Refusal
from outreach.practice.models import Person


@dataclass(frozen=True)
class Chosen:
    """The contacts that something is done to: those that were ticked, or all that a list asks for."""

    wanted: Wanted
    ids: tuple[int, ...] = ()
    whole_list: bool = False

    def where(self, asking: Asking) -> ColumnElement[bool]:
        """The condition on Contact; contacts in the trash are never among them."""
        if self.whole_list:
            return condition(asking, self.wanted, seeking=True)
        return live() & Contact.id.in_(self.ids)

    def count(self, asking: Asking) -> int:
        """How many there are now."""
        return asking.session.scalar(select(func.count()).select_from(Contact).where(self.where(asking))) or 0

    def some(self, asking: Asking, limit: int) -> Sequence[int]:
        """The first of them by name, so that a person sees whom it is about."""
        first = select(Contact.id).where(self.where(asking)).order_by(Contact.sort_name, Contact.id)
        return asking.session.scalars(first.limit(limit)).all()

    def tells_of_yield(self, asking: Asking) -> bool:
        """Whether a list made of them would tell who refers."""
        return self.whole_list and rests_on_yield(asking.session, self.wanted)


def cleaned(tag: str) -> str:
    """The tag as it is kept."""
    return names.clean(" ".join(tag.replace(",", " ").split()))[:LONGEST]


def add_tag(asking: Asking, chosen: Chosen, tag: str) -> int | Refusal:
    """Each of them has the tag; answers how many are new to it. Refusals: no-tag. Idempotent."""
    tag = cleaned(tag)
    if not tag:
        return Refusal("no-tag", "Type the tag.")
    rows = select(Contact.id, literal(tag)).where(chosen.where(asking))
    made = insert_of(asking.session)(ContactTag).from_select(["contact_id", "tag"], rows, include_defaults=False)
    return _run(asking.session, made.on_conflict_do_nothing())


def remove_tag(asking: Asking, chosen: Chosen, tag: str) -> int | Refusal:
    """None of them has the tag; answers how many had it. Refusals: no-tag. Idempotent."""
    tag = names.clean(tag)[:LONGEST]
    if not tag:
        return Refusal("no-tag", "Choose the tag.")
    gone = delete(ContactTag).where(ContactTag.tag == tag, ContactTag.contact_id.in_(_ids(asking, chosen)))
    return _run(asking.session, gone)


def set_owner(asking: Asking, chosen: Chosen, owner_id: int | None) -> int | Refusal:
    """Each of them is looked after by this person, or by nobody; answers how many changed. Refusals: unknown-owner."""
    if owner_id is not None and asking.session.get(Person, owner_id) is None:
        return Refusal("unknown-owner", "Choose who looks after them.")
    another: ColumnElement[bool] = Contact.owner_id.is_not(None)
    if owner_id is not None:
        another = or_(Contact.owner_id.is_(None), Contact.owner_id != owner_id)
    moved = update(Contact).where(Contact.id.in_(_ids(asking, chosen)), another)
    moved = moved.values(owner_id=owner_id, updated_at=asking.now, version=Contact.version + 1)
    return _run(asking.session, moved)


def add_to_list(asking: Asking, chosen: Chosen, group: Group, *, now: datetime) -> int | Refusal:
    """Each of them is on the fixed list; answers how many are new on it. Refusals: by-rules. Idempotent.

    A list filled from a view that tells of referrals carries the mark from then on: events and gifts refuse it.
    """
    if not group.fixed:
        return Refusal("by-rules", "This group follows its rules: choose a fixed list.")
    rows = select(literal(group.id), Contact.id, literal(now, GroupMember.since_at.type)).where(chosen.where(asking))
    columns = ["group_id", "contact_id", "since_at"]
    made = insert_of(asking.session)(GroupMember).from_select(columns, rows, include_defaults=False)
    added = _run(asking.session, made.on_conflict_do_nothing())
    if chosen.tells_of_yield(asking):
        mark_from_yield(asking.session, group, asking.facts)
    return added


def _ids(asking: Asking, chosen: Chosen) -> Select[int]:
    return select(Contact.id).where(chosen.where(asking))


def insert_of(session: Session) -> type[sqlite.Insert] | type[postgresql.Insert]:
    """The INSERT of this database, which can pass over rows that are there."""
    return sqlite.Insert if session.get_bind().dialect.name == "sqlite" else postgresql.Insert


def _run(session: Session, statement: Executable) -> int:
    """Runs it and answers how many rows it touched."""
    connection = session.connection()
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return max(done.rowcount, 0)
