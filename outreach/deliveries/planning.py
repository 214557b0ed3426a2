"""Turns contacts into ledger rows: address, class, window, order and merged values, all read in bulk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import EVERYTHING
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing, priority
from outreach.content.details import values_for
from outreach.content.group_parts import groups_for
from outreach.content.kinds import MessageKind
from outreach.content.models import Message
from outreach.deliveries.caps.cap_rules import WEIGHTS
from outreach.deliveries.house import House
from outreach.deliveries.rules import PRINT
from outreach.screen import World

ANY_HOUR_KINDS = ("test", "system", "story-copy")
"""Somebody waits for these in front of a screen; everything else keeps to sending hours."""
EQUAL_PRIORITY = 0
"""Kinds without `by_standing`: everybody is served alike (architecture 5)."""


@dataclass(frozen=True)
class Plan:
    """One step of one source for many contacts."""

    message: Row[Any]
    kind: MessageKind
    source: str
    source_id: int
    step: str
    occurrence: str
    not_before_at: datetime
    local_minute: int | None = None
    not_after_at: datetime | None = None
    values: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    transport: str | None = None
    print_allowed: bool = False
    weight: int | None = None
    """What goes first when one person's limits bind; None: that of the kind (caps.cap_rules.WEIGHTS)."""
    own_share: bool = False
    end_moves: bool = False
    """What waits because of limits, a reply or an absence does not expire for that alone: its end moves along."""
    in_order: bool = True
    """False: everybody is equal, whatever the kind says (mail about meals never competes by yield)."""

    @property
    def by_standing(self) -> bool:
        """Whether the contact's standing decides who is served first."""
        return self.kind.by_standing and self.in_order

    @property
    def key(self) -> dict[str, Any]:
        """What the rows of this plan share in the unique key."""
        return {
            "source": self.source,
            "source_id": self.source_id,
            "step": self.step,
            "occurrence": self.occurrence,
        }

    @property
    def topic(self) -> str:
        """What an opt-out must name to stop it; relationship mail is stopped by "all" only."""
        topic = self.message.topic or self.kind.topic
        return topic if topic and self.kind.mail_class == "commercial" else EVERYTHING


def message_row(message_id: int) -> Select[*tuple[Any, ...]]:
    """The columns of a message revision that planning needs, without its content."""
    return select(Message.id, Message.topic, Message.subject, Message.details, Message.groups).where(
        Message.id == message_id
    )


def contact_rows(contact_ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """The columns of contacts that planning needs, with the standing."""
    return (
        select(
            Contact.id,
            Contact.email,
            Contact.address_hash,
            Contact.audience_class,
            Contact.time_zone,
            Contact.prefix,
            Contact.first_name,
            Contact.last_name,
            Standing.expected_90,
        )
        .outerjoin(Standing, Standing.contact_id == Contact.id)
        .where(Contact.id.in_(contact_ids))
        .order_by(Contact.id)
    )


def merged_values(
    session: Session, plan: Plan, contact_ids: Sequence[int], *, now: datetime, world: World, house: House
) -> dict[int, dict[str, str]]:
    """{contact id: values} of the details that the message uses: the contact's own, then those the caller gave."""
    found = values_for(session, contact_ids, only=plan.message.details)
    inside = groups_for(session, contact_ids, plan.message.groups, now=now, zone=house.zone, facts=world.group_facts)
    return {each: {**found.get(each, {}), **inside.get(each, {}), **plan.values.get(each, {})} for each in contact_ids}


def row_of(plan: Plan, contact: Row[Any], details: Mapping[str, str], *, now: datetime, house: House) -> dict[str, Any]:
    """The ledger row of one contact. Without an address it is failed at once, so that it is seen.

    Where print is allowed, a client whom no transport may reach gets a letter.
    """
    zone = house.zone_of(contact.time_zone)
    by_standing = priority(contact.expected_90) if plan.by_standing else EQUAL_PRIORITY
    row = {
        **shared(plan, now=now),
        "contact_id": contact.id,
        "audience_class": contact.audience_class,
        "email": contact.email or "",
        "to_name": " ".join(part for part in (contact.prefix, contact.first_name, contact.last_name) if part)[:200],
        "address_hash": contact.address_hash,
        "details": dict(details),
        "priority": by_standing,
        "transport": plan.transport or house.transport_for(plan.kind.name, contact.audience_class),
        **timing(plan.kind.name, max(plan.not_before_at, now), zone, plan.local_minute, house=house),
    }
    if contact.audience_class == "client" and row["transport"] == "sendgrid":
        row["transport"] = None
    if plan.print_allowed and contact.audience_class == "client" and row["transport"] is None:
        row.update(on_paper(max(plan.not_before_at, now)))
    elif contact.email is None:
        row.update(state="failed", reason="no-email")
    return row


def address_row(
    plan: Plan, *, email: str, name: str, hashed: str, audience_class: str, now: datetime, house: House
) -> dict[str, Any]:
    """The ledger row of a typed address that belongs to no contact."""
    return {
        **shared(plan, now=now),
        "contact_id": None,
        "audience_class": audience_class,
        "email": email,
        "to_name": name[:200],
        "address_hash": hashed,
        "details": dict(plan.values.get(0, {})),
        "priority": EQUAL_PRIORITY,
        "transport": plan.transport or house.transport_for(plan.kind.name, audience_class),
        **timing(plan.kind.name, max(plan.not_before_at, now), house.zone.key, plan.local_minute, house=house),
    }


def on_paper(at: datetime) -> dict[str, Any]:
    """The columns of a letter, over those of an email: it waits for a person, from that instant on, at any hour."""
    open_end = {"window_from_at": None, "window_until_at": None}
    return {"transport": PRINT, "due_at": at, **open_end, "state": "scheduled", "reason": ""}


def timing(kind: str, at: datetime, zone: str, local_minute: int | None, *, house: House) -> dict[str, Any]:
    """When it is due and in which window, as columns; held as never-open when no day of the practice is open."""
    columns: dict[str, Any] = {"zone": zone, "due_at": at, "window_from_at": None, "window_until_at": None}
    if kind in ANY_HOUR_KINDS:
        return columns
    slot = house.slot(at, zone, local_minute)
    if slot is None:
        return {**columns, "state": "held", "reason": "never-open"}
    return {**columns, "due_at": slot.due_at, "window_from_at": slot.from_at, "window_until_at": slot.until_at}


def shared(plan: Plan, *, now: datetime) -> dict[str, Any]:
    """The columns that are the same in every row of a plan."""
    return {
        **plan.key,
        "message_id": plan.message.id,
        "kind": plan.kind.name,
        "mail_class": plan.kind.mail_class,
        "topic": plan.topic,
        "state": "scheduled",
        "reason": "",
        "weight": WEIGHTS.get(plan.kind.name, 0) if plan.weight is None else plan.weight,
        "own_share": plan.own_share,
        "local_minute": plan.local_minute,
        "not_before_at": plan.not_before_at,
        "not_after_at": plan.not_after_at,
        "end_moves": plan.end_moves,
        "created_at": now,
        "updated_at": now,
    }
