"""Consent: why someone is not written to, what they agreed to, and the signed permission to tell their story."""

import hmac
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.contacts import timeline
from outreach.contacts.models import Contact
from outreach.db import Base, Id, Line, Name, Prose, Word, one_of

CAMPAIGN_TOPICS = ("education", "introductions", "referring", "peers", "aftercare", "acquaintances")
"""What campaigns that ask for nothing are about. All but the first were part of "education" once."""
TOPICS = (*CAMPAIGN_TOPICS, "newsletter", "events", "cards", "asks")
"""What a person can choose to get, each on its own. "all" stands for everything."""
EVERYTHING = "all"
TOPIC_LABELS = {
    "education": "Updates about our services",
    "introductions": "Who we are, and how to reach us",
    "referring": "When and how to refer",
    "peers": "Notes from therapist to therapist",
    "aftercare": "A hello now and then after a time with us",
    "acquaintances": "Notes after we have met",
    "newsletter": "Newsletter",
    "events": "Invitations to talks and lunches",
    "cards": "Holiday cards",
    "asks": "Requests for feedback or referrals",
}
REASONS = (
    "unsubscribed",
    "bounced",
    "complained",
    "do-not-contact",
    "imported",
    "invalid-address",
    "deceased",
    "erased",
)
LIFTABLE = ("unsubscribed", "imported")
"""What a person can take back by their own action."""
WHY = {
    "unsubscribed": "they unsubscribed",
    "bounced": "mail to the address came back",
    "complained": "they reported a mail as spam",
    "do-not-contact": "they asked us to stop",
    "imported": "a list said so",
    "invalid-address": "the address does not exist",
    "deceased": "deceased",
    "erased": "erased on request",
}
"""Each reason as the second half of a sentence."""
WHENCE = {
    "page": " on our page",
    "one-click": " with the button of their mail program",
    "mailto": " by mail",
    "import": ", says an imported file",
}
"""Where a stop came from, added to why; other places go without saying."""
SCOPES = ("newsletter-providers", "newsletter-clients", "email-providers", "website", "social", "print", "presentation")
AUTHORIZATION_STATES = ("draft", "requested", "signed", "revoked")


