"""Plans a crowd of any size with a constant number of statements: the rows are made inside the database.

They are the rows that `outbox.put` makes, but for the merged values: those are read when a row is claimed, so a change
of name reaches whoever was planned before it.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from outreach.contacts.models import Contact
from outreach.contacts.standing import PRIORITY_SCALE, Standing
from outreach.db import Instant, learn_sizes
from outreach.deliveries import planning, stopping, telling
from outreach.deliveries.house import House
from outreach.deliveries.models import LEDGER, NEEDS_A_LOOK, Delivery, builder
from outreach.deliveries.planning import EQUAL_PRIORITY, Plan
from outreach.deliveries.rules import AUDIENCES

DOUBLE = "duplicate-address"
MANY = 1_000
"""A crowd of which the database's plans must know before anybody looks for what is due."""
ZONE: ColumnElement[str] = func.coalesce(Contact.time_zone, "")
Slots = Mapping[str, Mapping[str, Any]]


def fan_out(session: Session, plan: Plan, chosen: Select[int], *, now: datetime, house: House) -> Counter[str]:
    """Every chosen contact has its row of this plan; answers how many by state, or reason where there is one.

    `chosen` selects the ids of contacts, each once, and is asked several times in this turn: it must answer the same
    each time. At most ten statements for any number of contacts; who has a row already counts as "already".
    """
    newest = session.scalar(select(func.coalesce(func.max(Delivery.id), 0))) or 0
    many = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    slots = _slots(session, plan, chosen, now=now, house=house)
    made = _made(session, _rows(session, plan, chosen, slots, now=now, house=house))
    doubles = 0
    if made < many:
        # Left over are those who have a row already, and the second of those who share a mailbox.
        without = and_(Contact.id.in_(chosen), ~_has_a_row(plan))
        rest = select(Contact.id).where(without)
        doubles = _made(session, _rows(session, plan, rest, slots, now=now, house=house, double=True))
    counts = Counter({"already": many - made - doubles, DOUBLE: doubles})
    counts.update(_seen_at_once(session, plan, newest))
    stopped = stopping.stop_new_rows(session, plan.key, newest, now=now, house=house)
    telling.not_sent(session, stopped, now=now)
    counts.update(row.reason for row in stopped)
    counts["scheduled"] = many - sum(counts.values())
    if made >= MANY:
        learn_sizes(session, "contact", "delivery")
    return +counts


def _made(session: Session, rows: Select[*tuple[Any, ...]]) -> int:
    names = [column.name for column in rows.selected_columns]
    statement = builder(session)(LEDGER).from_select(names, rows).on_conflict_do_nothing()
    return int(session.connection().execute(statement, execution_options={"preserve_rowcount": True}).rowcount)


def _rows(
    session: Session,
    plan: Plan,
    chosen: Select[int],
    slots: Slots,
    *,
    now: datetime,
    house: House,
    double: bool = False,
) -> Select[*tuple[Any, ...]]:
    """The rows as a query, by contact: the first of two with one mailbox is the one with the smaller id."""
    no_email = Contact.email.is_(None)
    planned, reason = _in_zone(slots, "state", String(40)), _in_zone(slots, "reason", String(60))
    columns = {
        **{name: literal(value) for name, value in planning.shared(plan, now=now).items()},
        "not_after_at": literal(plan.not_after_at, Instant()),
        "local_minute": literal(plan.local_minute, Integer()),
        "contact_id": Contact.id,
        "audience_class": Contact.audience_class,
        "email": func.coalesce(Contact.email, ""),
        "to_name": _to_name(),
        "address_hash": null() if double else Contact.address_hash,
        "details": null(),
        "priority": _priority(session) if plan.by_standing else literal(EQUAL_PRIORITY),
        "transport": _transport(plan, house),
        "zone": _in_zone(slots, "zone", String(60)),
        "due_at": _in_zone(slots, "due_at", Instant()),
        "window_from_at": _in_zone(slots, "window_from_at", Instant()),
        "window_until_at": _in_zone(slots, "window_until_at", Instant()),
        "state": case((no_email, "failed"), else_=planned),
        "reason": case((no_email, "no-email"), else_=reason),
    }
    if plan.print_allowed and _ways(plan, house)["client"] is None:
        columns |= _on_paper(columns, max(plan.not_before_at, now))
    if double:
        columns |= {"state": literal(DOUBLE), "reason": literal(DOUBLE)}
    return (
        select(*(column.label(name) for name, column in columns.items()))
        .select_from(Contact)
        .outerjoin(Standing, Standing.contact_id == Contact.id)
        .where(Contact.id.in_(chosen))
        .order_by(Contact.id)
    )


