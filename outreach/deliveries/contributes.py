"""What this room offers to the rooms below it; `runtime` composes it."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from outreach.contacts.group_asking import touch_fact
from outreach.contacts.models import Contact
from outreach.contacts.timeline import TouchKind
from outreach.content.drafts import Draft
from outreach.content.preflight import Finding
from outreach.deliveries.house import house_of
from outreach.deliveries.sender_checks import sender_is_known
from outreach.deliveries.sets import is_one_of
from outreach.screen import World

TIMELINE_KINDS = (
    TouchKind("emailed", "Email", "mail"),
    TouchKind("mailed", "Letter", "mail"),
    TouchKind("not-sent", "Not sent", "mail"),
    TouchKind("clicked", "Clicked", "external-link"),
    TouchKind("replied", "Replied", "message"),
    TouchKind("away", "Automatic answer", "clock"),
    TouchKind("bounced", "Came back", "alert-triangle"),
    TouchKind("complained", "Reported as spam", "alert-triangle"),
)
GROUP_FACTS = (
    touch_fact("emailed", "Was sent an email", ("emailed",)),
    touch_fact("clicked", "Clicked a link", ("clicked",)),
    touch_fact("replied", "Replied to a mail", ("replied",)),
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


def on_paper(session: Session, findings: Sequence[Finding], contact_ids: Sequence[int]) -> list[Finding]:
    """The findings where letters are allowed: not a blocker but how many get one, and how many lack an address."""
    if not any(finding.text == NO_WAY for finding in findings):
        return list(findings)
    clients = (is_one_of(session, Contact.id.expression, contact_ids), Contact.audience_class == "client")
    address = and_(*(part != "" for part in (Contact.street, Contact.city, Contact.state, Contact.zip5)))
    many, with_address = session.execute(
        select(func.count(), func.count(case((address, 1)))).select_from(Contact).where(*clients)
    ).one()
    words = f"{many} {'person gets' if many == 1 else 'people get'} a letter to print: no email may reach them."
    if lacking := many - with_address:
        words += f" {lacking} of them {'lacks' if lacking == 1 else 'lack'} a complete postal address."
    instead = Finding("warning", words, "/outbox/letters")
    return [instead if finding.text == NO_WAY else finding for finding in findings]


PREFLIGHT_CHECKS = (clients_have_a_way, sender_is_known)
