"""The mail of a campaign that waits in the outbox: when each email would really leave, and what stops it before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from outreach.campaigns import calendars
from outreach.campaigns.calendars import Calendars
from outreach.campaigns.effects import SOURCE
from outreach.campaigns.models import Campaign
from outreach.deliveries import gates
from outreach.deliveries.caps import capping
from outreach.deliveries.caps.cap_rules import AFTER, AWAY, REPLY, Limits, Load, Mail, allowed_from
from outreach.deliveries.models import IS_WAITING, Delivery
from outreach.deliveries.returns import answering
from outreach.deliveries.returns.answering import Pause
from outreach.deliveries.rules import PRINT


@dataclass(frozen=True)
class Waiting:
    """One email. `at` is when it would leave, None when it does not go out by itself; `reason` says why it is later
    than planned or stays, a key of deliveries.words; `on_paper`: a letter that a person prints."""

    contact_id: int
    key: str
    at: datetime | None
    reason: str = ""
    on_paper: bool = False


def forecast(
    session: Session, campaign: Campaign, calendars: Calendars, *, now: datetime, before: datetime, limit: int
) -> list[Waiting]:
    """What waits and is due before that instant, at most `limit`, the nearest first: as the outbox would treat it if
    nothing changed until then. Nothing is written; a constant number of statements."""
    stays = gates.verdict(gates.lasting(now=now, today=calendars.house.today, ways=calendars.house.ways))[1]
    moment = gates.verdict(gates.passing(now=now)[:2])[1]
    columns = ("id", "contact_id", "step", "due_at", "zone", "transport", "weight", "own_share", "topic")
    rows = session.execute(
        select(
            *(getattr(Delivery, name) for name in columns),
            Delivery.not_after_at,
            Delivery.end_moves,
            stays.label("stays"),
            moment.label("moment"),
        )
        .where(text(f"delivery.{IS_WAITING}"), Delivery.source == SOURCE, Delivery.source_id == campaign.id)
        .where(Delivery.kind == "drip", Delivery.contact_id.is_not(None), Delivery.due_at < before)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    ).all()
    return list(_each(session, rows, calendars, now=now))


def _each(session: Session, rows: Sequence[Any], known: Calendars, *, now: datetime) -> Iterator[Waiting]:
    people = {row.contact_id for row in rows}
    limits = capping.limits_of(session)
    loads = capping.loads_of(session, people, now=now, limits=limits)
    pauses = answering.pauses_of(session, people, now=now)
    for row in rows:
        pause = pauses.get(row.contact_id, Pause())
        if row.transport == PRINT:
            yield Waiting(row.contact_id, row.step, max(row.due_at, now), on_paper=True)
        elif stops := row.stays or row.moment or (REPLY if pause.unanswered else ""):
            yield Waiting(row.contact_id, row.step, None, stops)
        else:
            reason, at = _leaves(row, pause, loads[row.contact_id], limits, now=now)
            leaves_at = calendars.sends_at(at, known.of(row.zone))
            lost = not row.end_moves and row.not_after_at is not None and leaves_at >= row.not_after_at
            yield Waiting(row.contact_id, row.step, None if lost else leaves_at, reason)


def _leaves(row: Any, pause: Pause, load: Load, limits: Limits, *, now: datetime) -> tuple[str, datetime]:
    at = max(row.due_at, now)
    if pause.away_until and pause.away_until > at:
        return AWAY, pause.away_until
    new = Mail(row.id, at, row.weight, row.own_share, waits=True, topic=row.topic)
    own = next((mail for mail in load.mails if mail.id == row.id), new)
    if own.again:
        return "", at
    others = load.without(row.id).without_parked()
    allowed_at = allowed_from(others, own, limits=limits, earliest=at)
    return (AFTER, allowed_at) if allowed_at > at else ("", at)
