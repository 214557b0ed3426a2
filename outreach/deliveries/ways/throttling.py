"""Keeps every way out to its limits, slows it down when it is busy, and rests it when it fails. Shared by all workers.

What is decided stands in `throttle_rules`; here the rows are read and written, under their lock, in the caller's turn.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from outreach.content.kinds import MESSAGE_KINDS, NEWSLETTER_IN_FLIGHT, PERSONAL_IN_FLIGHT
from outreach.deliveries.models import TransportState, builder
from outreach.deliveries.transports.protocol import (
    NOT_BEGUN,
    Accepted,
    AccountProblem,
    NotHandedOver,
    Outcome,
    Permanent,
    RefusedForNow,
    Unknown,
    told,
)
from outreach.deliveries.ways import throttle_rules as rules
from outreach.deliveries.ways.throttle_rules import Breaker, Bucket, Limits, Seen
from outreach.deliveries.ways.transport_models import InFlight, TransportThrottle
from outreach.practice.models import Practice

LONGEST_WAIT = timedelta(hours=1)
"""A provider that lies about its reset must not keep mail for ever: after an hour one mail asks anew."""
FRESH = timedelta(seconds=1)
"""A way that works says so once a second: its row is no bottleneck for many workers."""


def take(session: Session, wanted: Mapping[str, int], *, now: datetime) -> dict[str, int]:
    """{transport: how many hand-overs it may begin now}, at most what is wanted; the tokens are taken.

    One statement when no wanted transport has limits or trouble; else two and one update per such transport. A breaker
    that is half open grants one. Call it in the turn that fences.
    """
    granted = dict(wanted)
    rows = session.scalars(_touched(wanted).with_for_update()).all() if wanted else ()
    for row in rows:
        limits = _limits(row)
        allowed, breaker = rules.admitted(_breaker(row), wanted[row.name], now=now)
        today = _today(session, now) if limits.per_day is not None else now.date()
        granted[row.name], bucket = rules.grant(limits, _bucket(row), allowed, now=now, today=today)
        _keep_bucket(row, bucket)
        _keep_breaker(row, breaker if granted[row.name] else _breaker(row))
    session.flush()
    return granted


def room(session: Session, most: int, *, now: datetime) -> dict[str, int]:
    """{transport: how many hand-overs it would let begin now, at most `most`}; one that nothing bounds is not named.

    Takes nothing: who claims no more than this gives nothing back. Two statements.
    """
    found: dict[str, int] = {}
    for row in session.scalars(_touched()):
        limits = _limits(row)
        today = _today(session, now) if limits.per_day is not None else now.date()
        allowed, _ = rules.admitted(_breaker(row), most, now=now)
        found[row.name], _ = rules.grant(limits, _bucket(row), allowed, now=now, today=today)
    waits = or_(TransportState.paused_at.is_not(None), TransportState.not_before_at > now)
    return found | dict.fromkeys(session.scalars(select(TransportState.name).where(waits)), 0)


def next_at(session: Session, name: str, *, now: datetime) -> datetime:
    """When that transport may begin another hand-over, as far as its limits and its breaker tell; now when it may."""
    row = session.scalars(_touched([name])).one_or_none()
    if row is None:
        return now
    limits, at = _limits(row), rules.admits_at(_breaker(row), now=now)
    today = _today(session, now) if limits.per_day is not None else now.date()
    midnight = _midnight_after(session, today) if limits.per_day is not None else now
    return max(at, rules.next_token_at(limits, _bucket(row), now=now, today=today, midnight=midnight))


def note(session: Session, name: str, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """How the way out is after these answers: last success, trouble, rate, breaker, and whether it is paused.

    "Busy" halves its rate and keeps the provider's own word for when; a problem with our account pauses it until a
    person resumes it, and then one mail goes first. One statement while all is well, and three more once a second.
    """
    seen = _seen(outcomes)
    if seen.worked == len(outcomes) and _is_known_well(session, name, now):
        return
    session.execute(builder(session)(TransportState).values(name=name, troubles=0).on_conflict_do_nothing())
    state = session.get_one(TransportState, name, with_for_update=True, populate_existing=True)
    row = _row(session, name, wanted=seen.worked < len(outcomes))
    if row is not None:
        _learn(row, outcomes, seen, now=now)
    _tell(state, row, outcomes, seen, now=now)
    session.flush()


def try_anew(session: Session, name: str) -> None:
    """A way that rested, or was slowed down, carries one mail at once to see whether it works now. Idempotent."""
    state = session.get(TransportState, name, with_for_update=True)
    row = session.get(TransportThrottle, name, with_for_update=True)
    if state is not None:
        state.not_before_at, state.troubles = None, 0
    if row is not None and row.breaker != "closed":
        _keep_breaker(row, rules.suspects(Breaker()))


def in_flight(session: Session) -> dict[str, int]:
    """{kind of mail: W}: how many may be under way at once, which is what a crash leaves to look at."""
    chosen = {row.kind: row.most for row in session.scalars(select(InFlight))}
    return {name: min(chosen.get(name, kind.in_flight), most_in_flight(name)) for name, kind in MESSAGE_KINDS.items()}


def most_in_flight(kind: str) -> int:
    """The largest W of a kind of mail: 500 for newsletters, 8 for everything personal (architecture 9.4)."""
    return NEWSLETTER_IN_FLIGHT if MESSAGE_KINDS[kind].in_flight > PERSONAL_IN_FLIGHT else PERSONAL_IN_FLIGHT


def asked_until(outcome: Outcome, now: datetime) -> datetime | None:
    """The other side's own word for when to come back, between now and an hour ahead; None when it gave none."""
    if not isinstance(outcome, RefusedForNow):
        return None
    if outcome.not_before_at is not None:
        return min(max(outcome.not_before_at, now), now + LONGEST_WAIT)
    if outcome.wait_seconds is None or math.isnan(outcome.wait_seconds):
        return None
    return now + timedelta(seconds=min(max(outcome.wait_seconds, 0.0), LONGEST_WAIT.total_seconds()))


