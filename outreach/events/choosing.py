"""Whom an event may invite: by name and place, never by what somebody refers (42 CFR 411.357(k))."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session

from outreach.contacts import groups
from outreach.contacts.group_rules import GroupFact, leaves, nested_ids
from outreach.contacts.groups import LEFT_OUT_WORDS
from outreach.contacts.models import Contact, Group
from outreach.errors import Refusal
from outreach.events.committing import would_pass
from outreach.events.models import Event, Invitation
from outreach.events.rules import CLIENT_TYPES
from outreach.screen import World

TOPIC = "events"
OWN_WORDS = {
    "already-invited": "invited already",
    "not-for-clients": "clients and families, who are only invited to community talks",
    "over-limit": "for whom this meal would pass the yearly limit",
}
WORDS = {**OWN_WORDS, **LEFT_OUT_WORDS}
FENCE = (
    "This group rests on referrals or yield. Food and invitations may not depend on who refers (42 CFR 411.357(k)): "
    "choose people by specialty, place or kind."
)


@dataclass(frozen=True)
class Choice:
    """Who can be invited, by name, and how many are left out for which reason."""

    ids: list[int] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def matched(self) -> int:
        """Everybody who was looked at."""
        return len(self.ids) + sum(self.left_out.values())


def choose(
    session: Session,
    event: Event,
    *,
    now: datetime,
    world: World,
    zone: ZoneInfo,
    group_id: int | None = None,
    contact_ids: Collection[int] = (),
) -> Choice | Refusal:
    """The members of the group and the contacts picked by hand, sifted. Nothing is written.

    Refusals: no-group, from-yield (a group that rests on yield, itself or through one inside it).
    """
    wanted: list[ColumnElement[bool]] = []
    if group_id is not None:
        group = session.get(Group, group_id)
        if group is None or group.deleted_at is not None:
            return Refusal("no-group", "This group is gone. Choose another one.")
        if rests_on_yield(session, group, world.group_facts):
            return Refusal("from-yield", FENCE)
        members = groups.members(group, now=now, zone=zone, facts=world.group_facts)
        wanted.append(Contact.id.in_(members))
    if contact_ids:
        wanted.append(and_(Contact.id.in_(list(contact_ids)[:500]), groups.live()))
    return sift(session, event, or_(false(), *wanted))


def sift(session: Session, event: Event, matching: ColumnElement[bool]) -> Choice:
    """Who of the contacts that match can be invited to this event by email, and why the others cannot."""
    own = _own_reasons(event, would_pass(session, event))
    left_out = {}
    before: list[ColumnElement[bool]] = []
    for reason, clause in own:
        counted = select(func.count()).select_from(Contact).where(matching, clause, not_(or_(false(), *before)))
        if many := session.scalar(counted) or 0:
            left_out[reason] = many
        before.append(clause)
    rest = and_(matching, *(not_(clause) for clause in before))
    left_out |= groups.left_out_of(session, rest, topic=TOPIC)
    allowed = not_(or_(*(clause for _, clause in groups.eligibility(TOPIC))))
    chosen = select(Contact.id).where(rest, allowed).order_by(Contact.sort_name, Contact.id)
    return Choice(list(session.scalars(chosen)), left_out)


def rests_on_yield(session: Session, group: Group, facts: Sequence[GroupFact], inside: tuple[int, ...] = ()) -> bool:
    """Whether the group, its rules or any group inside it ask about referrals, yield or tiers."""
    if group.from_yield:
        return True
    marked = {fact.name for fact in facts if fact.from_yield}
    if any(leaf.get("fact") in marked for leaf in leaves(group.rules)):
        return True
    nested = session.scalars(select(Group).where(Group.id.in_(nested_ids(group.rules) - {*inside, group.id})))
    return any(rests_on_yield(session, one, facts, (*inside, group.id)) for one in nested)


def offered_groups(session: Session, facts: Sequence[GroupFact]) -> list[Group]:
    """The groups that events may use, by name."""
    found = session.scalars(select(Group).where(Group.deleted_at.is_(None)).order_by(Group.name))
    return [group for group in found if not rests_on_yield(session, group, facts)]


def _own_reasons(event: Event, over: Collection[int]) -> tuple[tuple[str, ColumnElement[bool]], ...]:
    invited = exists().where(Invitation.event_id == event.id, Invitation.contact_id == Contact.id)
    reasons: tuple[tuple[str, ColumnElement[bool]], ...] = (("already-invited", invited),)
    if event.type not in CLIENT_TYPES:
        reasons += (("not-for-clients", Contact.audience_class == "client"),)
    if over:
        reasons += (("over-limit", Contact.id.in_(over)),)
    return reasons
