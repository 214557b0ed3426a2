"""What people write back: it lands on Today and on the timeline, and what would be sent to them by itself waits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import Touch
from outreach.deliveries import telling
from outreach.deliveries.models import Delivery, InboundMail
from outreach.deliveries.sets import is_one_of
from outreach.practice.queries import practice_of

REPLY = "reply:"
"""How the origin of a task begins that stands for a mail somebody wrote; the number of the mail follows."""
AWAY = "away"
"""The timeline's kind of an automatic answer."""
AWAY_FOR = timedelta(days=7)
"""An automatic answer does not say in a way to rely on when they are back: a week is what most are away."""
LOOK_AGAIN = timedelta(days=1)
PAGE_TO_READ = "Read it under Outbox, Replies. Emails of campaigns to them wait until this is done."


@dataclass(frozen=True)
class Pause:
    """Why nothing goes out by itself. `unanswered`: they wrote and nobody has dealt with it yet."""

    unanswered: bool = False
    away_until: datetime | None = None

    def until(self, now: datetime) -> datetime | None:
        """When to look again; None when nothing is in the way."""
        if self.unanswered:
            return now + LOOK_AGAIN
        return self.away_until if self.away_until and self.away_until > now else None


def replied(session: Session, mail: InboundMail, delivery: Delivery | None, *, now: datetime) -> None:
    """The timeline tells that they wrote back, and somebody has to answer: on Today, once per mail. Idempotent.

    The words of the mail stay where they are: they may tell more of a person than a list should.
    """
    contact = session.get(Contact, delivery.contact_id) if delivery and delivery.contact_id else None
    if delivery is not None:
        telling.happened(session, [delivery], "replied", at=mail.received_at, words=": they wrote back")
    tasks.add(
        session,
        now=now,
        kind="write",
        title=f"{contact.name} wrote back: read and answer it"[:500] if contact else "Somebody wrote to us: read it",
        script=PAGE_TO_READ,
        due_on=now.astimezone(ZoneInfo(practice_of(session).time_zone)).date(),
        owner_id=contact.owner_id if contact else None,
        contact_id=contact.id if contact else None,
        origin=f"{REPLY}{mail.id}",
    )


def is_away(session: Session, mail: InboundMail, delivery: Delivery) -> None:
    """The timeline tells of the automatic answer; campaigns wait for a week. Idempotent."""
    words = ": an automatic answer, they are away"
    telling.happened(session, [delivery], AWAY, at=mail.received_at, words=words)


def pauses_of(session: Session, contact_ids: Collection[int], *, now: datetime) -> dict[int, Pause]:
    """{contact id: Pause} of those for whom something is in the way, in two statements."""
    unanswered = set(
        session.scalars(
            select(Task.contact_id).where(
                is_one_of(session, Task.contact_id.expression, contact_ids),
                Task.closed_at.is_(None),
                Task.origin.startswith(REPLY),
            )
        )
    )
    away = session.execute(
        select(Touch.contact_id, func.max(Touch.at))
        .where(
            is_one_of(session, Touch.contact_id.expression, contact_ids), Touch.kind == AWAY, Touch.at > now - AWAY_FOR
        )
        .group_by(Touch.contact_id)
    )
    until = {contact_id: at + AWAY_FOR for contact_id, at in away}
    return {each: Pause(each in unanswered, until.get(each)) for each in {*unanswered, *until} if each is not None}
