"""Mail that comes back: stored whole, sorted by what it is, and read on a tick. Its words stay where they are."""

import email
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from email.policy import default as policy

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.deliveries import links, optouts, receipts, telling
from outreach.deliveries.models import Delivery, InboundMail, builder
from outreach.deliveries.transports import sendgrid_events

ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Cc")
PLUS = re.compile(r"(unsub|rsvp|reply)\+([A-Za-z0-9_-]{10,100})@", re.IGNORECASE)
BY_DELIVERIES = ("bounce", "unsubscribe", "auto-reply", "reply", "unknown")
"""Calendar answers are read by events."""
MESSAGE_IDS_IN_BODY = re.compile(rb"(?im)^(?:message-id|x-original-message-id|references|in-reply-to):[ \t]*(.{1,300})")
STATUS = re.compile(rb"(?im)^status:[ \t]*([245])\.(\d{1,3})\.(\d{1,3})")


def receive(session: Session, *, now: datetime, key: bytes, raw: bytes) -> int:
    """The mail is stored with what it seems to be; answers its id. Idempotent: the same bytes are the same row."""
    kind, token, delivery_id = sorted_out(key, raw)
    known = session.get(Delivery, delivery_id) if delivery_id else None
    digest = hashlib.sha256(raw).hexdigest()
    session.execute(
        builder(session)(InboundMail)
        .values(
            kind=kind,
            token=token,
            raw=raw,
            digest=digest,
            delivery_id=known.id if known else None,
            received_at=now,
        )
        .on_conflict_do_nothing()
    )
    return session.scalars(select(InboundMail.id).where(InboundMail.digest == digest)).one()


def sorted_out(key: bytes, raw: bytes) -> tuple[str, str, int | None]:
    """(kind, token of the plus address, delivery that it answers) of a mail; "unknown" for what is not understood."""
    try:
        message = email.message_from_bytes(raw, policy=policy)
        place, token = _plus_address(message)
        answered = links.deliveries_named(key, " ".join(_headers(message, ("In-Reply-To", "References"))))
        kind = _kind(message, place, answered=bool(answered))
        if kind == "bounce":
            answered = answered or _named_inside(key, raw)
    except Exception:
        # Mail can be broken in any way; it is kept for a person.
        return "unknown", "", None
    return kind, token, answered[0] if answered else None


def work(session: Session, *, now: datetime, key: bytes, limit: int = 100) -> int:
    """Stored bounces, unsubscribe mails and replies have had their effect; answers how many. Idempotent."""
    waiting = session.scalars(
        select(InboundMail)
        .where(InboundMail.handled_at.is_(None), InboundMail.kind.in_(BY_DELIVERIES))
        .order_by(InboundMail.id)
        .limit(limit)
    ).all()
    for mail in waiting:
        delivery = session.get(Delivery, mail.delivery_id) if mail.delivery_id else None
        if mail.kind == "unsubscribe":
            _unsubscribe(session, mail, now=now)
        elif mail.kind == "bounce" and delivery is not None:
            _bounce(session, mail, delivery, now=now)
        elif mail.kind == "reply" and delivery is not None:
            telling.happened(session, [delivery], "replied", at=mail.received_at, words=": they wrote back")
        mail.handled_at = now
    session.flush()
    return len(waiting)


def _kind(message: EmailMessage, place: str, *, answered: bool) -> str:
    if message.get_content_type() == "multipart/report" or _is_from_daemon(message):
        return "bounce"
    if any(part.get_content_type() == "text/calendar" for part in message.walk()):
        return "calendar"
    if place == "unsub":
        return "unsubscribe"
    if str(message.get("Auto-Submitted", "no")).lower() != "no" or message.get("X-Autoreply"):
        return "auto-reply"
    return "reply" if answered or place == "reply" else "unknown"


def _is_from_daemon(message: EmailMessage) -> bool:
    return (
        str(message.get("Return-Path", "")).strip() == "<>" and "mailer-daemon" in str(message.get("From", "")).lower()
    )


def _plus_address(message: EmailMessage) -> tuple[str, str]:
    for value in _headers(message, ADDRESSED):
        if found := PLUS.search(value):
            return found[1].lower(), found[2]
    return "", ""


def _headers(message: EmailMessage, names: Iterable[str]) -> list[str]:
    return [str(value) for name in names for value in message.get_all(name, [])]


def _named_inside(key: bytes, raw: bytes) -> list[int]:
    found = b" ".join(match[1] for match in MESSAGE_IDS_IN_BODY.finditer(raw))
    return links.deliveries_named(key, found.decode("ascii", "replace"))


def _unsubscribe(session: Session, mail: InboundMail, *, now: datetime) -> None:
    who = optouts.recipient(session, "unsubscribe", mail.token)
    if who is not None:
        optouts.stop_all(session, who, now=now, source="mailto")


def _bounce(session: Session, mail: InboundMail, delivery: Delivery, *, now: datetime) -> None:
    """RFC 3464: status 5.y.z is permanent. Only an address that is bad (5.1.z) is suppressed; policy says nothing."""
    status = STATUS.search(mail.raw)
    if status is None or status[1] != b"5":
        return
    receipts.move(session, delivery, "bounce", sendgrid_events.RANKS["bounce"], at=mail.received_at, now=now)
    if status[2] == b"1" and delivery.address_hash:
        consent.suppress(session, now=now, hashed=delivery.address_hash, reason="bounced", source="mailto")
