"""Keeps mail to the limits of each person: what they had is read in bulk, and what is too much waits or expires."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from outreach.contacts.timeline import Touch
from outreach.content.kinds import MESSAGE_KINDS
from outreach.deliveries import claiming, gates, stopping, telling
from outreach.deliveries.caps.cap_models import MailLimit
from outreach.deliveries.caps.cap_rules import AFTER, AWAY, OVER, PUT_OFF, REPLY, Limits, Load, Mail, allowed_from
from outreach.deliveries.house import House
from outreach.deliveries.models import IS_WAITING, LEDGER, Delivery
from outreach.deliveries.pacing import CAP_QUARTER
from outreach.deliveries.returns import answering
from outreach.deliveries.rules import WAITING
from outreach.deliveries.sets import INSTANT, NUMBER, is_one_of, rows_of
from outreach.deliveries.stopping import Stopped, returned

COUNTED_KINDS = tuple(kind.name for kind in MESSAGE_KINDS.values() if kind.counts_to_cap)
TOUCHES = ("call", "visit", "drop-off", "meeting", "thank-you")
"""What a person of ours did to reach them. Notes are for us, and who attends a talk came by themselves."""
LEFT = ("claimed", "sending", "sent", "delivered", "complained", "unconfirmed")
"""Gone, or about to be; what is on hold or came back takes nobody's place."""
IN_SEQUENCE = ("drip",)
"""What follows by itself waits while somebody's own words wait to be answered; newsletters to everybody do not."""
LOOK_AGAIN = timedelta(hours=1)
LONGEST_WAIT = {"newsletter": timedelta(days=30)}
STILL_GOOD = timedelta(days=7)
"""What waited for its person's sake is sent up to so long after its new time, where its last moment moves along."""
LONGEST_MOVED = timedelta(days=120)
"""Longer than a full quarter and a pause: whoever gets other mail all the time is not waited for without end."""
C = LEDGER.c


def limits_of(session: Session) -> Limits:
    """What the practice chose, else the defaults."""
    row = session.get(MailLimit, 1)
    return Limits(row.gap_days, row.per_quarter, row.with_touches) if row else Limits()


def loads_of(
    session: Session, contact_ids: Collection[int], *, now: datetime, limits: Limits | None = None
) -> dict[int, Load]:
    """{contact id: what counts to their limits}, in at most three statements for any number of people.

    Mail that waits counts unless it, its source or its way out is on hold.
    """
    limits = limits or limits_of(session)
    since = now - CAP_QUARTER
    at = func.coalesce(Delivery.sent_at, Delivery.fenced_at, Delivery.due_at)
    rows = session.execute(
        select(
            Delivery.id,
            Delivery.contact_id,
            Delivery.state,
            at,
            Delivery.weight,
            Delivery.own_share,
            C.reason,
            Delivery.topic,
        )
        .where(
            is_one_of(session, Delivery.contact_id.expression, contact_ids),
            Delivery.kind.in_(COUNTED_KINDS),
            Delivery.state.in_((*LEFT, *WAITING)),
            at >= since,
        )
        .where(Delivery.state.in_(LEFT) | ~gates.on_hold())
    )
    mails: dict[int, list[Mail]] = defaultdict(list)
    for row_id, contact_id, state, left_at, weight, own_share, reason, topic in rows:
        waits, again = state in WAITING, state == "resend-approved"
        parked = waits and reason == REPLY
        mails[contact_id or 0].append(Mail(row_id, left_at, weight, own_share, waits, again, parked, topic))
    touched = _touched(session, contact_ids, since) if limits.with_touches else {}
    return {each: Load(tuple(mails.get(each, ())), tuple(touched.get(each, ()))) for each in contact_ids}


def _touched(session: Session, contact_ids: Collection[int], since: datetime) -> Mapping[int, list[datetime]]:
    found: dict[int, list[datetime]] = defaultdict(list)
    chosen = is_one_of(session, Touch.contact_id.expression, contact_ids)
    for contact_id, at in session.execute(
        select(Touch.contact_id, Touch.at).where(chosen, Touch.kind.in_(TOUCHES), Touch.at >= since)
    ):
        found[contact_id].append(at)
    return found


def too_soon(
    session: Session, contact_ids: Sequence[int], *, at: datetime, now: datetime, weight: int, topic: str = ""
) -> int:
    """How many of these would get a message of that weight later than `at`, because of what they had or will have."""
    limits = limits_of(session)
    loads = loads_of(session, contact_ids, now=now, limits=limits)
    return sum(allowed_from(load, Mail(0, at, weight, topic=topic), limits=limits) > at for load in loads.values())


