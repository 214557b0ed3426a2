"""What this room offers to the rooms below it; `runtime` composes it."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy.orm import Session

from outreach.contacts.timeline import TouchKind
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.deliveries.house import house_of
from outreach.screen import World

TIMELINE_KINDS = (
    TouchKind("emailed", "Email", "mail"),
    TouchKind("mailed", "Letter", "mail"),
    TouchKind("not-sent", "Not sent", "mail"),
    TouchKind("clicked", "Clicked", "external-link"),
    TouchKind("replied", "Replied", "message"),
    TouchKind("bounced", "Came back", "alert-triangle"),
    TouchKind("complained", "Reported as spam", "alert-triangle"),
)
NO_WAY = (
    "It goes to clients and families too, and no way out may carry mail to them: none has a signed agreement on "
    "record. Record one under Transports, or leave clients out."
)


def clients_have_a_way(
    session: Session,
    *,
    now: datetime,
    world: World,
    draft: Draft,
    kind: str,
    audiences: Collection[str],
    first_send_at: datetime,
    last_send_on: date,
) -> list[Finding]:
    """A blocker for mail to clients that nothing may carry; the fence would hold each of these anyway."""
    if "client" not in audiences:
        return []
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    if house.transport_for(kind, "client") is not None:
        return []
    return [Finding("blocker", NO_WAY, "/outbox/transports")]


PREFLIGHT_CHECKS = (clients_have_a_way,)