class Suppression(Base):
    """An address that gets no mail on a topic, since when and why. Kept by keyed hash, so it outlives the contact."""

    __tablename__ = "suppression"
    __table_args__ = (
        CheckConstraint(one_of("topic", (EVERYTHING, *TOPICS)), name="topic"),
        CheckConstraint(one_of("reason", REASONS), name="reason"),
        Index(
            "ix_suppression_live",
            "address_hash",
            "topic",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    address_hash: Mapped[str] = mapped_column(String(64))
    topic: Mapped[Word] = mapped_column(default=EVERYTHING)
    reason: Mapped[Word]
    source: Mapped[str] = mapped_column(String(40))
    """one-click, page, mailto, webhook, import, staff, reply"""
    since_at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(40))
    """Only "person": the recipient's own action. Staff and imports can never lift."""


class Consent(Base):
    """What a contact agreed to or withdrew, in which words, from where. The latest row per topic counts."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint(one_of("topic", (EVERYTHING, *TOPICS)), name="topic"),
        Index("ix_consent_contact_id", "contact_id", "topic", "at"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    topic: Mapped[Word] = mapped_column(default=EVERYTHING)
    granted: Mapped[bool]
    at: Mapped[datetime]
    source: Mapped[Name]
    words: Mapped[Prose] = mapped_column(default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Authorization(Base):
    """The signed permission to use a client's story (45 CFR 164.508(c)). Never deleted for six years."""

    __tablename__ = "authorization"
    __table_args__ = (
        CheckConstraint(one_of("state", AUTHORIZATION_STATES), name="state"),
        CheckConstraint("state != 'signed' OR (signed_at IS NOT NULL AND expires_on IS NOT NULL)", name="signed"),
        CheckConstraint("state != 'revoked' OR revoked_at IS NOT NULL", name="revoked"),
        Index("ix_authorization_contact_id", "contact_id"),
    )

    id: Mapped[Id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    state: Mapped[Word] = mapped_column(default="draft")
    wording: Mapped[Prose]
    """The exact approved words of the client."""
    identity: Mapped[str] = mapped_column(String(20), default="first-name")
    scopes: Mapped[list[str]]
    purpose: Mapped[Line] = mapped_column(default="")
    form_text: Mapped[Prose] = mapped_column(default="")
    """The exact text of the page that was signed."""
    signer: Mapped[Name] = mapped_column(default="")
    authority: Mapped[Name] = mapped_column(default="")
    signed_at: Mapped[datetime | None]
    expires_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)


def address_hash(key: bytes, email: str) -> str:
    """The keyed hash of a normalised address: equal for addresses that differ in case only."""
    return hmac.digest(key, b"outreach-address|" + email.strip().lower().encode(), "sha256").hex()


def suppress(
    session: Session,
    *,
    now: datetime,
    hashed: str,
    reason: str,
    source: str,
    topic: str = EVERYTHING,
    by_id: int | None = None,
) -> bool:
    """The address gets nothing more on the topic, queued mail included; answers whether that is new. Idempotent.

    A reason that the person cannot lift replaces one that they can: a complaint outlives an unsubscribe.
    """
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = session.execute(
        build(Suppression)
        .values(address_hash=hashed, topic=topic, reason=reason, source=source, since_at=now, by_id=by_id)
        .on_conflict_do_nothing()
        .returning(Suppression.id)
    ).scalar()
    if made is None:
        if reason not in LIFTABLE:
            liftable = (Suppression.lifted_at.is_(None), Suppression.reason.in_(LIFTABLE))
            same = (Suppression.address_hash == hashed, Suppression.topic == topic)
            session.execute(update(Suppression).where(*same, *liftable).values(reason=reason, source=source))
        return False
    for contact_id in session.scalars(select(Contact.id).where(Contact.address_hash == hashed)):
        timeline.add(
            session,
            now=now,
            contact_id=contact_id,
            kind="unsubscribed",
            by_id=by_id,
            origin=f"suppression:{made}",
            text=told(topic, reason, source),
        )
    return True


def told(topic: str, reason: str, source: str) -> str:
    """What the timeline says of a stop: what ends, why, and where that came from."""
    what = "more mail" if topic == EVERYTHING else f"more “{TOPIC_LABELS[topic]}”"
    return f"No {what}: {why(reason, source)}"


def why(reason: str, source: str) -> str:
    """Why an address gets no mail and where that came from, as the second half of a sentence."""
    return WHY[reason] + WHENCE.get(source, "")


def lift(session: Session, *, now: datetime, hashed: str, topic: str) -> bool:
    """The person opted in again by their own action on their own page; bounces and complaints stay. Idempotent."""
    row = session.scalar(
        select(Suppression).where(
            Suppression.address_hash == hashed,
            Suppression.topic == topic,
            Suppression.lifted_at.is_(None),
            Suppression.reason.in_(LIFTABLE),
        )
    )
    if row is None:
        return False
    row.lifted_at, row.lifted_by = now, "person"
    return True


def suppressed_topics(session: Session, hashed: str) -> dict[str, Suppression]:
    """The topics on which this address is suppressed now."""
    rows = session.scalars(
        select(Suppression).where(Suppression.address_hash == hashed, Suppression.lifted_at.is_(None))
    )
    return {row.topic: row for row in rows}


def grant(
    session: Session,
    *,
    now: datetime,
    contact_id: int,
    source: str,
    topic: str = EVERYTHING,
    words: str = "",
    granted: bool = True,
    by_id: int | None = None,
) -> None:
    """What the contact agreed to (or withdrew) is on record with its words and source."""
    session.add(
        Consent(contact_id=contact_id, topic=topic, granted=granted, at=now, source=source, words=words, by_id=by_id)
    )


def is_live(authorization: Authorization, scope: str, *, on: date) -> bool:
    """Whether the story may be used for `scope` on that local day: signed, in scope, not expired, not revoked."""
    return (
        authorization.state == "signed"
        and authorization.revoked_at is None
        and authorization.expires_on is not None
        and on <= authorization.expires_on
        and scope in authorization.scopes
    )
