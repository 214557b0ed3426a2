"""What the screens of stories show."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import Authorization
from outreach.contacts.models import Contact
from outreach.content.kinds import MESSAGE_KINDS
from outreach.content.models import Message, MessageAuthorization
from outreach.deliveries.models import Delivery
from outreach.stories import rules
from outreach.stories.models import Story

PAGE = 50
WAS_SENT = ("sent", "delivered", "bounced", "complained", "unconfirmed")
WAITS = ("scheduled", "claimed", "sending", "held", "resend-approved")


@dataclass(frozen=True)
class Line:
    """One story of the list."""

    story: Story
    name: str
    contact_id: int
    state: str
    expires_on: date | None
    uses: int


@dataclass(frozen=True)
class Use:
    """One message that quotes the words, and how far it went."""

    message_id: int
    subject: str
    kind: str
    line: str
    made_at: datetime
    sent: int
    waiting: int


def lines(session: Session, view: str, *, on: date, page: int = 1) -> list[Line]:
    """The stories of a view by name of the person; one more than a page."""
    uses = (
        select(func.count(MessageAuthorization.message_id.distinct()))
        .where(MessageAuthorization.authorization_id == Story.authorization_id)
        .correlate(Story)
        .scalar_subquery()
    )
    found = (
        select(Story, Contact, Authorization, uses)
        .join(Contact, Contact.id == Story.contact_id)
        .outerjoin(Authorization, Authorization.id == Story.authorization_id)
        .where(_in_view(view, on))
        .order_by(Contact.sort_name, Story.id)
    )
    rows = session.execute(found.limit(PAGE + 1).offset((page - 1) * PAGE))
    return [_line(story, contact, permission, many, on) for story, contact, permission, many in rows]


def used_in(session: Session, authorization_id: int) -> list[Use]:
    """Every message that quotes the words, newest first, with how many got it and how many still wait."""
    rows = session.execute(
        select(Message.id, Message.subject, Message.kind, Message.made_at, func.min(MessageAuthorization.line))
        .join(MessageAuthorization, MessageAuthorization.message_id == Message.id)
        .where(MessageAuthorization.authorization_id == authorization_id)
        .group_by(Message.id, Message.subject, Message.kind, Message.made_at)
        .order_by(Message.made_at.desc(), Message.id.desc())
    ).all()
    counted = _counts(session, [row[0] for row in rows])
    return [
        Use(
            message_id=number,
            subject=subject,
            kind=MESSAGE_KINDS[kind].label if kind in MESSAGE_KINDS else kind,
            line=line,
            made_at=made_at,
            sent=sum(counted.get((number, state), 0) for state in WAS_SENT),
            waiting=sum(counted.get((number, state), 0) for state in WAITS),
        )
        for number, subject, kind, made_at, line in rows
    ]


def earlier(session: Session, story: Story) -> list[Authorization]:
    """Permissions for this person's words beside the one that counts, newest first: kept for six years."""
    found = select(Authorization).where(
        Authorization.contact_id == story.contact_id, Authorization.id != (story.authorization_id or 0)
    )
    kept = session.scalars(found.order_by(Authorization.id.desc()))
    return [one for one in kept if one.facts.get("story_id") == story.id]


def _line(story: Story, contact: Contact, permission: Authorization | None, uses: int, on: date) -> Line:
    state = rules.state_of(permission.state, permission.expires_on, on=on) if permission else "draft"
    return Line(story, contact.name, contact.id, state, permission.expires_on if permission else None, uses)


def _in_view(view: str, on: date) -> ColumnElement[bool]:
    signed, ends = Authorization.state == "signed", Authorization.expires_on
    soon = date.fromordinal(on.toordinal() + rules.EXPIRING_DAYS)
    views = {
        "live": and_(signed, ends >= on),
        "expiring": and_(signed, ends >= on, ends <= soon),
        "asked": Authorization.state == "requested",
        "ended": (Authorization.state == "revoked") | and_(signed, ends < on),
        "closed": Story.closed_at.is_not(None),
    }
    return views.get(view, Story.closed_at.is_(None))


def _counts(session: Session, message_ids: list[int]) -> dict[tuple[int, str], int]:
    rows = session.execute(
        select(Delivery.message_id, Delivery.state, func.count())
        .where(Delivery.message_id.in_(message_ids))
        .group_by(Delivery.message_id, Delivery.state)
    )
    return {(number, state): many for number, state, many in rows}
