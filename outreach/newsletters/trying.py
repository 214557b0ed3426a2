"""A test of an issue to any address."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.deliveries import trying
from outreach.errors import Refusal
from outreach.newsletters import audience, checking
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
    """A test is planned at once, one with each subject when two are compared; answers the last delivery's id.

    Refusals: those of `deliveries.trying`.
    """
    sent: int | Refusal = 0
    for draft in checking.drafts_of(issue):
        sent = trying.send_test(
            session,
            now=now,
            world=world,
            draft=draft,
            kind=audience.KIND,
            audiences=audiences,
            who=who,
            email=email,
            source="newsletter",
            source_id=issue.id,
            by_id=by_id,
        )
        if isinstance(sent, Refusal):
            return sent
    issue.tested_at = now
    return sent
