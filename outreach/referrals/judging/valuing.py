"""What a referral was worth to the practice: kept beside it, and in its source's yield at once."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.referrals.judging.status_models import ReferralValue
from outreach.referrals.models import Referral

MOST = 1_000_000.0


def value_of(session: Session, referral_id: int) -> float | None:
    """The value of a referral, in the unit that the practice chose; None while nobody typed one."""
    kept = session.get(ReferralValue, referral_id)
    return kept.value if kept else None


def set_value(
    session: Session, referral: Referral, value: float, *, now: datetime, today: date
) -> ReferralValue | Refusal:
    """The referral has this value, and its source is scored again. Idempotent. Refusals: no-amount."""
    if not 0 <= value <= MOST:
        return Refusal("no-amount", "Type a number from 0 to 1,000,000.")
    kept = session.merge(ReferralValue(referral_id=referral.id, value=value))
    session.flush()
    if referral.contact_id is not None and referral.direction == "in":
        from outreach.referrals import scoring

        scoring.rescore(session, referral.contact_id, now=now, today=today)
    return kept
