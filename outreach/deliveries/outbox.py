"""The one door outward: what is put here leaves once, in its window, unless something stops it. Nothing else sends."""

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select, text, union, update
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts.consent import address_hash
from outreach.content.kinds import MESSAGE_KINDS
from outreach.db import learn_sizes
from outreach.deliveries import addressed, fanning_out, planning, stopping, telling
from outreach.deliveries.house import House, house_of
from outreach.deliveries.links import OPTING_OUT
from outreach.deliveries.mail.message import CalendarPart
from outreach.deliveries.models import IS_WAITING, LEDGER, Delivery, DeliveryCalendar, Hold, builder
from outreach.deliveries.planning import Plan
from outreach.deliveries.rules import STOPPABLE
from outreach.screen import World

BATCH = 500


@dataclass
class Put:
    """What became of the contacts: how many per state (or reason, when there is one), and each one's delivery."""

    counts: dict[str, int] = field(default_factory=dict)
    ids: dict[int, int] = field(default_factory=dict)


def put(
    session: Session,
    *,
    now: datetime,
    world: World,
    message_id: int,
    kind: str,
    source: str,
    source_id: int,
    step: str | int = "",
    contact_ids: Iterable[int],
    occurrence: str = "",
    not_before_at: datetime | None = None,
    local_time: int | None = None,
    not_after_at: datetime | None = None,
    values: Mapping[int, Mapping[str, str]] | None = None,
    calendars: Mapping[int, CalendarPart] | None = None,
    transport: str | None = None,
    print_allowed: bool = False,
    weight: int | None = None,
    own_share: bool = False,
    end_moves: bool = False,
    in_order: bool = True,
) -> Put:
    """Each contact has exactly one delivery of this step, planned into its local window or stopped with a reason.

    Idempotent by (source, source_id, step, contact, occurrence): a contact that has one already counts as "already".
    `local_time` is minutes after the contact's local midnight. `values` go over the contact's own details; keys that
    end in `_url` may hold `{token:PURPOSE:SUBJECT_ID}`, which is filled in when the message is built and not stored.
    Counts by reason: duplicate-address, no-email, unsubscribed, bounced, …, no-transport, no-allowed-transport,
    no-authorization, too-late. With `print_allowed` clients whom no transport may reach get a letter to print instead
    of no-allowed-transport. The rest is told at `planning.Plan`. Constant statements per 500 contacts.
    Errors: NoResultFound for an unknown message, KeyError for an unknown kind.
    """
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    plan = Plan(
        message=session.execute(planning.message_row(message_id)).one(),
        kind=MESSAGE_KINDS[kind],
        source=source,
        source_id=source_id,
        step=str(step),
        occurrence=occurrence,
        not_before_at=not_before_at or now,
        local_minute=local_time,
        not_after_at=not_after_at,
        values=values or {},
        transport=transport,
        print_allowed=print_allowed,
        weight=weight,
        own_share=own_share,
        end_moves=end_moves,
        in_order=in_order,
    )
    counts: Counter[str] = Counter()
    ids: dict[int, int] = {}
    for batch in _batches(contact_ids):
        _put_batch(session, plan, batch, calendars or {}, counts, ids, now=now, world=world, house=house)
    if len(ids) >= fanning_out.MANY:
        learn_sizes(session, "contact", "delivery")
    return Put(dict(counts), ids)


def fan_out(
    session: Session,
    *,
    now: datetime,
    world: World,
    message_id: int,
    kind: str,
    source: str,
    source_id: int,
    step: str | int = "",
    contact_ids: Select[int],
    occurrence: str = "",
    not_before_at: datetime | None = None,
    local_time: int | None = None,
    not_after_at: datetime | None = None,
    transport: str | None = None,
    print_allowed: bool = False,
) -> dict[str, int]:
    """As `put`, for a crowd that a query names: constant statements however many; answers the counts.

    Details are merged when a row is claimed, so nothing can be given per contact here. Ids in `contact_ids` are unique.
    """
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    plan = Plan(
        message=session.execute(planning.message_row(message_id)).one(),
        kind=MESSAGE_KINDS[kind],
        source=source,
        source_id=source_id,
        step=str(step),
        occurrence=occurrence,
        not_before_at=not_before_at or now,
        local_minute=local_time,
        not_after_at=not_after_at,
        transport=transport,
        print_allowed=print_allowed,
    )
    return dict(fanning_out.fan_out(session, plan, contact_ids, now=now, house=house))


