"""Mail that asks to stop and carries no link of ours: its sender's address counts, or a person looks.

Some programs cut or change long addresses. Whoever wrote to the unsubscribe address asked to stop all the same.
"""

import logging
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts import consent, tasks
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries.addressed import to_address
from outreach.deliveries.models import InboundMail
from outreach.deliveries.returns import mail_reading
from outreach.practice.queries import practice_of

log = logging.getLogger(__name__)

SENDER = re.compile(r"[^\s<>@,;:\"]{1,64}@[A-Za-z0-9.-]{1,253}")
LONGEST = 2000
ORIGIN = "unsubscribe:"
MOST_TASKS = 20
"""Anybody can write to that address: beyond these, one task says that there are more."""
SCRIPT = (
    "They wrote to the unsubscribe address on {day}, but the link in it was cut or changed. Find them under Contacts "
    "and stop their mail there. If nobody fits, there is nothing to do."
)


def take(session: Session, mail: InboundMail, *, now: datetime, key: bytes) -> None:
    """The sender's address gets nothing more when we know it; else somebody here has a task. Idempotent."""
    sender = _sender(mail)
    hashed = consent.address_hash(key, sender) if sender else ""
    if hashed and _is_known(session, hashed):
        consent.suppress(session, now=now, hashed=hashed, reason="unsubscribed", source="mailto")
        return
    log.warning("Nobody holds the link of the unsubscribe in inbound mail %s", mail.id)
    open_ones = select(func.count()).where(Task.origin.startswith(ORIGIN), Task.closed_at.is_(None))
    many = (session.scalar(open_ones) or 0) >= MOST_TASKS
    local = mail.received_at.astimezone(ZoneInfo(practice_of(session).time_zone))
    tasks.add(
        session,
        now=now,
        kind="other",
        title="More people asked by mail to stop" if many else f"{sender or 'Somebody'} asked to stop our mail"[:500],
        due_on=local.date(),
        script=SCRIPT.format(day=f"{local:%B} {local.day}"),
        origin=f"{ORIGIN}{local:%Y-%m-%d}" if many else f"{ORIGIN}{hashed[:40] or mail.digest[:40]}",
    )


def _is_known(session: Session, hashed: str) -> bool:
    ours = or_(exists().where(Contact.address_hash == hashed), exists().where(to_address(hashed)))
    return bool(session.scalar(select(ours)))


def _sender(mail: InboundMail) -> str:
    """The address in From; of several the last, which stands behind the name."""
    try:
        heads = [value for _, value in mail_reading.values(mail_reading.read(mail.raw), ("From",))]
    except Exception:
        # Mail can be broken in any way; then it names nobody.
        return ""
    found = SENDER.findall(heads[0][:LONGEST]) if heads else []
    return found[-1].lower() if found else ""
