"""Who sees the blocks that are only for one group."""

from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.groups import GroupFact, members
from outreach.contacts.models import Contact, Group
from outreach.content.segments import GROUPS_KEY

_BATCH = 500


def groups_for(
    session: Session,
    contact_ids: Collection[int],
    group_ids: Collection[int],
    *,
    now: datetime,
    zone: ZoneInfo,
    facts: Sequence[GroupFact],
) -> dict[int, dict[str, str]]:
    """{contact id: {"_groups": "3,12"}} of those who are in one of the groups (`Message.groups`) now.

    A group that is gone has nobody in it. Queries: one per group and 500 contacts.
    """
    ids = list(contact_ids)
    found: dict[int, list[str]] = {}
    for group_id in group_ids:
        group = session.get(Group, group_id)
        if group is None or group.deleted_at is not None:
            continue
        inside = members(group, now=now, zone=zone, facts=facts)
        for start in range(0, len(ids), _BATCH):
            batch = select(Contact.id).where(Contact.id.in_(ids[start : start + _BATCH]), Contact.id.in_(inside))
            for contact_id in session.scalars(batch):
                found.setdefault(contact_id, []).append(str(group_id))
    return {contact_id: {GROUPS_KEY: ",".join(groups)} for contact_id, groups in found.items()}