def put_to_address(
    session: Session,
    *,
    now: datetime,
    world: World,
    message_id: int,
    email: str,
    name: str = "",
    kind: str,
    source: str,
    source_id: int = 0,
    step: str | int = "",
    occurrence: str | None = None,
    values: Mapping[str, str] | None = None,
    calendar: CalendarPart | None = None,
    audience_class: str = "staff",
    not_after_at: datetime | None = None,
    transport: str | None = None,
) -> int:
    """A message to one typed address (tests, staff, signers) is planned; answers the delivery's id.

    Without `occurrence` each call is a message of its own; with one, the same address gets it once. Friends, signers
    and everyone else who is or was a client are `audience_class="client"`. `email` must be a checked address.
    """
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    plan = Plan(
        message=session.execute(planning.message_row(message_id)).one(),
        kind=MESSAGE_KINDS[kind],
        source=source,
        source_id=source_id,
        step=str(step),
        occurrence=occurrence if occurrence is not None else secrets.token_hex(8),
        not_before_at=now,
        not_after_at=not_after_at,
        values={0: values or {}},
        transport=transport,
    )
    hashed = address_hash(world.key, email)
    row = planning.address_row(
        plan, email=email, name=name, hashed=hashed, audience_class=audience_class, now=now, house=house
    )
    made = _inserted(session, [row])
    if not made:
        return session.execute(
            select(Delivery.id).filter_by(**plan.key).where(addressed.to_address(hashed))
        ).scalar_one()
    delivery_id = made[0][0]
    if calendar:
        _add_calendars(session, {delivery_id: calendar})
    stopping.stop_what_may_not_leave(session, [delivery_id], now=now, house=house)
    return delivery_id


def cancel(
    session: Session,
    *,
    now: datetime,
    source: str,
    source_id: int,
    step: str | int | None = None,
    contact_ids: Collection[int] | None = None,
    occurrence: str | None = None,
    why: str,
) -> int:
    """What was not handed over yet is cancelled with that reason; answers how many rows. Idempotent."""
    wanted = [Delivery.source == source, Delivery.source_id == source_id, Delivery.state.in_(STOPPABLE)]
    if step is not None:
        wanted.append(Delivery.step == str(step))
    if occurrence is not None:
        wanted.append(Delivery.occurrence == occurrence)
    gone = {"state": "cancelled", "reason": why[:60], "token": None, "lease_until_at": None, "updated_at": now}
    batches = [None] if contact_ids is None else list(_batches(contact_ids))
    total = 0
    for batch in batches:
        chosen = wanted if batch is None else [*wanted, Delivery.contact_id.in_(batch)]
        total += len(session.execute(update(LEDGER).where(*chosen).values(gone).returning(LEDGER.c.id)).all())
    return total


def hold(session: Session, *, now: datetime, scope: str, by_id: int | None, why: str = "") -> int:
    """Nothing in the scope ("all", "campaign:12", "transport:smtp") leaves; answers how many wait. Idempotent."""
    session.execute(
        builder(session)(Hold).values(scope=scope, since_at=now, by_id=by_id, why=why[:500]).on_conflict_do_nothing()
    )
    return waiting_in(session, scope)


def resume(session: Session, *, now: datetime, scope: str, by_id: int | None) -> int:
    """What waits in the scope may leave again; answers how many are left. Idempotent."""
    session.execute(
        update(Hold).where(Hold.scope == scope, Hold.lifted_at.is_(None)).values(lifted_at=now, lifted_by_id=by_id)
    )
    return waiting_in(session, scope)


def held_scopes(session: Session) -> dict[str, Hold]:
    """What is on hold now, by scope."""
    return {row.scope: row for row in session.scalars(select(Hold).where(Hold.lifted_at.is_(None)))}


def waiting_in(session: Session, scope: str) -> int:
    """How many deliveries of a scope wait to leave."""
    counted = select(func.count()).select_from(Delivery).where(text(IS_WAITING))
    sort, _, which = scope.partition(":")
    if sort == "transport":
        counted = counted.where(Delivery.transport == which)
    elif which:
        counted = counted.where(Delivery.source == sort, Delivery.source_id == int(which))
    return session.scalar(counted) or 0


