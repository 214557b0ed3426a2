"""A test of a message to any address: exactly what people would get, filled with one chosen person's details."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

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
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    audiences: Collection[str],
    who: str,
    email: str,
    source: str,
    source_id: int,
    by_id: int | None,
    step: str = "",
    topic: str | None = None,
) -> int | Refusal:
    """A test is planned at once, marked as one, its links do not count; answers the delivery's id.

    `kind` is the kind that people would get; `who` a key of `previewing`, for clients always the invented person.
    Refusals: those of an address, and those of `publishing.keep`.
    """
    address = parse_address(email)
    if isinstance(address, Refusal):
        return Refusal(address.reason, f"{address.text} Nothing was sent.")
    message = publishing.keep(
        session, now=now, world=world, draft=draft, kind=kind, by_id=by_id, audiences=tuple(audiences), topic=topic
    )
    if isinstance(message, Refusal):
        return message
    zone = ZoneInfo(practice_of(session).time_zone)
    person = INVENTED_KEY if "client" in audiences else who
    return outbox.put_to_address(
        session,
        now=now,
        world=world,
        message_id=message.id,
        email=address.email,
        kind="test",
        source=f"{source}-test",
        source_id=source_id,
        step=step,
        values=person_values(session, person, message.groups, now=now, zone=zone, world=world),
    )
