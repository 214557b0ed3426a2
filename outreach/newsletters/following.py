"""Who referred after an issue: within 90 days of the mail that reached them. Not by it: that only a hold-out tells."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.newsletters.comparing import SOURCE
from outreach.newsletters.models import Issue

WINDOW = timedelta(days=90)


def referred_after(session: Session, issue: Issue) -> dict[int, int]:
    """{contact: referrals within 90 days of getting the issue}; only those who sent any. One statement."""
    rows = session.execute(
        select(Delivery.contact_id, Delivery.sent_at, Touch.id, Touch.at)
        .join(
            Touch,
            and_(Touch.contact_id == Delivery.contact_id, Touch.kind == "referred", Touch.at > Delivery.sent_at),
        )
        .where(Delivery.source == SOURCE, Delivery.source_id == issue.id, Delivery.sent_at.is_not(None))
    )
    within = {(row.contact_id, row.id) for row in rows if row.at <= row.sent_at + WINDOW}
    return dict(Counter(contact_id for contact_id, _ in within if contact_id is not None))
