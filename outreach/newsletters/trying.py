"""A test of an issue to any address."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.content.drafts import Draft
from outreach.deliveries import trying
from outreach.errors import Refusal
from outreach.newsletters import audience
from outreach.newsletters.models import Issue
from outreach.screen import World


def send_test(
    session: Session,
    issue: Issue,
    *,
    now: datetime,
    world: World,
    by_id: int | None,
    email: str,
    who: str,
    audiences: Collection[str],
) -> int | Refusal:
    """A test is planned at once; answers the delivery's id. Refusals: those of `deliveries.trying`."""
    sent = trying.send_test(
        session,
        now=now,
        world=world,
        draft=Draft.from_json(issue.draft),
        kind=audience.KIND,
        audiences=audiences,
        who=who,
        email=email,
        source="newsletter",
        source_id=issue.id,
        by_id=by_id,
    )
    if not isinstance(sent, Refusal):
        issue.tested_at = now
    return sent
