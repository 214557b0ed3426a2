"""The plain counts of sources, beside their yield: facts, never a forecast."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.timeline import PERSONAL, Touch
from outreach.referrals.models import Referral
from outreach.referrals.queries import got_to, out_of_network

QUARTER, YEAR = timedelta(days=90), timedelta(days=365)


@dataclass(frozen=True)
class SourceFacts:
    """What one source sent and what was done for it. *Units*: numbers of referrals, of touches; minutes of staff time.

    `quarter` and `year` are the last 90 and 365 days. `timed` says how many of `touches` carry their minutes. Nothing
    of value that was given is in here, and nothing of it may be.
    """

    contact_id: int
    received: int = 0
    quarter: int = 0
    year: int = 0
    started: int = 0
    started_year: int = 0
    finished: int = 0
    completed: int = 0
    known_payer: int = 0
    in_network: int = 0
    missed: int = 0
    first_on: date | None = None
    last_on: date | None = None
    touches: int = 0
    timed: int = 0
    minutes: int = 0


def facts_of(session: Session, contact_ids: Collection[int], *, today: date, zone: ZoneInfo) -> dict[int, SourceFacts]:
    """The facts by contact; who never referred and was never met has zeros. Two queries, however many contacts."""
    ids = list(contact_ids)
    if not ids:
        return {}
    sent = {row.contact_id: row._asdict() for row in session.execute(_sent(ids, today=today))}
    met = {row.contact_id: row._asdict() for row in session.execute(_met(ids, today=today, zone=zone))}
    empty = {"contact_id": 0}
    return {id_: SourceFacts(**{**met.get(id_, empty), **sent.get(id_, {}), "contact_id": id_}) for id_ in ids}


def lived_through() -> ColumnElement[bool]:
    """Whether a referral's plan of care was completed."""
    return or_(Referral.stage == "completed", Referral.completed_on.is_not(None))


def _sent(ids: list[int], *, today: date) -> Any:
    started = got_to("started")
    lost = and_(Referral.stage == "closed", ~started)
    # An open referral older than a quarter counts as lost: what the yield's conversion counts, too.
    overdue = and_(~started, Referral.stage != "closed", Referral.received_on < today - QUARTER)
    since_year = Referral.received_on > today - YEAR
    known = Referral.payer_id.is_not(None)
    return (
        select(
            Referral.contact_id,
            func.count(Referral.id).label("received"),
            _sum(Referral.received_on > today - QUARTER).label("quarter"),
            _sum(since_year).label("year"),
            _sum(started).label("started"),
            _sum(and_(started, since_year)).label("started_year"),
            _sum(or_(started, lost, overdue)).label("finished"),
            _sum(lived_through()).label("completed"),
            _sum(known).label("known_payer"),
            _sum(and_(known, ~out_of_network())).label("in_network"),
            _sum(Referral.close_reason == "did-not-show").label("missed"),
            func.min(Referral.received_on).label("first_on"),
            func.max(Referral.received_on).label("last_on"),
        )
        .where(
            Referral.contact_id.in_(ids),
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            Referral.received_on <= today,
        )
        .group_by(Referral.contact_id)
    )


def _met(ids: list[int], *, today: date, zone: ZoneInfo) -> Any:
    since = datetime.combine(today - YEAR, time(), zone)
    return (
        select(
            Touch.contact_id,
            func.count(Touch.id).label("touches"),
            func.count(Touch.minutes).label("timed"),
            func.coalesce(func.sum(Touch.minutes), 0).label("minutes"),
        )
        .where(Touch.contact_id.in_(ids), Touch.kind.in_(PERSONAL), Touch.at >= since)
        .group_by(Touch.contact_id)
    )


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
