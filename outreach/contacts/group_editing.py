"""Groups are made and changed, and what rests on yield stays marked as such."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.contacts.group_rules import GroupFact, is_filled, leaves, nested_ids, problem
from outreach.contacts.groups import members
from outreach.contacts.models import Group, GroupMember
from outreach.errors import Refusal


def save_group(
    session: Session,
    group: Group | None,
    *,
    name: str,
    rules: dict[str, Any],
    now: datetime,
    zone: ZoneInfo,
    facts: Sequence[GroupFact],
    by_id: int | None,
    fixed: bool = False,
) -> Group | Refusal:
    """The group has this name and these rules; it and every group around it know whether they rest on yield.

    Refusals: no-name, name-taken, no-rules, bad-rule (a rule that cannot be read, or a circle). Idempotent.
    """
    name = " ".join(name.split())[:200]
    if not name:
        return Refusal("no-name", "A group needs a name.")
    if _taken(session, name, group):
        return Refusal("name-taken", f"There is a group called “{name}” already.")
    if not fixed and not is_filled(rules):
        return Refusal("no-rules", "Add at least one rule: a group without rules matches nobody.")
    trial = Group(id=group.id if group else None, name=name, rules=rules, fixed=fixed)
    broken = problem(session, trial, now=now, zone=zone, facts=facts)
    if broken is not None:
        return Refusal("bad-rule", broken)
    if group is None:
        group = Group(name=name, made_by_id=by_id, created_at=now, updated_at=now)
        session.add(group)
    group.name, group.rules, group.fixed, group.updated_at = name, rules, fixed, now
    group.from_yield = rests_on_yield(session, rules, facts)
    session.flush()
    _mark_around(session, group, facts)
    return group


def rests_on_yield(session: Session, rules: dict[str, Any], facts: Sequence[GroupFact]) -> bool:
    """Whether any rule asks for yield, tier or referrals, itself or through a group it asks about."""
    marked = {fact.name for fact in facts if fact.from_yield}
    if any(leaf.get("fact") in marked for leaf in leaves(rules)):
        return True
    inside = nested_ids(rules)
    return bool(inside) and bool(
        session.scalars(select(Group.id).where(Group.id.in_(inside), Group.from_yield)).first()
    )


def freeze(
    session: Session,
    group: Group,
    *,
    name: str,
    now: datetime,
    zone: ZoneInfo,
    facts: Sequence[GroupFact],
    by_id: int | None,
) -> Group | Refusal:
    """A fixed list of whoever is in the group now; it keeps the mark of its source. Refusals: no-name, name-taken."""
    made = save_group(session, None, name=name, rules={}, now=now, zone=zone, facts=facts, by_id=by_id, fixed=True)
    if isinstance(made, Refusal):
        return made
    made.from_yield = group.from_yield
    add_members(session, made, session.scalars(members(group, now=now, zone=zone, facts=facts)).all(), now=now)
    return made


def mark_from_yield(session: Session, group: Group, facts: Sequence[GroupFact]) -> None:
    """The fixed list was filled from what referrals tell: it and the groups around it carry the mark. Idempotent."""
    group.from_yield = True
    session.flush()
    _mark_around(session, group, facts)


def add_members(session: Session, group: Group, contact_ids: Collection[int], *, now: datetime) -> None:
    """The contacts are on the fixed list. Idempotent."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    rows = [{"group_id": group.id, "contact_id": id_, "since_at": now} for id_ in contact_ids]
    if rows:
        session.execute(build(GroupMember).on_conflict_do_nothing(), rows)


def remove_member(session: Session, group: Group, contact_id: int) -> None:
    """The contact is off the fixed list. Idempotent."""
    session.execute(delete(GroupMember).where(GroupMember.group_id == group.id, GroupMember.contact_id == contact_id))


def _taken(session: Session, name: str, group: Group | None) -> bool:
    found = session.scalar(select(Group.id).where(Group.name == name))
    return found is not None and (group is None or found != group.id)


def _mark_around(session: Session, changed: Group, facts: Sequence[GroupFact]) -> None:
    # A group may be asked about by another, and that by a third: go on until nothing changes.
    others = [one for one in session.scalars(select(Group).where(Group.fixed.is_(False))) if one.id != changed.id]
    moved = True
    while moved:
        moved = False
        for one in others:
            marked = rests_on_yield(session, one.rules, facts)
            if marked != one.from_yield:
                one.from_yield, moved = marked, True
        session.flush()
