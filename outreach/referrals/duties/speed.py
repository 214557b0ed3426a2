"""How long things took: first contact, appointment, evaluation, thanks, and reports on time. Always as n of m."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.duties.thanking import ARRIVED, Sources, of_sources
from outreach.referrals.models import Referral

PERIOD_DAYS = 90
FEWEST = 5
"""Under that many a median would say more than is known."""
LOGGED_LATE = timedelta(days=3)
"""A referral that was logged later says nothing about how soon somebody could thank."""


@dataclass(frozen=True)
class Took:
    """A median in `unit`, over `counted` of `of`; None with fewer than five."""

    label: str
    typical: float | None
    unit: str
    counted: int
    of: int

    @property
    def text(self) -> str:
        """The figure as people read it, with what it rests on."""
        if not self.of:
            return "nothing yet"
        if self.typical is None:
            return f"not enough yet ({self.counted} of {self.of})"
        number = f"{self.typical:.0f}" if self.typical == int(self.typical) else f"{self.typical:.1f}"
        unit = self.unit if self.unit == "%" else " " + (self.unit.rstrip("s") if number == "1" else self.unit)
        return f"{number}{unit} ({self.counted} of {self.of})"


def speed(session: Session, *, today: date, zone: ZoneInfo, thanks_sources: Sources = ()) -> list[Took]:
    """What the referrals of the last 90 days took, counted from the day they were received.

    `zone` is the practice's; `thanks_sources` are what thanks by mail.
    """
    since = today - timedelta(days=PERIOD_DAYS)
    mine = and_(
        Referral.received_on >= since,
        Referral.received_on <= today,
        Referral.direction == "in",
        Referral.deleted_at.is_(None),
    )
    of = session.scalar(select(func.count()).select_from(Referral).where(mine)) or 0
    steps: tuple[tuple[str, InstrumentedAttribute[date | None]], ...] = (
        ("To the first contact", Referral.contacted_on),
        ("To the first appointment", Referral.scheduled_on),
        ("To the evaluation", Referral.evaluated_on),
    )
    found = []
    for label, column in steps:
        rows = session.execute(
            select(Referral.received_on, column, func.count())
            .where(mine, column.is_not(None))
            .group_by(Referral.received_on, column)
        )
        took = [(on - received).days for received, on, times in rows if on is not None for _ in range(times)]
        found.append(_took(label, took, "days", of))
    return [
        *found,
        _thanks(session, thanks_sources, zone=zone, since=since),
        _on_time(session, since=since, today=today),
    ]


def _thanks(session: Session, sources: Sources, *, zone: ZoneInfo, since: date) -> Took:
    """Hours from logging a contact's referral to the next thanks to them: a thank-you, or mail of what thanks."""
    thanks = (
        select(func.min(Touch.at))
        .where(
            Touch.contact_id == Referral.contact_id,
            Touch.at >= Referral.created_at,
            Touch.kind == "thank-you",
        )
        .correlate(Referral)
        .scalar_subquery()
    )
    by_mail = (
        select(func.min(Delivery.sent_at))
        .where(
            Delivery.contact_id == Referral.contact_id,
            Delivery.sent_at >= Referral.created_at,
            Delivery.state.in_(ARRIVED),
            of_sources(sources),
        )
        .correlate(Referral)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Referral.received_on, Referral.created_at, thanks, by_mail).where(
            Referral.contact_id.is_not(None),
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            Referral.received_on >= since,
        )
    ).all()
    # The day as the people here count it: in the evening it is tomorrow already in UTC.
    fresh = [
        (made, [at for at in said if at])
        for on, made, *said in rows
        if made.astimezone(zone).date() - on <= LOGGED_LATE
    ]
    hours = [(min(said) - made).total_seconds() / 3600 for made, said in fresh if said]
    return _took("To the thank-you", [round(each, 1) for each in hours], "hours", len(fresh))


def _on_time(session: Session, *, since: date, today: date) -> Took:
    rows = session.execute(
        select(ReferralDuty.due_on, ReferralDuty.done_on).where(
            ReferralDuty.due_on >= since,
            ReferralDuty.dropped_at.is_(None),
            or_(ReferralDuty.done_on.is_not(None), ReferralDuty.due_on < today),
        )
    ).all()
    good = sum(done is not None and done <= due for due, done in rows)
    share = 100.0 * good / len(rows) if len(rows) >= FEWEST else None
    return Took("Reports on time", None if share is None else round(share), "%", good, len(rows))


def _took(label: str, values: Iterable[float], unit: str, of: int) -> Took:
    known = list(values)
    return Took(label, float(median(known)) if len(known) >= FEWEST else None, unit, len(known), of)
