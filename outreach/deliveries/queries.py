"""Reads for the outbox screens: the lists, one delivery's story, the numbers on the tabs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, or_, select, text, tuple_, union, union_all
from sqlalchemy.orm import Session

from outreach.contacts import consent
from outreach.contacts.models import Contact
from outreach.content.kinds import MESSAGE_KINDS
from outreach.content.models import Message
from outreach.deliveries.addressed import to_address
from outreach.deliveries.links import LARGEST_ID
from outreach.deliveries.models import (
    IS_STOPPED,
    IS_WAITING,
    NEEDS_A_LOOK,
    STOPPED,
    Attempt,
    Delivery,
    LinkClick,
    Receipt,
)
from outreach.deliveries.rules import PRINT
from outreach.deliveries.words import click_words, reason_words, state_words, way_words

PAGE = 50
TABS = {
    "scheduled": "Scheduled",
    "held": "Held back",
    "failed": "Failed",
    "unconfirmed": "Not confirmed",
    "sent": "Sent",
    "stopped": "Stopped",
}
SHOWN_AT: dict[str, Any] = {"scheduled": Delivery.due_at, "sent": Delivery.sent_at}
"""What these tabs are ordered by; the others show the youngest row first."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
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
    session: Session,
    tab: str,
    *,
    after: str = "",
    kind: str = "",
    source: str = "",
    source_id: int | None = None,
    reason: str = "",
    person: str = "",
    key: bytes = b"",
) -> tuple[list[Line], str]:
    """(rows of one page, where the next begins or ""). `after` is such a place: a deep page costs what the first does.

    `source` and `source_id` limit to one campaign, issue, event; `person` to who is named like that, or has exactly
    this address, which is found by its hash under `key`.
    """
    at = SHOWN_AT.get(tab, Delivery.updated_at)
    wanted = [*_in_tab(tab)]
    if source and source_id is not None:
        wanted += [Delivery.source == source, Delivery.source_id == source_id]
    if reason:
        wanted.append(Delivery.reason == reason)
    if person.strip():
        wanted.append(_named(person, key))
    if kind in MESSAGE_KINDS:
        wanted.append(Delivery.kind == kind)
    elif tab == "scheduled" and not person.strip():
        wanted = [Delivery.id.in_(_next_of_each_kind(wanted, after))]
    chosen = (
        select(Delivery, Message.subject, Contact, at.label("shown_at"))
        .join(Message, Message.id == Delivery.message_id)
        .outerjoin(Contact, Contact.id == Delivery.contact_id)
        .where(*wanted)
    )
    found = session.execute(_ordered(chosen, tab, after).limit(PAGE + 1)).all()
    further = _place(found[PAGE - 1], tab) if len(found) > PAGE else ""
    return [_line(row) for row in found[:PAGE]], further


def reasons(session: Session, tab: str) -> list[tuple[str, str, int]]:
    """(reason, in words, how many) of what is on hold, failed or unconfirmed, the most frequent first."""
    if tab not in ("held", "failed", "unconfirmed"):
        return []
    many = func.count().label("many")
    rows = session.execute(
        select(Delivery.reason, many).where(*_in_tab(tab)).group_by(Delivery.reason).order_by(many.desc())
    )
    return [(row.reason, reason_words(row.reason) or "no reason noted", row.many) for row in rows]


def tab_counts(session: Session) -> dict[str, int]:
    """How many wait, are on hold, failed or are not confirmed; the past is not counted."""
    waiting = session.scalar(select(func.count()).select_from(Delivery).where(text(IS_WAITING))) or 0
    rows = session.execute(select(Delivery.state, func.count()).where(text(NEEDS_A_LOOK)).group_by(Delivery.state))
    return {"held": 0, "failed": 0, "unconfirmed": 0, **{row[0]: row[1] for row in rows}, "scheduled": waiting}


def story(session: Session, delivery: Delivery, *, zone: ZoneInfo) -> list[Moment]:
    """From plan to receipt, oldest first. Times inside the sentences are those of `zone`."""
    moments = [Moment(delivery.created_at, "clock", "pine", "Planned", _plan_words(delivery, zone))]
    tries = session.scalars(select(Attempt).where(Attempt.delivery_id == delivery.id).order_by(Attempt.id))
    for each in tries:
        tone = "leaf" if each.outcome == "accepted" else "gold"
        title, sub = (
            f"Try {each.number}: {OUTCOME_WORDS[each.outcome]}",
            f"By {way_words(each.transport)}. {each.text}".strip(),
        )
        if each.transport == PRINT:
            title, sub = "Mailed as a letter", each.text
        moments.append(Moment(each.finished_at, "send", tone, title, sub))
    facts = session.scalars(select(Receipt).where(Receipt.delivery_id == delivery.id).order_by(Receipt.at))
    for fact in facts:
        tone = "clay" if fact.event in ("bounce", "dropped", "spamreport") else "leaf"
        moments.append(Moment(fact.at, "mail", tone, EVENT_WORDS.get(fact.event, fact.event), fact.text))
    clicks = session.scalars(select(LinkClick).where(LinkClick.delivery_id == delivery.id).order_by(LinkClick.at))
    for click in clicks:
        moments.append(Moment(click.at, "click", "sky", *click_words(click.link_number, click.machine, click.signals)))
    if delivery.reason or delivery.state in STOPPED:
        title = state_words(delivery.state)
        moments.append(Moment(delivery.updated_at, "info-circle", "gold", title, reason_words(delivery.reason)))
    return sorted(moments, key=lambda moment: moment.at)


