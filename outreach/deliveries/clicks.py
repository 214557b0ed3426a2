"""Tracked links: who followed which, and whether that was a person or a scanner. Rows are flagged, never deleted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from outreach.contacts.timeline import Touch
from outreach.content.models import Message
from outreach.deliveries import links, telling
from outreach.deliveries.models import Delivery, LinkClick

AT_ONCE = timedelta(seconds=10)
"""Nobody reads that fast after the hand-over."""
BURST = timedelta(seconds=5)
SCANNER_WORDS = ("bot", "crawl", "spider", "scan", "preview", "proofpoint", "barracuda", "mimecast", "curl", "python")
SIGNS_OF_A_MACHINE = 2
"""One sign is never enough (standards D), except HEAD, which no person's press of a link makes."""


@dataclass(frozen=True)
class Target:
    """Where a tracked link leads, and which message it stood in."""

    delivery_id: int
    link_number: int
    url: str


def target_of(session: Session, key: bytes, token: str) -> Target | None:
    """The stored target of a link, or None for a token that we did not make."""
    named = links.read_link_token(key, token)
    if named is None:
        return None
    delivery_id, number = named
    listed = session.scalar(
        select(Message.links).join(Delivery, Delivery.message_id == Message.id).where(Delivery.id == delivery_id)
    )
    if not listed or number >= len(listed):
        return None
    return Target(delivery_id, number, listed[number])


def record(session: Session, target: Target, *, now: datetime, method: str, user_agent: str) -> bool:
    """The click is one more row; a person's click is a touch. Answers whether it looks like a person."""
    sent = session.get_one(Delivery, target.delivery_id)
    at_once = (LinkClick.delivery_id == sent.id, LinkClick.at > now - BURST)
    earlier = set(session.scalars(select(LinkClick.link_number).where(*at_once).distinct()))
    signs = _signs(sent, target, earlier, now=now, user_agent=user_agent)
    machine = method == "HEAD" or len(signs) >= SIGNS_OF_A_MACHINE
    session.add(
        LinkClick(
            delivery_id=sent.id,
            link_number=target.link_number,
            at=now,
            machine=machine,
            signals=" ".join(["head", *signs] if method == "HEAD" else signs),
            user_agent="".join(c for c in user_agent if c.isprintable())[:200],
        )
    )
    session.flush()
    if machine and "all-links" in signs:
        _flag_burst(session, sent, now=now)
    elif not machine:
        telling.happened(session, [sent], "clicked", at=now)
    return not machine


def _signs(sent: Delivery, target: Target, earlier: Collection[int], *, now: datetime, user_agent: str) -> list[str]:
    signs = []
    if sent.sent_at is None or now - sent.sent_at < AT_ONCE:
        signs.append("at-once")
    if len(set(earlier) - {target.link_number}) >= 2:
        signs.append("all-links")
    if not user_agent or any(word in user_agent.lower() for word in SCANNER_WORDS):
        signs.append("agent")
    return signs


def _flag_burst(session: Session, sent: Delivery, *, now: datetime) -> None:
    """The first clicks of a burst looked human when they came: they are flagged too, and the touch is taken back."""
    session.execute(
        update(LinkClick)
        .where(LinkClick.delivery_id == sent.id, LinkClick.at > now - BURST)
        .values(machine=True, signals=LinkClick.signals + " burst")
        .execution_options(synchronize_session=False)
    )
    human = session.scalar(select(LinkClick.id).where(LinkClick.delivery_id == sent.id, ~LinkClick.machine).limit(1))
    if human is None:
        session.execute(delete(Touch).where(Touch.origin == f"delivery:{sent.id}", Touch.kind == "clicked"))
