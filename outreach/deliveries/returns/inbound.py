"""Mail that comes back: stored whole, sorted by what it is, and read on a tick. Its words stay where they are."""

import hashlib
import logging
import re
from collections.abc import Collection
from datetime import datetime
from email.message import EmailMessage

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from outreach import tokens
from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.deliveries import links, optouts, receipts
from outreach.deliveries.addressed import to_one_of
from outreach.deliveries.models import Delivery, InboundMail, builder
from outreach.deliveries.returns import answering, bounces, mail_reading, matching, unknown_wishes
from outreach.deliveries.transports import sendgrid_events

log = logging.getLogger(__name__)

ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Cc")
PLUS = re.compile(r"(unsub|rsvp|reply)\+([A-Za-z0-9_-]{10,100})@", re.IGNORECASE)
ASKS_TO_STOP = re.compile(r"(?<![\w.+-])unsub\+[^@\s<>]{0,300}@", re.IGNORECASE)
"""Whatever became of the token on the way: somebody asked."""
BY_DELIVERIES = ("bounce", "unsubscribe", "auto-reply", "reply", "unknown")
"""Calendar answers are read by events."""
AUTOMATIC = ("auto-reply", "auto_reply", "bulk", "junk")
"""Values of Precedence with which programs answer that know no Auto-Submitted (RFC 3834)."""
ANSWERED_BY_ITSELF = re.compile(
    r"\s*(?:auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|ooo\b|away from)",
    re.IGNORECASE,
)
"""How such an answer's subject begins where its program says so nowhere else; people's answers begin with "Re:"."""
ADDRESS = re.compile(r"[^\s<>@,;:\"]{1,64}@[A-Za-z0-9.-]{1,253}")
MOST_SENDERS, MOST_HOLDERS, LONGEST_HEADS = 5, 50, 2000
FACT_OF = {"failed": "bounce", "delayed": "deferred", "delivered": "delivered", "relayed": "processed"}
"""What a server's report means in the words of the other provider; "expanded" says nothing."""


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
        message = mail_reading.read(raw)
        place, token = _plus_address(message)
        answered = links.deliveries_named(key, " ".join(_headers(message, ("In-Reply-To", "References"))))
        kind = _kind(message, place, answered=bool(answered))
        if kind == "bounce":
            answered = bounces.deliveries_named(key, message)
    except Exception:
        # Mail can be broken in any way; it is kept for a person.
        return "unknown", "", None
    return kind, token, answered[0] if answered else None


def work(session: Session, *, now: datetime, key: bytes, limit: int = 100) -> int:
    """Stored bounces, unsubscribe mails and replies have had their effect; answers how many. Idempotent.

    What is about a mail that is still on its way waits, as the facts of webhooks do, until its hand-over is on record.
    """
    waiting = session.scalars(
        select(InboundMail)
        .outerjoin(Delivery, Delivery.id == InboundMail.delivery_id)
        .where(InboundMail.handled_at.is_(None), InboundMail.kind.in_(BY_DELIVERIES))
        .where(func.coalesce(Delivery.state, "").not_in(receipts.NOT_YET))
        .order_by(InboundMail.id)
        .limit(limit)
    ).all()
    free = matching.locked(session, {mail.delivery_id for mail in waiting if mail.delivery_id})
    ready = [mail for mail in waiting if not mail.delivery_id or _is_settled(free.get(mail.delivery_id))]
    for mail in ready:
        delivery = session.get(Delivery, mail.delivery_id, populate_existing=True) if mail.delivery_id else None
        if mail.kind == "unsubscribe":
            _unsubscribe(session, mail, now=now, key=key)
        elif mail.kind == "bounce" and delivery is not None:
            _report(session, mail, delivery, now=now)
        elif mail.kind == "reply":
            answering.replied(session, mail, delivery, now=now)
        elif mail.kind == "auto-reply" and delivery is not None:
            answering.is_away(session, mail, delivery)
        mail.handled_at = now
    session.flush()
    return len(ready)


