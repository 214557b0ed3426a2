"""Changes how much mail one person gets at most."""

from datetime import datetime

from sqlalchemy.orm import Session

from outreach.deliveries.caps.cap_models import MOST_GAP_DAYS, MOST_PER_QUARTER, MailLimit
from outreach.deliveries.caps.cap_rules import Limits
from outreach.errors import Refusal


def choose(
    session: Session,
    *,
    now: datetime,
    gap_days: int | None,
    per_quarter: int | None,
    with_touches: bool,
    by_id: int | None,
) -> Limits | Refusal:
    """The limits are these from now on, also for mail that waits. Idempotent. Refusals: out-of-range."""
    if gap_days is None or not 0 <= gap_days <= MOST_GAP_DAYS:
        return Refusal("out-of-range", f"Choose 0 to {MOST_GAP_DAYS} days between two messages.")
    if per_quarter is None or not 1 <= per_quarter <= MOST_PER_QUARTER:
        return Refusal("out-of-range", f"Choose 1 to {MOST_PER_QUARTER} messages in three months.")
    row = session.get(MailLimit, 1) or MailLimit(id=1)
    row.gap_days, row.per_quarter, row.with_touches = gap_days, per_quarter, with_touches
    row.changed_at, row.by_id = now, by_id
    session.add(row)
    session.flush()
    return Limits(gap_days, per_quarter, with_touches)