def _plan_words(delivery: Delivery, zone: ZoneInfo) -> str:
    words = MESSAGE_KINDS[delivery.kind].label
    if delivery.transport == PRINT:
        words += ", to be printed and mailed"
    if delivery.window_from_at and delivery.window_until_at:
        opens, closes = delivery.window_from_at.astimezone(zone), delivery.window_until_at.astimezone(zone)
        words += f", to leave on {opens:%b} {opens.day} between {_clock(opens)} and {_clock(closes)}"
    if delivery.not_after_at:
        last = delivery.not_after_at.astimezone(zone)
        words += f", not after {last:%b} {last.day}, {_clock(last)}"
    return f"{words}."


def _clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'am' if at.hour < 12 else 'pm'}"


def _in_tab(tab: str) -> Sequence[Any]:
    if tab == "scheduled":
        return (text(f"delivery.{IS_WAITING}"),)
    if tab == "sent":
        return (Delivery.sent_at.is_not(None),)
    if tab == "stopped":
        return (text(f"delivery.{IS_STOPPED}"),)
    return (text(f"delivery.{NEEDS_A_LOOK}"), Delivery.state == tab)


def _ordered(chosen: Select[*tuple[Any, ...]], tab: str, after: str) -> Select[*tuple[Any, ...]]:
    at, last = SHOWN_AT.get(tab), _read_place(after)
    if at is None:
        rest = chosen.where(Delivery.id < last[1]) if last else chosen
        return rest.order_by(Delivery.id.desc())
    place = tuple_(at, Delivery.id)
    if tab == "scheduled":
        # The instant by itself too: SQLite finds no place in an index by a pair.
        rest = chosen.where(at >= last[0], place > _bound(at, last)) if last else chosen
        return rest.order_by(at, Delivery.id)
    rest = chosen.where(place < _bound(at, last)) if last else chosen
    return rest.order_by(at.desc(), Delivery.id.desc())


def _bound(at: Any, last: tuple[datetime, int]) -> Any:
    return tuple_(bindparam(None, last[0], type_=at.type), bindparam(None, last[1]))


def _place(row: Row[*tuple[Any, ...]], tab: str) -> str:
    """Where the next page begins: behind this row."""
    at = row.shown_at if tab in SHOWN_AT else EPOCH
    return f"{(at - EPOCH) // timedelta(microseconds=1)}-{row[0].id}"


def _read_place(text: str) -> tuple[datetime, int] | None:
    found = re.fullmatch(r"(\d{1,17})-(\d{1,10})", text, re.ASCII)
    if not found or int(found[2]) > LARGEST_ID:
        return None
    return EPOCH + timedelta(microseconds=int(found[1])), int(found[2])


def _next_of_each_kind(wanted: Sequence[Any], after: str) -> Any:
    """The ids that can be on this page: what is due is kept in order per kind, so nobody sorts all that waits."""
    of_each = [
        _ordered(select(Delivery.id, Delivery.due_at).where(*wanted, Delivery.kind == kind), "scheduled", after)
        .limit(PAGE + 1)
        .subquery()
        for kind in MESSAGE_KINDS
    ]
    return union_all(*(select(each.c.id) for each in of_each))


def _named(person: str, key: bytes) -> ColumnElement[bool]:
    """It went to the address that was typed, or to a contact who has it; or every word stands in the contact's name
    or address."""
    if ADDRESS.fullmatch(person.strip()):
        hashed = consent.address_hash(key, person.strip())
        people = select(Contact.id).where(Contact.address_hash == hashed)
        theirs = select(Delivery.id).where(Delivery.contact_id.in_(people))
        return Delivery.id.in_(union(theirs, select(Delivery.id).where(to_address(hashed))))
    words = person.lower().split()[:8]
    alike = [
        or_(
            Contact.sort_name.contains(word, autoescape=True), func.lower(Contact.email).contains(word, autoescape=True)
        )
        for word in words
    ]
    return Delivery.contact_id.in_(select(Contact.id).where(*alike).correlate(None))


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