def _is_settled(target: matching.Target | None) -> bool:
    return target is not None and target.state not in receipts.NOT_YET


def _kind(message: EmailMessage, place: str, *, answered: bool) -> str:
    if bounces.is_report(message) or (bounces.is_addressed(message) and not _is_automatic(message)):
        return "bounce"
    if any(part.get_content_type() == "text/calendar" for part in message.walk()):
        return "calendar"
    if place == "unsub":
        return "unsubscribe"
    if _is_automatic(message):
        return "auto-reply"
    return "reply" if answered or place == "reply" else "unknown"


def _is_automatic(message: EmailMessage) -> bool:
    """Out of office, read receipts and the like."""
    submitted = str(message.get("Auto-Submitted", "no")).split(";")[0].strip().lower()
    by_name = any(name in message for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response"))
    told = str(message.get("Precedence", "")).strip().lower() in AUTOMATIC
    if submitted != "no" or by_name or told or message.get_content_type() == "multipart/report":
        return True
    return ANSWERED_BY_ITSELF.match(str(message.get("Subject", ""))) is not None


def _plus_address(message: EmailMessage) -> tuple[str, str]:
    for value in _headers(message, ADDRESSED):
        if found := PLUS.search(value):
            return found[1].lower(), found[2]
    if any(ASKS_TO_STOP.search(value) for value in _headers(message, ADDRESSED)):
        return "unsub", ""
    return "", ""


def _headers(message: EmailMessage, names: Collection[str]) -> list[str]:
    return [value for _, value in mail_reading.values(message, names)]


def _unsubscribe(session: Session, mail: InboundMail, *, now: datetime, key: bytes) -> None:
    who = optouts.recipient(session, "unsubscribe", mail.token)
    who = who or optouts.recipient(session, "unsubscribe", _unfolded(session, mail, key=key))
    if who is None:
        unknown_wishes.take(session, mail, now=now, key=key)
        return
    optouts.stop_all(session, who, now=now, source="mailto")


def _unfolded(session: Session, mail: InboundMail, *, key: bytes) -> str:
    """The token as it was given to whoever wrote this mail: some servers write addresses in small letters."""
    try:
        heads = " ".join(_headers(mail_reading.read(mail.raw), ("From", "Reply-To", "Sender")))
    except Exception:
        # Mail can be broken in any way; then it names nobody.
        return ""
    hashes = {consent.address_hash(key, each) for each in ADDRESS.findall(heads[:LONGEST_HEADS])[:MOST_SENDERS]}
    now_theirs = select(Contact.id).where(Contact.address_hash.in_(hashes))
    once_theirs = select(Delivery.contact_id).where(to_one_of(hashes), Delivery.contact_id.is_not(None))
    ids = session.scalars(union(now_theirs, once_theirs).limit(MOST_HOLDERS))
    given = (tokens.derive(key, "unsubscribe", each) for each in ids)
    return next((each for each in given if each.lower() == mail.token.lower()), "")


def _report(session: Session, mail: InboundMail, delivery: Delivery, *, now: datetime) -> None:
    """A server's word moves the delivery; only a bad address or a complaint stops further mail."""
    try:
        found = bounces.reports(mail_reading.read(mail.raw))
    except Exception:
        # A report can be broken in any way; it is kept, and the delivery stays as it is.
        log.exception("The report in inbound mail %s could not be read", mail.id)
        return
    report = bounces.about(found, delivery.email)
    fact = "spamreport" if report and report.action == "complained" else FACT_OF.get(report.action if report else "")
    if report is None or fact is None:
        return
    receipts.move(session, delivery, fact, sendgrid_events.RANKS[fact], at=mail.received_at, now=now)
    reason = "complained" if fact == "spamreport" else "bounced" if report.bad_address else None
    if reason and delivery.address_hash:
        consent.suppress(session, now=now, hashed=delivery.address_hash, reason=reason, source="report")