def _slots(session: Session, plan: Plan, chosen: Select[int], *, now: datetime, house: House) -> Slots:
    """{the zone as the contact has it: when it is due there}, reckoned once per zone; "" stands for no zone."""
    found = session.scalars(select(ZONE).where(Contact.id.in_(chosen)).distinct())
    at = max(plan.not_before_at, now)
    slots = {}
    for raw in ("", *found):
        zone = house.zone_of(raw)
        if raw in ("", zone):
            timing = planning.timing(plan.kind.name, at, zone, plan.local_minute, house=house)
            slots[raw] = {"state": "scheduled", "reason": "", **timing}
    return slots


def _in_zone(slots: Slots, column: str, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """What that column is in the contact's zone; a zone that is none is the practice's."""
    values = {raw: literal(slot[column], kind) for raw, slot in slots.items() if raw}
    otherwise = literal(slots[""][column], kind)
    return case(values, value=ZONE, else_=otherwise) if values else otherwise


def _to_name() -> ColumnElement[str]:
    """Prefix, first and last name with one space between those that are there."""
    prefix, first, last = Contact.prefix, Contact.first_name, Contact.last_name
    one = case((and_(prefix != "", or_(first != "", last != "")), " "), else_="")
    two = case((and_(first != "", last != ""), " "), else_="")
    return func.substr(prefix + one + first + two + last, 1, 200)


def _priority(session: Session) -> ColumnElement[int]:
    """As `standing.priority` rounds it."""
    scaled = func.coalesce(Standing.expected_90, 0.0) * PRIORITY_SCALE + 0.5
    # SQLite cuts the fraction off in a cast and may lack floor(); PostgreSQL would round once more.
    return cast(scaled if session.get_bind().dialect.name == "sqlite" else func.floor(scaled), Integer)


def _ways(plan: Plan, house: House) -> dict[str, str | None]:
    ways = {each: plan.transport or house.transport_for(plan.kind.name, each) for each in AUDIENCES}
    return {**ways, "client": None if ways["client"] == "sendgrid" else ways["client"]}


def _transport(plan: Plan, house: House) -> ColumnElement[str | None]:
    named = {each: literal(way, String(20)) for each, way in _ways(plan, house).items()}
    return case(named, value=Contact.audience_class, else_=null())


def _on_paper(columns: Mapping[str, Any], at: datetime) -> dict[str, ColumnElement[Any]]:
    """The columns that are others in a letter: clients get letters, everybody else has the columns of an email."""
    return {
        name: case((Contact.audience_class == "client", literal(value, columns[name].type)), else_=columns[name])
        for name, value in planning.on_paper(at).items()
    }


def _has_a_row(plan: Plan) -> ColumnElement[bool]:
    keys = (LEDGER.c[name] == value for name, value in plan.key.items())
    return exists().where(*keys, LEDGER.c.contact_id == Contact.id)


def _seen_at_once(session: Session, plan: Plan, newest: int) -> dict[str, int]:
    """Rows that were made held or failed, by reason."""
    found = session.execute(
        select(Delivery.reason, func.count())
        .filter_by(**plan.key)
        .where(text(NEEDS_A_LOOK), Delivery.state.in_(("held", "failed")), Delivery.id > newest)
        .group_by(Delivery.reason)
    )
    return {row[0]: row[1] for row in found}
