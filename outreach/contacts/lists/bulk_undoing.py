"""Takes a bulk act back: who was changed by it stands with the act, as far as they are not too many to be kept."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from outreach.audit import AuditEntry
from outreach.contacts.browsing import Asking
from outreach.contacts.groups import live
from outreach.contacts.lists.bulk import Chosen, insert_of
from outreach.contacts.models import Contact, ContactTag, GroupMember
from outreach.errors import Refusal

MOST_UNDONE = 2_000
"""Contacts up to which a bulk act can be taken back."""
UNDONE_FOR = timedelta(days=1)
ACTS = ("tagged", "untagged", "gave", "added-members")


def would_change(
    asking: Asking, chosen: Chosen, *, tag: str = "", off: bool = False, group_id: int = 0
) -> list[int] | None:
    """Those among the chosen whom a tag (on, or `off`) or a fixed list would be new to; None when they are too many."""
    if group_id:
        has = select(GroupMember.contact_id).where(GroupMember.group_id == group_id)
    else:
        has = select(ContactTag.contact_id).where(ContactTag.tag == tag)
    changed = Contact.id.in_(has) if off else Contact.id.not_in(has)
    found = asking.session.scalars(select(Contact.id).where(chosen.where(asking), changed).limit(MOST_UNDONE + 1)).all()
    return list(found) if len(found) <= MOST_UNDONE else None


def owners_before(asking: Asking, chosen: Chosen, owner_id: int | None) -> dict[str, list[int]] | None:
    """{owner, "0" for nobody: those among the chosen who would change hands}; None when they are too many."""
    another: ColumnElement[bool] = Contact.owner_id.is_not(None)
    if owner_id is not None:
        another = or_(Contact.owner_id.is_(None), Contact.owner_id != owner_id)
    rows = asking.session.execute(
        select(Contact.id, Contact.owner_id).where(chosen.where(asking), another).limit(MOST_UNDONE + 1)
    ).all()
    found: dict[str, list[int]] = {}
    for contact_id, owner in rows:
        found.setdefault(str(owner or 0), []).append(contact_id)
    return found if len(rows) <= MOST_UNDONE else None


def last_act(session: Session, by_id: int | None) -> int:
    """The number of the act that this person just did."""
    session.flush()
    return session.scalar(select(func.max(AuditEntry.id)).where(AuditEntry.actor_id == by_id)) or 0


def undo(session: Session, act_id: int, *, now: datetime, by_id: int | None) -> int | Refusal:
    """What the act changed is as before, but for what was changed again since; answers how many.

    Refusals: not-yours, too-late, taken-back (a second press must not undo what was done anew).
    """
    act = session.get(AuditEntry, act_id)
    if act is None or act.action not in ACTS or act.actor_id != by_id:
        return Refusal("not-yours", "Only who did it can take it back.")
    if act.at < now - UNDONE_FOR:
        return Refusal("too-late", "This can be taken back for one day.")
    if _is_taken_back(session, act):
        return Refusal("taken-back", "This was taken back already.")
    if act.action == "gave":
        return _give_back(session, act.facts, now=now)
    ids = list(session.scalars(select(Contact.id).where(Contact.id.in_(act.facts.get("ids", [])), live())))
    if not ids:
        return 0
    if act.action == "untagged":
        rows = [{"contact_id": one, "tag": act.facts["tag"]} for one in ids]
        session.execute(insert_of(session)(ContactTag).on_conflict_do_nothing(), rows)
    elif act.action == "tagged":
        session.execute(delete(ContactTag).where(ContactTag.tag == act.facts["tag"], ContactTag.contact_id.in_(ids)))
    else:
        mine = (GroupMember.group_id == act.subject_id, GroupMember.contact_id.in_(ids), GroupMember.since_at == act.at)
        session.execute(delete(GroupMember).where(*mine))
    session.expire_all()
    return len(ids)


def _is_taken_back(session: Session, act: AuditEntry) -> bool:
    undone = (AuditEntry.id > act.id, AuditEntry.actor_id == act.actor_id, AuditEntry.action == "undid")
    told = session.scalars(select(AuditEntry.facts).where(*undone, AuditEntry.subject_type == "contacts"))
    return any(facts.get("act_id") == act.id for facts in told)


def _give_back(session: Session, facts: dict[str, Any], *, now: datetime) -> int:
    given = facts.get("owner_id") or None
    count = 0
    for owner, ids in (facts.get("owners") or {}).items():
        still = Contact.owner_id == given if given else Contact.owner_id.is_(None)
        moved = update(Contact).where(Contact.id.in_(ids), still)
        moved = moved.values(owner_id=int(owner) or None, updated_at=now, version=Contact.version + 1)
        back = session.execute(moved.returning(Contact.id), execution_options={"synchronize_session": False})
        count += len(back.all())
    session.expire_all()
    return count