def _asks_too_much(outcome: Outcome, now: datetime) -> bool:
    until = asked_until(outcome, now)
    return until is not None and until >= now + LONGEST_WAIT


def _touched(names: Mapping[str, int] | Sequence[str] | None = None) -> Any:
    """Rows that hold something back, in one order, so that two workers never wait for each other."""
    row = TransportThrottle
    held: ColumnElement[bool] = or_(
        row.per_second.is_not(None), row.per_day.is_not(None), row.slowed_to.is_not(None), row.breaker != "closed"
    )
    chosen = select(row).where(held).order_by(row.name)
    if names is not None:
        chosen = chosen.where(row.name.in_(sorted(names)))
    return chosen.execution_options(populate_existing=True)


def _seen(outcomes: Sequence[Outcome]) -> Seen:
    worked = sum(
        isinstance(each, Accepted | Permanent) or (isinstance(each, RefusedForNow) and not each.busy)
        for each in outcomes
    )
    lost = sum(isinstance(each, NotHandedOver | Unknown) and each is not NOT_BEGUN for each in outcomes)
    return Seen(worked=worked, troubles=lost)


def _is_known_well(session: Session, name: str, now: datetime) -> bool:
    found = session.execute(
        select(
            TransportState.last_sent_at,
            TransportState.troubles,
            TransportThrottle.breaker,
            TransportThrottle.in_a_row,
            TransportThrottle.worked,
        )
        .outerjoin(TransportThrottle, TransportThrottle.name == TransportState.name)
        .where(TransportState.name == name)
    ).one_or_none()
    if found is None or found.troubles or found.last_sent_at is None or abs(now - found.last_sent_at) >= FRESH:
        return False
    return found.breaker in (None, "closed") and not found.in_a_row and not found.worked


def _row(session: Session, name: str, *, wanted: bool) -> TransportThrottle | None:
    if wanted:
        session.execute(builder(session)(TransportThrottle).values(name=name).on_conflict_do_nothing())
    return session.get(TransportThrottle, name, with_for_update=True, populate_existing=True)


def _learn(row: TransportThrottle, outcomes: Sequence[Outcome], seen: Seen, *, now: datetime) -> None:
    breaker = rules.learned(_breaker(row), seen, now=now)
    busy = [each for each in outcomes if isinstance(each, RefusedForNow) and each.busy]
    if any(isinstance(each, AccountProblem) for each in outcomes) or any(_asks_too_much(each, now) for each in busy):
        breaker = rules.suspects(breaker)
    _keep_breaker(row, breaker)
    if busy:
        _keep_bucket(row, rules.slowed(_limits(row), _bucket(row), now=now))


def _tell(
    state: TransportState, row: TransportThrottle | None, outcomes: Sequence[Outcome], seen: Seen, *, now: datetime
) -> None:
    state.troubles = row.in_a_row if row is not None else 0
    if any(isinstance(each, Accepted | Permanent) for each in outcomes):
        state.last_sent_at = now
    bad = [each for each in outcomes if not isinstance(each, Accepted | Permanent) and each is not NOT_BEGUN]
    if bad:
        state.last_trouble_at, state.last_trouble = now, told(bad[0])
    waits = [asked_until(each, now) for each in outcomes if isinstance(each, RefusedForNow) and each.busy]
    until = max((wait for wait in (*waits, row.open_until_at if row else None) if wait), default=None)
    if until is not None:
        state.not_before_at = max(state.not_before_at or until, until)
    account = next((each for each in outcomes if isinstance(each, AccountProblem)), None)
    if account is not None and state.paused_at is None:
        state.paused_at, state.paused_why, state.paused_by_id = now, told(account), None


def _limits(row: TransportThrottle) -> Limits:
    return Limits(row.per_second, row.burst, row.per_day)


def _bucket(row: TransportThrottle) -> Bucket:
    return Bucket(row.tokens, row.tokens_at, row.slowed_to, row.slowed_at, row.day_on, row.day_used or 0)


def _keep_bucket(row: TransportThrottle, bucket: Bucket) -> None:
    row.tokens, row.tokens_at = bucket.tokens, bucket.at
    row.slowed_to, row.slowed_at = bucket.slowed_to, bucket.slowed_at
    row.day_on, row.day_used = bucket.day_on, bucket.day_used


def _breaker(row: TransportThrottle) -> Breaker:
    return Breaker(
        state=row.breaker,
        until_at=row.open_until_at,
        rest=timedelta(seconds=row.rest_seconds),
        probe_at=row.probe_at,
        troubles=tuple(datetime.fromtimestamp(at, UTC) for at in row.troubles),
        in_a_row=row.in_a_row,
        worked=row.worked,
    )


def _keep_breaker(row: TransportThrottle, breaker: Breaker) -> None:
    row.breaker, row.open_until_at, row.probe_at = breaker.state, breaker.until_at, breaker.probe_at
    row.rest_seconds = int(breaker.rest.total_seconds())
    row.troubles = [at.timestamp() for at in breaker.troubles]
    row.in_a_row, row.worked = breaker.in_a_row, breaker.worked


def _today(session: Session, now: datetime) -> date:
    return now.astimezone(_zone(session)).date()


def _midnight_after(session: Session, day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), _zone(session)).astimezone(UTC)


def _zone(session: Session) -> ZoneInfo:
    return ZoneInfo(session.scalars(select(Practice.time_zone)).one())
