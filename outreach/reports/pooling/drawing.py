"""Who belongs to a test: the ways that the draw decided, and what these people sent."""

from datetime import date

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session, aliased

from outreach.campaigns.models import Campaign, Enrollment
from outreach.referrals.models import Referral

HELD_OUT = "held-out"
AT_ONCE = 5000


def drawn() -> ColumnElement[bool]:
    """Ways through campaigns with a hold-out that the draw decided: not by hand, and the first time only."""
    other, campaign = aliased(Enrollment), aliased(Campaign)
    tested = exists().where(
        campaign.id == Enrollment.campaign_id,
        campaign.deleted_at.is_(None),
        other.campaign_id == campaign.id,
        other.state == HELD_OUT,
    )
    return and_(tested, Enrollment.occurrence == 1, Enrollment.by_id.is_(None))


def referral_days(session: Session, since: date, ways: ColumnElement[bool]) -> dict[int, list[date]]:
    """{contact id: local days of the referrals they sent since then}, of everybody on one of these `ways`."""
    rows = session.execute(
        select(Referral.contact_id, Referral.received_on)
        .where(
            Referral.contact_id.in_(select(Enrollment.contact_id).where(ways)),
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            Referral.received_on >= since,
        )
        .execution_options(yield_per=AT_ONCE)
    )
    days: dict[int, list[date]] = {}
    for contact_id, received_on in rows:
        if contact_id is not None:
            days.setdefault(contact_id, []).append(received_on)
    return days
