"""Who gets an issue: the union of its groups, each person and each address once, and why the others are left out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select
from sqlalchemy.orm import QueryableAttribute, Session

from outreach.contacts import groups
from outreach.contacts.models import Contact, Group, GroupMember
from outreach.contacts.standing import Standing
from outreach.deliveries.house import House, house_of
from outreach.screen import World

TOPIC = "newsletter"
KIND = "newsletter"
LEFT_OUT_WORDS = {
    **groups.LEFT_OUT_WORDS,
    "same-address": "same address as someone else",
    "no-allowed-transport": "no way to send mail to clients under an agreement",
    "left-group": "no longer in the group",
    "contact-changed": "became a client or changed kind",
    "cancelled": "the issue was cancelled",
}


def left_out_words(reason: str) -> str:
    """The reason as screens say it."""
    return LEFT_OUT_WORDS.get(reason, reason.replace("-", " "))


@dataclass(frozen=True)
class GroupCount:
    """One chosen group: how many are in it, and how many of them can be written to."""

    id: int
    name: str
    matched: int
    can_get: int


@dataclass(frozen=True)
class Reckoning:
    """The people of an issue at one instant, in the order of their standing."""

    ids: list[int] = field(default_factory=list)
    groups: tuple[GroupCount, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    letters: bool = False
    """Whether clients whom no email may reach are among them: they get a letter to print."""

    @property
    def people(self) -> int:
        """The exact number."""
        return len(self.ids)

    def to_json(self) -> dict[str, object]:
        """As frozen on the issue at approval."""
        return {
            "people": self.people,
            "groups": [{"id": one.id, "name": one.name, "matched": one.matched} for one in self.groups],
            "left_out": self.left_out,
            "letters": self.letters,
        }


def reckon(
    session: Session, group_ids: Collection[int], *, now: datetime, world: World, letters: bool = False
) -> Reckoning:
    """Who would get an issue to these groups now. Two statements per group and two for the union."""
    chosen = groups_of(session, group_ids)
    if not chosen:
        return Reckoning()
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    matching = in_any(chosen, now=now, world=world, house=house)
    left_out = groups.left_out_of(session, matching, topic=TOPIC)
    ids, classes, more = _allowed(session, matching, house, letters=letters)
    return Reckoning(ids, _counted(session, chosen, now, world, house), {**left_out, **more}, classes, letters)


def groups_of(session: Session, group_ids: Collection[int]) -> list[Group]:
    """The chosen groups that still exist, by name."""
    wanted = select(Group).where(Group.id.in_(list(group_ids)), Group.deleted_at.is_(None))
    return list(session.scalars(wanted.order_by(Group.name)))


def in_any(chosen: Sequence[Group], *, now: datetime, world: World, house: House) -> ColumnElement[bool]:
    """The condition on Contact to be in at least one of the groups; nobody when there are none."""
    inside = [groups.members(one, now=now, zone=house.zone, facts=world.group_facts) for one in chosen]
    return or_(false(), *(Contact.id.in_(members) for members in inside))


def still_in_any(
    chosen: Sequence[Group], contact_id: QueryableAttribute[int], *, now: datetime, world: World, house: House
) -> ColumnElement[bool]:
    """The condition on a column of contact ids to be in at least one of the groups; each id is looked up by itself."""
    inside: list[ColumnElement[bool]] = []
    for one in chosen:
        if one.fixed:
            listed = exists().where(GroupMember.group_id == one.id, GroupMember.contact_id == contact_id)
            inside.append(and_(listed, exists().where(Contact.id == contact_id, groups.live())))
        else:
            members = groups.members(one, now=now, zone=house.zone, facts=world.group_facts)
            inside.append(exists(members.where(Contact.id == contact_id).correlate(contact_id.class_)))
    return or_(false(), *inside)


def can_get() -> ColumnElement[bool]:
    """The condition on Contact to be written to on this topic."""
    return not_(or_(*(clause for _, clause in groups.eligibility(TOPIC))))


def _allowed(
    session: Session, matching: ColumnElement[bool], house: House, *, letters: bool
) -> tuple[list[int], tuple[str, ...], dict[str, int]]:
    rows = session.execute(
        select(Contact.id, Contact.address_hash, Contact.audience_class)
        .outerjoin(Standing, Standing.contact_id == Contact.id)
        .where(matching, can_get())
        .order_by(func.coalesce(Standing.expected_90, 0).desc(), Contact.id)
    )
    clients_go = letters or house.transport_for(KIND, "client") is not None or not house.transports.names
    ids: list[int] = []
    taken: set[str | None] = set()
    classes: set[str] = set()
    more = {"same-address": 0, "no-allowed-transport": 0}
    for contact_id, hashed, audience_class in rows:
        if audience_class == "client" and not clients_go:
            more["no-allowed-transport"] += 1
        elif hashed in taken:
            more["same-address"] += 1
        else:
            taken.add(hashed)
            ids.append(contact_id)
            classes.add(audience_class)
    return ids, tuple(sorted(classes)), {reason: many for reason, many in more.items() if many}


def _counted(
    session: Session, chosen: Sequence[Group], now: datetime, world: World, house: House
) -> tuple[GroupCount, ...]:
    counted = []
    for one in chosen:
        matching = in_any([one], now=now, world=world, house=house)
        everyone, allowed = session.execute(
            select(func.count(), func.count().filter(can_get())).select_from(Contact).where(matching)
        ).one()
        counted.append(GroupCount(one.id, one.name, everyone, allowed))
    return tuple(counted)
