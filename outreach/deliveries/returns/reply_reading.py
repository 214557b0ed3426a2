"""Replies as people read them: who wrote, about what, and their words as plain text, whatever the mail was made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from html import unescape

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries.models import Delivery, InboundMail
from outreach.deliveries.returns import mail_reading
from outreach.deliveries.returns.answering import REPLY

PAGE = 50
LONGEST = 20_000
"""So much of a mail is shown; the rest is in the file."""
KINDS = ("reply", "auto-reply")
GONE = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<!--.*?-->")
BREAKS = re.compile(r"(?i)<br\s*/?>|</(?:p|div|tr|li|h[1-6])\s*>")
TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Reply:
    """One mail that came back. `open_task` is the duty to answer it, while it is not done."""

    id: int
    received_at: datetime
    automatic: bool
    sender: str
    address: str
    subject: str
    contact: Contact | None
    delivery: Delivery | None
    open_task: int | None
    text: str = ""


def listed(session: Session, *, before: int = 0) -> tuple[list[Reply], int]:
    """(a page of replies, the youngest first; where the next page begins or 0)."""
    chosen = select(InboundMail).where(InboundMail.kind.in_(KINDS)).order_by(InboundMail.id.desc()).limit(PAGE + 1)
    mails = session.scalars(chosen.where(InboundMail.id < before) if before else chosen).all()
    return _read(session, mails[:PAGE]), mails[PAGE - 1].id if len(mails) > PAGE else 0


def reply_of(session: Session, mail_id: int) -> Reply | None:
    """One reply with its words, or None."""
    mail = session.get(InboundMail, mail_id)
    if mail is None or mail.kind not in KINDS:
        return None
    return _read(session, [mail], words=True)[0]


def words_of(raw: bytes) -> str:
    """What the mail says as plain text, at most 20,000 characters; "" when nothing in it can be read."""
    try:
        message = mail_reading.read(raw)
        body = message.get_body(preferencelist=("plain", "html"))
        text = str(body.get_content()) if body is not None else ""
    except Exception:
        # Mail can be broken in any way; the file itself can be saved.
        return ""
    if body is not None and body.get_content_type() == "text/html":
        text = unescape(TAGS.sub("", BREAKS.sub("\n", GONE.sub(" ", text[: 20 * LONGEST]))))
    text = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
    return re.sub(r"\n{3,}", "\n\n", text).strip()[:LONGEST]


def _read(session: Session, mails: Sequence[InboundMail], *, words: bool = False) -> list[Reply]:
    answered = {mail.delivery_id for mail in mails if mail.delivery_id}
    deliveries = {row.id: row for row in session.scalars(select(Delivery).where(Delivery.id.in_(answered)))}
    ids = {row.contact_id for row in deliveries.values() if row.contact_id}
    contacts = {row.id: row for row in session.scalars(select(Contact).where(Contact.id.in_(ids)))}
    origins = [f"{REPLY}{mail.id}" for mail in mails]
    duties = session.execute(select(Task.origin, Task.id).where(Task.origin.in_(origins), Task.closed_at.is_(None)))
    tasks = {duty.origin: duty.id for duty in duties}
    found = []
    for mail in mails:
        delivery = deliveries.get(mail.delivery_id or 0)
        sender, address, subject = _head(mail.raw)
        found.append(
            Reply(
                id=mail.id,
                received_at=mail.received_at,
                automatic=mail.kind == "auto-reply",
                sender=sender,
                address=address,
                subject=subject,
                contact=contacts.get(delivery.contact_id or 0) if delivery else None,
                delivery=delivery,
                open_task=tasks.get(f"{REPLY}{mail.id}"),
                text=words_of(mail.raw) if words else "",
            )
        )
    return found


def _head(raw: bytes) -> tuple[str, str, str]:
    try:
        message = mail_reading.read(raw[:100_000])
        name, address = parseaddr(str(message.get("From", "")))
        return (name or address)[:200], address[:320], str(message.get("Subject", ""))[:300]
    except Exception:
        # Whatever its head holds: the mail is listed, without a name.
        return "", "", ""
