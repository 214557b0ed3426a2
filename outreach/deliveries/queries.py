"""Reads for the outbox screens: the lists, one delivery's story, the numbers on the tabs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, text
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.content.kinds import MESSAGE_KINDS
from outreach.content.models import Message
from outreach.deliveries.models import (
    IS_WAITING,
    NEEDS_A_LOOK,
    Attempt,
    Delivery,
    LinkClick,
    Receipt,
)
from outreach.deliveries.words import reason_words, state_words

PAGE = 50
TABS = {
    "scheduled": "Scheduled",
    "held": "On hold",
    "failed": "Failed",
    "unconfirmed": "Not confirmed",
    "sent": "Sent",
    "stopped": "Stopped",
}
STOPPED = ("suppressed", "expired", "cancelled", "duplicate-address", "abandoned")
OUTCOME_WORDS = {
    "accepted": "Handed over",
    "not-handed-over": "Not reached, tried again later",
    "refused-for-now": "Asked to wait",
    "unknown": "No answer: not known whether it arrived",
    "permanent": "Refused",
    "account-problem": "Our account was refused: the transport is paused",
}
EVENT_WORDS = {
    "processed": "Taken over by the provider",
    "deferred": "Delayed by the recipient's server",
    "delivered": "Delivered",
    "bounce": "Came back",
    "dropped": "Dropped by the provider",
    "open": "Opened (proves nothing)",
    "click": "Clicked",
    "spamreport": "Reported as spam",
    "unsubscribe": "Unsubscribed",
    "group_unsubscribe": "Unsubscribed",
}


@dataclass(frozen=True)
class Line:
    """One row of the outbox."""

    id: int
    name: str
    contact_id: int | None
    subject: str
    kind: str
    state: str
    why: str
    at: datetime
    source: str
    transport: str


@dataclass(frozen=True)
class Moment:
    """One thing in a delivery's story."""

    at: datetime
    icon: str
    tone: str
    title: str
    sub: str = ""


def lines(
    session: Session, tab: str, *, page: int, kind: str = "", source: str = "", source_id: int | None = None
) -> tuple[list[Line], bool]:
    """(rows of one page, whether there are more). `source` and `source_id` limit to one campaign, issue, event."""
    at = Delivery.due_at if tab in ("scheduled", "held") else func.coalesce(Delivery.sent_at, Delivery.updated_at)
    chosen = (
        select(Delivery, Message.subject, Contact, at.label("shown_at"))
        .join(Message, Message.id == Delivery.message_id)
        .outerjoin(Contact, Contact.id == Delivery.contact_id)
        .where(*_in_tab(tab))
    )
    if kind in MESSAGE_KINDS:
        chosen = chosen.where(Delivery.kind == kind)
    if source and source_id is not None:
        chosen = chosen.where(Delivery.source == source, Delivery.source_id == source_id)
    found = session.execute(_ordered(chosen, tab).offset((page - 1) * PAGE).limit(PAGE + 1)).all()
    return [_line(row) for row in found[:PAGE]], len(found) > PAGE


def tab_counts(session: Session) -> dict[str, int]:
    """How many wait, are on hold, failed or are not confirmed; the past is not counted."""
    waiting = session.scalar(select(func.count()).select_from(Delivery).where(text(IS_WAITING))) or 0
    rows = session.execute(select(Delivery.state, func.count()).where(text(NEEDS_A_LOOK)).group_by(Delivery.state))
    return {"held": 0, "failed": 0, "unconfirmed": 0, **{row[0]: row[1] for row in rows}, "scheduled": waiting}


def story(session: Session, delivery: Delivery) -> list[Moment]:
    """From plan to receipt, oldest first."""
    moments = [Moment(delivery.created_at, "clock", "pine", "Planned", MESSAGE_KINDS[delivery.kind].label)]
    tries = session.scalars(select(Attempt).where(Attempt.delivery_id == delivery.id).order_by(Attempt.id))
    for each in tries:
        tone = "leaf" if each.outcome == "accepted" else "gold"
        title = f"Try {each.number}: {OUTCOME_WORDS[each.outcome]}"
        moments.append(Moment(each.finished_at, "send", tone, title, f"{each.transport}. {each.text}".strip()))
    facts = session.scalars(select(Receipt).where(Receipt.delivery_id == delivery.id).order_by(Receipt.at))
    for fact in facts:
        tone = "clay" if fact.event in ("bounce", "dropped", "spamreport") else "leaf"
        moments.append(Moment(fact.at, "mail", tone, EVENT_WORDS.get(fact.event, fact.event), fact.text))
    clicks = session.scalars(select(LinkClick).where(LinkClick.delivery_id == delivery.id).order_by(LinkClick.at))
    for click in clicks:
        title = f"Link {click.link_number + 1} followed" + (" by a machine" if click.machine else "")
        moments.append(Moment(click.at, "click", "sky", title, click.signals))
    if delivery.reason or delivery.state in STOPPED:
        title = state_words(delivery.state)
        moments.append(Moment(delivery.updated_at, "info-circle", "gold", title, reason_words(delivery.reason)))
    return sorted(moments, key=lambda moment: moment.at)


def _in_tab(tab: str) -> Sequence[Any]:
    if tab == "scheduled":
        return (text(f"delivery.{IS_WAITING}"),)
    if tab == "sent":
        return (Delivery.sent_at.is_not(None),)
    if tab == "stopped":
        return (Delivery.state.in_(STOPPED),)
    return (text(f"delivery.{NEEDS_A_LOOK}"), Delivery.state == tab)


def _ordered(chosen: Select[*tuple[Any, ...]], tab: str) -> Select[*tuple[Any, ...]]:
    if tab == "scheduled":
        return chosen.order_by(Delivery.due_at, Delivery.id)
    if tab == "sent":
        return chosen.order_by(Delivery.sent_at.desc(), Delivery.id.desc())
    return chosen.order_by(Delivery.id.desc())


def _line(row: Row[*tuple[Any, ...]]) -> Line:
    delivery, subject, contact, at = row
    return Line(
        id=delivery.id,
        name=contact.name if contact else delivery.to_name or delivery.email,
        contact_id=delivery.contact_id,
        subject=subject,
        kind=MESSAGE_KINDS[delivery.kind].label,
        state=delivery.state,
        why=reason_words(delivery.reason) if delivery.reason else "",
        at=at,
        source=f"{delivery.source}:{delivery.source_id}",
        transport=delivery.transport or "",
    )
