"""Which past issues anybody may read: only those that say nothing about anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization, is_live
from outreach.content.models import Message, MessageAuthorization
from outreach.content.rendering import render
from outreach.newsletters.models import Issue

MOST = 24
PUBLIC_SCOPE = "website"
"""A page that everybody can open is a website: an authorization for newsletters does not cover it."""


@dataclass(frozen=True)
class PastIssue:
    """One line of the page of past issues."""

    id: int
    subject: str
    sent_at: datetime


def shown(session: Session, *, on: date) -> Sequence[PastIssue]:
    """The issues that the practice shows, newest first; none whose stories may not stand on the web."""
    rows = session.execute(_sent().order_by(Issue.send_at.desc()).limit(MOST)).all()
    return [
        PastIssue(issue.id, render(message, {}).subject, issue.send_at)
        for issue, message in rows
        if _may_stand(session, message, on=on) and issue.send_at is not None
    ]


def message_of_issue(session: Session, issue_id: int, *, on: date) -> Message | None:
    """What that issue said, or None when it is not for everybody."""
    row = session.execute(_sent().where(Issue.id == issue_id)).first()
    return row[1] if row is not None and _may_stand(session, row[1], on=on) else None


def _sent() -> Select[Issue, Message]:
    return (
        select(Issue, Message)
        .join(Message, Message.id == case((Issue.winner == "b", Issue.other_message_id), else_=Issue.message_id))
        .where(Issue.in_archive, Issue.status == "sent", Issue.deleted_at.is_(None))
    )


def _may_stand(session: Session, message: Message, *, on: date) -> bool:
    """Commercial mail that was not written to clients, with every story cleared for the web on that day."""
    if message.mail_class != "commercial" or "client" in message.audiences:
        return False
    stories = session.scalars(
        select(Authorization)
        .join(MessageAuthorization, MessageAuthorization.authorization_id == Authorization.id)
        .where(MessageAuthorization.message_id == message.id)
    )
    return all(is_live(story, PUBLIC_SCOPE, on=on) for story in stories)
