"""A test of a card to any address, filled with a chosen person's details; an invented person's for clients."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from outreach.cards import listing
from outreach.cards.models import CardRun
from outreach.contacts.addresses import parse_address
from outreach.content import publishing
from outreach.content.drafts import Draft
from outreach.content.previewing import INVENTED_KEY, person_values
from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
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
    """A test is planned at once; answers the delivery's id. Refusals: bad-address, and those of `publishing.keep`."""
    address = parse_address(email)
    if isinstance(address, Refusal):
        return address
    message = publishing.keep(
        session,
        now=now,
        world=world,
        draft=Draft.from_json(run.draft),
        kind=listing.KIND,
        by_id=by_id,
        audiences=audiences,
    )
    if isinstance(message, Refusal):
        return message
    zone = ZoneInfo(practice_of(session).time_zone)
    person = INVENTED_KEY if "client" in audiences else who
    run.tested_at = now
    return outbox.put_to_address(
        session,
        now=now,
        world=world,
        message_id=message.id,
        email=address.email,
        kind="test",
        source="card-test",
        source_id=run.id,
        values=person_values(session, person, message.groups, now=now, zone=zone, world=world),
    )