class Row(NamedTuple):
    """What planning a held back row anew asks of it."""

    id: int
    kind: str
    zone: str
    local_minute: int | None
    not_before_at: datetime
    not_after_at: datetime | None
    contact_id: int
    end_moves: bool
    created_at: datetime


def hold_back(session: Session, found: Sequence[Any], *, kind: str, now: datetime, house: House) -> frozenset[int]:
    """Of these due rows (id, contact_id) of a kind, those that would be too much for their person, and of campaigns
    those to whom we owe an answer or who are away: they are planned anew or expired, with the reason, and are not
    claimed. Nothing is asked for kinds that do not count.

    What a person approved to be sent again goes: they decided.
    """
    if kind not in COUNTED_KINDS or not found:
        return frozenset()
    limits, ids = limits_of(session), {row.contact_id for row in found if row.contact_id}
    loads = loads_of(session, ids, now=now, limits=limits)
    pauses = answering.pauses_of(session, ids, now=now) if kind in IN_SEQUENCE else {}
    later: dict[int, tuple[str, datetime]] = {}
    for row in found:
        load, pause = loads.get(row.contact_id or 0), pauses.get(row.contact_id or 0)
        own = next((mail for mail in load.mails if mail.id == row.id), None) if load else None
        if load is None or own is None or own.again:
            continue
        if pause and pause.unanswered:
            later[row.id] = (REPLY, now + answering.LOOK_AGAIN)
            continue
        if pause and pause.away_until and pause.away_until > now:
            later[row.id] = (AWAY, pause.away_until)
            continue
        if len(load.mails) == 1 and not load.touched_at:
            continue
        others = load.without(row.id).without_parked()
        if allowed_from(others, own, limits=limits, earliest=now) > now:
            alone_at = allowed_from(others.left_only(), own, limits=limits, earliest=now)
            later[row.id] = (OVER, alone_at) if alone_at > now else (AFTER, now + LOOK_AGAIN)
    _put_off(session, later, now=now, house=house)
    return frozenset(later)


def _put_off(session: Session, later: Mapping[int, tuple[str, datetime]], *, now: datetime, house: House) -> None:
    if not later:
        return
    # A lasting "no" is the truer word: whoever unsubscribed meanwhile does not wait for a turn.
    telling.not_sent(session, stopping.stop_what_may_not_leave(session, list(later), now=now, house=house), now=now)
    columns = tuple(C[name] for name in Row._fields)
    rows = [
        Row._make(row)
        for row in session.execute(select(*columns).where(is_one_of(session, C.id, later), text(IS_WAITING)))
    ]
    lost = {row.id for row in rows if later[row.id][1] >= _last(row)}
    for reason in PUT_OFF:
        named = [row.id for row in rows if later[row.id][0] == reason]
        _name(session, [each for each in named if each not in lost], reason, now=now)
        _expire(session, [each for each in named if each in lost], reason, now=now)
    moving = [(row.id, later[row.id][1] + STILL_GOOD) for row in rows if row.end_moves and row.id not in lost]
    _move_ends(session, moving)
    kept = [row._replace(not_before_at=later[row.id][1]) for row in rows if row.id not in lost]
    claiming.plan_rows(session, kept, now=now, house=house)


def _last(row: Row) -> datetime:
    """From then on it is not worth sending; a newsletter that says nothing of it is old after a month."""
    if row.end_moves:
        return row.created_at + LONGEST_MOVED
    return row.not_after_at or row.not_before_at + LONGEST_WAIT.get(row.kind, CAP_QUARTER)


def _move_ends(session: Session, ends: Sequence[tuple[int, datetime]]) -> None:
    """The last moment of each of these is that instant, unless it is later already."""
    if ends:
        known = rows_of(session, "known", {"id": NUMBER, "until": INSTANT}, ends)
        moved = update(LEDGER).where(C.id == known.c.id, C.not_after_at < known.c.until)
        session.execute(moved.values(not_after_at=known.c.until))


def _name(session: Session, ids: Sequence[int], reason: str, *, now: datetime) -> None:
    if ids:
        session.execute(update(LEDGER).where(is_one_of(session, C.id, ids)).values(reason=reason, updated_at=now))


def _expire(session: Session, ids: Sequence[int], reason: str, *, now: datetime) -> None:
    """What could leave only after its last moment is told as not sent at once."""
    if ids:
        ended = session.execute(
            update(LEDGER)
            .where(is_one_of(session, C.id, ids), text(IS_WAITING))
            .values(state="expired", reason=reason, updated_at=now)
            .returning(*returned())
        )
        telling.not_sent(session, [Stopped(*row) for row in ended], now=now)
