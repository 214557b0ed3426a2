"""What the practice chose about its yields: how early an alert is raised, and what a referral's value is counted in."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.referrals.judging.status_models import ALERT_SHARES, VALUES_OF, YieldSetting

DEFAULT_SHARE = 0.05
NO_VALUE = "nothing"


@dataclass(frozen=True)
class YieldSettings:
    """`alert_share` is the share of ordinary silences that may raise an alert; `value_of` a word of VALUES_OF."""

    alert_share: float = DEFAULT_SHARE
    value_of: str = NO_VALUE

    @property
    def valued(self) -> bool:
        """Whether referrals carry a value at all."""
        return self.value_of != NO_VALUE


def settings_of(session: Session) -> YieldSettings:
    """The practice's choices, or the defaults."""
    kept = session.get(YieldSetting, 1)
    return YieldSettings(kept.alert_share, kept.value_of) if kept else YieldSettings()


def choose(
    session: Session, *, alert_share: float, value_of: str, now: datetime, by_id: int | None
) -> YieldSettings | Refusal:
    """The choices hold from the next refresh on. Idempotent. Refusals: unknown-word."""
    if alert_share not in ALERT_SHARES or value_of not in VALUES_OF:
        return Refusal("unknown-word", "Choose from the lists.")
    session.merge(YieldSetting(id=1, alert_share=alert_share, value_of=value_of, set_at=now, set_by_id=by_id))
    session.flush()
    return settings_of(session)