def counts(session: Session, source: str, source_id: int) -> dict[str, dict[str, int]]:
    """{step: {state: how many}} of one source."""
    rows = session.execute(
        select(Delivery.step, Delivery.state, func.count())
        .where(Delivery.source == source, Delivery.source_id == source_id)
        .group_by(Delivery.step, Delivery.state)
    )
    counted: dict[str, dict[str, int]] = {}
    for step, state, many in rows:
        counted.setdefault(step, {})[state] = many
    return counted


def _put_batch(
    session: Session,
    plan: Plan,
    contact_ids: Sequence[int],
    calendars: Mapping[int, CalendarPart],
    counts: Counter[str],
    ids: dict[int, int],
    *,
    now: datetime,
    world: World,
    house: House,
) -> None:
    contacts = session.execute(planning.contact_rows(contact_ids)).all()
    hashes = [contact.address_hash for contact in contacts if contact.address_hash]
    of_plan = select(Delivery.id, Delivery.contact_id, Delivery.address_hash, Delivery.state).filter_by(**plan.key)
    # Each half goes by its own unique key; joined by OR, every row of a step would be read for each batch.
    known = session.execute(
        union(of_plan.where(Delivery.contact_id.in_(contact_ids)), of_plan.where(addressed.to_one_of(hashes)))
    ).all()
    done = {row.contact_id: row.id for row in known if row.contact_id is not None}
    taken = {row.address_hash for row in known if row.state != "duplicate-address"}
    fresh = [contact for contact in contacts if contact.id not in done]
    values = planning.merged_values(session, plan, [each.id for each in fresh], now=now, world=world, house=house)
    rows = [planning.row_of(plan, contact, values[contact.id], now=now, house=house) for contact in fresh]
    _mark_duplicates(rows, taken)
    made = {contact_id: delivery_id for delivery_id, contact_id in _inserted(session, rows)}
    already = {each: done[each] for each in contact_ids if each in done}
    ids.update({**already, **made})
    states = {row["contact_id"]: row["reason"] or row["state"] for row in rows if row["contact_id"] in made}
    _add_calendars(session, {made[each]: part for each, part in calendars.items() if each in made})
    _register_tokens(session, list(made), world=world)
    planned = [made[each] for each, state in states.items() if state == "scheduled"]
    stopped = stopping.stop_what_may_not_leave(session, planned, now=now, house=house)
    telling.not_sent(session, stopped, now=now)
    states.update({row.contact_id: row.reason for row in stopped})
    counts.update(states.values())
    counts.update(["already"] * len(already))


def _mark_duplicates(rows: list[dict[str, Any]], taken: set[str | None]) -> None:
    for row in rows:
        hashed = row["address_hash"]
        if hashed and hashed in taken:
            row.update(state="duplicate-address", reason="duplicate-address", address_hash=None)
        taken.add(hashed)


def _inserted(session: Session, rows: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """(delivery id, contact id) of the rows that are new: whoever planned the same at the same time has the others."""
    if not rows:
        return []
    statement = builder(session)(LEDGER).on_conflict_do_nothing().returning(LEDGER.c.id, LEDGER.c.contact_id)
    return [(row.id, row.contact_id) for row in session.execute(statement, rows)]


def _add_calendars(session: Session, parts: Mapping[int, CalendarPart]) -> None:
    if parts:
        session.execute(
            insert(DeliveryCalendar),
            [{"delivery_id": each, "method": part.method, "ics": part.ics} for each, part in parts.items()],
        )


def _register_tokens(session: Session, contact_ids: Sequence[int], *, world: World) -> None:
    """What the links of these messages carry is known from now on; a token itself is derived when it is needed."""
    known = [(tokens.derive(world.key, OPTING_OUT, each), OPTING_OUT, each, "", 0) for each in contact_ids]
    tokens.register(session.connection(), known)


def _batches(contact_ids: Iterable[int]) -> Iterator[list[int]]:
    unique = list(dict.fromkeys(contact_ids))
    for start in range(0, len(unique), BATCH):
        yield unique[start : start + BATCH]
