"""A test of a card by email to any address."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.cards import listing
from outreach.cards.models import CardRun
from outreach.content.drafts import Draft
from outreach.deliveries import trying
from outreach.errors import Refusal
from outreach.screen import World


def send_test(
    session: Session,
    run: CardRun,
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
        draft=Draft.from_json(run.draft),
        kind=listing.KIND,
        audiences=audiences,
        who=who,
        email=email,
        source="card",
        source_id=run.id,
        by_id=by_id,
    )
    if not isinstance(sent, Refusal):
        run.tested_at = now
    return sent
