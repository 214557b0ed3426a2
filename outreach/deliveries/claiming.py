"""Takes due deliveries for one worker, and puts back what a stopped worker left behind."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, exists, func, insert, literal, or_, select, text, union_all, update
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import gates, planning, telling
from outreach.deliveries.caps.cap_rules import SHARE_EACH, interleaved
from outreach.deliveries.house import House
from outreach.deliveries.models import CAN_EXPIRE, IS_LEASED, IS_WAITING, LEDGER, Attempt
from outreach.deliveries.rules import PRINT
from outreach.deliveries.sets import NUMBER, OBJECT, is_one_of, rows_of
from outreach.deliveries.stopping import Stopped, returned

LEASE = timedelta(seconds=60)
"""Longer than a hand-over can take (reliability B1): who holds a row longer than this is gone."""
SWEEP = 500
SHARING_KINDS = ("drip",)
"""Only campaigns have a share of their own in the queue."""
C = LEDGER.c


class Claimed(NamedTuple):
    """What a worker needs to know of a row that it claimed; the names are those of the columns."""

    id: int
    contact_id: int | None
    message_id: int
    kind: str
    mail_class: str
    audience_class: str
    topic: str
    email: str
    to_name: str
    address_hash: str | None
    transport: str | None
    attempts: int
    details: dict[str, str] | None
    token: str


BY_MAIL = C.transport.is_distinct_from(PRINT)
"""Letters wait for a person. The index of what is due holds the transport, so leaving them out reads no row."""
CLAIMED = tuple(C[name] for name in Claimed._fields)


def due_kinds(session: Session, *, now: datetime) -> list[str]:
    """The kinds of which something is due, whether or not something holds it; one look into the index per kind."""
    looks = [
        select(literal(kind)).where(exists().where(text(IS_WAITING), C.kind == kind, C.due_at <= now, BY_MAIL))
        for kind in MESSAGE_KINDS
    ]
    return list(session.scalars(union_all(*looks)))


def candidates(session: Session, *, now: datetime, kind: str, limit: int) -> list[int]:
    """The ids of what may be claimed now, highest priority first; another worker may be faster."""
    return [row_id for row_id, _ in waiting(session, now=now, kind=kind, limit=limit)]


def waiting(
    session: Session, *, now: datetime, kind: str, limit: int, bounded: Collection[str] = ()
) -> list[tuple[int, str]]:
    """(id, way out) of what may be claimed now, highest priority first.

    What is on hold, paused or outside its window is not among them. Sorting what is due is dear, so a worker asks for
    many and claims them in groups. Each of the `bounded` ways is asked about by itself, up to `limit` too: however much
    waits for one that takes little, it hides nobody who goes another way. One statement, and one per such way.
    """
    way = func.coalesce(C.transport, "")
    parts: list[list[ColumnElement[bool]]] = [[way == name] for name in bounded]
    parts.append([way.not_in(bounded)] if bounded else [])
    found = [row for part in parts for row in _in_order(session, part, now=now, kind=kind, limit=limit)]
    if bounded:
        found.sort(key=lambda row: (-row.priority, row.due_at, row.id))
    if kind in SHARING_KINDS:
        # Among more than are asked for, those of a share of their own may stand behind the last.
        shared = _in_order(session, [C.own_share], now=now, kind=kind, limit=max(limit // SHARE_EACH, 1))
        found = interleaved(found, shared, len(found)) if shared else found
    return [(row.id, row.transport or "") for row in found]


def _in_order(
    session: Session, which: Sequence[ColumnElement[bool]], *, now: datetime, kind: str, limit: int
) -> Sequence[Any]:
    chosen = select(C.id, C.transport, C.priority, C.due_at).where(
        text(IS_WAITING), C.kind == kind, C.due_at <= now, BY_MAIL, *which
    )
    allowed = chosen.where(*(~gate.closed for gate in gates.passing(now=now)))
    return session.execute(allowed.order_by(C.priority.desc(), C.due_at, C.id).limit(limit)).all()


Merge = Callable[[Sequence[Any]], Mapping[int, dict[str, str]]]
HoldBack = Callable[[Sequence[Any]], Collection[int]]


def claim(
    session: Session,
    *,
    now: datetime,
    kind: str,
    limit: int,
    among: Sequence[int] | None = None,
    merge: Merge | None = None,
    hold_back: HoldBack | None = None,
) -> list[Claimed]:
    """Up to `limit` due deliveries of a kind are this worker's until the lease ends, highest priority first.

    `among` are ids in the order wanted, as `candidates` gave them; without it they are asked for. `merge` answers
    {id: details} for rows that have none: these are stored with the claim. `hold_back` answers the ids that are too
    much for their person, which it has planned anew. Two workers never get the same row: SQLite
    writes one after the other, PostgreSQL skips rows that are being claimed.
    """
    wanted = candidates(session, now=now, kind=kind, limit=limit) if among is None else among[:limit]
    if not wanted:
        return []
    free = (is_one_of(session, C.id, wanted), text(IS_WAITING), C.due_at <= now, BY_MAIL)
    found = session.execute(select(*CLAIMED[:-1]).where(*free).with_for_update(skip_locked=True)).all()
    if hold_back and (later := hold_back(found)):
        found = [row for row in found if row.id not in later]
    token = secrets.token_hex(16)
    mine = {"state": "claimed", "reason": "", "token": token, "lease_until_at": now + LEASE, "updated_at": now}
    merged = merge(found) if merge else {}
    if merged:
        known = rows_of(session, "known", {"id": NUMBER, "details": OBJECT}, list(merged.items()))
        session.execute(update(LEDGER).where(C.id == known.c.id).values(**mine, details=known.c.details))
    if len(merged) < len(found):
        ready = is_one_of(session, C.id, [row.id for row in found if row.id not in merged])
        session.execute(update(LEDGER).where(ready).values(**mine))
    rows = {row.id: Claimed._make((*row[:-1], merged.get(row.id, row.details), token)) for row in found}
    return [rows[each] for each in wanted if each in rows]


def give_back(session: Session, rows: Collection[Any], *, now: datetime, due_at: datetime | None = None) -> None:
    """Claimed rows that this worker will not get to wait again for anybody, from `due_at` on."""
    if rows:
        later = {} if due_at is None else {"due_at": due_at}
        session.execute(
            update(LEDGER)
            .where(is_one_of(session, C.id, [row.id for row in rows]), C.token.in_(tokens_of(rows)))
            .where(C.state == "claimed")
            .values(state="scheduled", token=None, lease_until_at=None, updated_at=now, **later)
        )


def tokens_of(rows: Collection[Any]) -> list[str]:
    """The tokens under which a worker holds these rows: one per claim."""
    return sorted({row.token for row in rows})


def sweep(session: Session, *, now: datetime, house: House) -> None:
    """Leases that ended are settled, what is too late is expired, what missed its window is planned again."""
    _settle_ended_leases(session, now=now)
    telling.not_sent(session, _expire(session, now=now), now=now)
    while _plan_again(session, now=now, house=house) == SWEEP:
        pass


def _settle_ended_leases(session: Session, *, now: datetime) -> None:
    ended = (text(IS_LEASED), C.lease_until_at <= now)
    free = {"token": None, "lease_until_at": None, "updated_at": now}
    session.execute(update(LEDGER).where(*ended, C.state == "claimed").values(state="scheduled", **free))
    lost = session.execute(
        update(LEDGER)
        .where(*ended, C.state == "sending")
        .values(state="unconfirmed", reason="worker-stopped", **free)
        .returning(C.id, C.attempts, C.transport, C.fenced_at)
    ).all()
    if lost:
        session.execute(
            insert(Attempt),
            [
                {
                    "delivery_id": row.id,
                    "number": row.attempts,
                    "transport": row.transport or "",
                    "started_at": row.fenced_at or now,
                    "finished_at": now,
                    "outcome": "unknown",
                    "text": "The worker stopped while this was on its way.",
                }
                for row in lost
            ],
        )


def _expire(session: Session, *, now: datetime) -> list[Stopped]:
    found = session.execute(
        update(LEDGER)
        .where(text(CAN_EXPIRE), C.not_after_at <= now)
        .values(state="expired", reason="too-late", updated_at=now)
        .returning(*returned())
    )
    return [Stopped(*row) for row in found]


def _plan_again(session: Session, *, now: datetime, house: House) -> int:
    """A backlog does not drain at night: rows whose window has closed, or whose contact moved, get the next one.

    Who moved to a zone that nobody knows is held, so that somebody looks.
    """
    present = select(Contact.time_zone).where(Contact.id == C.contact_id).scalar_subquery().label("time_zone")
    late = session.execute(
        select(C.id, C.kind, C.zone, C.local_minute, C.not_before_at, C.contact_id, present)
        .where(text(IS_WAITING), *_due(now), C.window_until_at.is_not(None))
        .where(or_(C.window_until_at <= now, gates.other_zone()))
        .limit(SWEEP)
    ).all()
    lost = [row.id for row in late if row.time_zone and house.zone_of(row.time_zone) != row.time_zone]
    if lost:
        held = update(LEDGER).where(is_one_of(session, C.id, lost), text(IS_WAITING))
        session.execute(held.values(state="held", reason="unknown-zone", updated_at=now))
    wanted = [
        Planned(row.id, row.kind, _zone(row, house), row.local_minute, row.not_before_at)
        for row in late
        if row.id not in set(lost)
    ]
    if wanted:
        plan_rows(session, wanted, now=now, house=house)
    return len(late)


class Planned(NamedTuple):
    """What planning anew asks of a row."""

    id: int
    kind: str
    zone: str
    local_minute: int | None
    not_before_at: datetime


def _zone(row: Any, house: House) -> str:
    zone: str = row.zone if row.contact_id is None else house.zone_of(row.time_zone)
    return zone


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """All kinds are named, so that the index finds what is due and nobody walks over what waits for next week."""
    return C.kind.in_(list(MESSAGE_KINDS)), C.due_at <= now


def plan_rows(session: Session, rows: Sequence[Any], *, now: datetime, house: House) -> None:
    """Waiting rows (id, kind, zone, local_minute, not_before_at) are planned anew, from now or from their own time on;
    held when no day is ever open."""
    planned, never = [], []
    for row in rows:
        columns = planning.timing(row.kind, max(now, row.not_before_at), row.zone, row.local_minute, house=house)
        if "state" in columns:
            never.append(row.id)
        else:
            times = (columns["due_at"], columns["window_from_at"], columns["window_until_at"], row.zone)
            planned.append(dict(zip(("row_id", "due", "opens", "closes", "there"), (row.id, *times), strict=True)))
    if planned:
        again = (
            update(LEDGER)
            .where(C.id == bindparam("row_id"), text(IS_WAITING))
            .values(
                due_at=bindparam("due"),
                window_from_at=bindparam("opens"),
                window_until_at=bindparam("closes"),
                zone=bindparam("there"),
                updated_at=now,
            )
        )
        session.connection().execute(again, planned)
    if never:
        held = update(LEDGER).where(C.id.in_(never), text(IS_WAITING))
        session.execute(held.values(state="held", reason="never-open", updated_at=now))
