"""What a screen shows of the people whom a meal would take over their yearly limit, and who can let them come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.contacts import groups
from outreach.contacts.models import Contact, Group
from outreach.events import committing
from outreach.events.committing import Over
from outreach.events.models import Event
from outreach.gifts import passing
from outreach.gifts.passing import Passed
from outreach.practice.models import Person, Role
from outreach.practice.right_models import chosen
from outreach.screen import World


@dataclass(frozen=True)
class Limits:
    """Who is blocked, who was let pass and by whom, and the names of those who can."""

    over: Sequence[Over] = ()
    passed: Sequence[Passed] = ()
    who_can: Sequence[str] = ()


def of_the_listed(session: Session, event: Event) -> Limits:
    """Of everybody who is on the list of the event already."""
    return _limits(session, event, committing.still_over(session, event))


def of_the_chosen(
    session: Session,
    event: Event,
    *,
    now: datetime,
    world: World,
    zone: ZoneInfo,
    group_id: int | None,
    contact_ids: Collection[int],
) -> Limits:
    """Of everybody in that group and of the contacts picked by hand."""
    over = committing.over_limit(session, event)
    if not over:
        return _limits(session, event, over)
    group = session.get(Group, group_id) if group_id is not None else None
    chosen = [Contact.id.in_(contact_ids)]
    if group is not None and group.deleted_at is None:
        chosen.append(Contact.id.in_(groups.members(group, now=now, zone=zone, facts=world.group_facts)))
    ids = set(session.scalars(select(Contact.id).where(Contact.id.in_([one.contact_id for one in over]), or_(*chosen))))
    return _limits(session, event, [one for one in over if one.contact_id in ids])


def _limits(session: Session, event: Event, over: Sequence[Over]) -> Limits:
    roles = {"administrator", *chosen(session)["override"]}
    can = select(Person.name).where(Person.active, Person.roles.any(Role.name.in_(roles))).order_by(Person.name)
    passed = passing.passes(session, event.id) if event.meal else []
    return Limits(over, passed, list(session.scalars(can)) if over else [])
