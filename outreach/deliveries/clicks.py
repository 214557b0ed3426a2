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
MOST_LINKS = 3
"""So many links of one mail in a burst, or all of a shorter one."""
SAME_INSTANT = timedelta(seconds=1)
LATEST_CLICKS = 50
"""Among so many of the newest rows a crowd is looked for: the cost is the same in a table of any size."""
SCANNER_WORDS = ("bot", "crawl", "spider", "scan", "preview", "proofpoint", "barracuda", "mimecast", "curl", "python")
SIGNS_OF_A_MACHINE = 2
"""One sign is never enough (standards D), except HEAD, which no person's press of a link makes."""


@dataclass(frozen=True)
class Target:
    """Where a tracked link leads, and which message it stood in."""

    delivery_id: int
    link_number: int
    url: str
    links: int = 1
    """How many links the message has."""


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
    return Target(delivery_id, number, listed[number], len(set(listed)))


def record(session: Session, target: Target, *, now: datetime, method: str, user_agent: str) -> bool:
    """The click is one more row; a person's click is a touch. Answers whether it looks like a person."""
    sent = session.get_one(Delivery, target.delivery_id)
    at_once = (LinkClick.delivery_id == sent.id, LinkClick.at > now - BURST)
    earlier = set(session.scalars(select(LinkClick.link_number).where(*at_once).distinct()))
    signs = _signs(sent, target, earlier, now=now, user_agent=user_agent)
    crowd = _crowd(session, sent, now=now)
    signs += ["crowd"] if crowd else []
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
    for click in crowd:
        _flag_crowd(session, click)
    return not machine


def _signs(sent: Delivery, target: Target, earlier: Collection[int], *, now: datetime, user_agent: str) -> list[str]:
    signs = []
    if sent.sent_at is None or now - sent.sent_at < AT_ONCE:
        signs.append("at-once")
    if target.links > 1 and len({*earlier, target.link_number}) >= min(target.links, MOST_LINKS):
        signs.append("all-links")
    if not user_agent or any(word in user_agent.lower() for word in SCANNER_WORDS):
        signs.append("agent")
    return signs


def _crowd(session: Session, sent: Delivery, *, now: datetime) -> list[LinkClick]:
    """The clicks of others at the same domain at the same instant: a scanner reads what a whole office was sent."""
    newest = select(LinkClick.id).order_by(LinkClick.id.desc()).limit(LATEST_CLICKS).subquery()
    domain = sent.email.rpartition("@")[2].lower()
    rows = session.execute(
        select(LinkClick, Delivery.email)
        .join(newest, newest.c.id == LinkClick.id)
        .join(Delivery, Delivery.id == LinkClick.delivery_id)
        .where(
            LinkClick.at.between(now - SAME_INSTANT, now),
            LinkClick.delivery_id != sent.id,
            Delivery.email != sent.email,
        )
    )
    return [click for click, email in rows if domain and email.rpartition("@")[2].lower() == domain]


def _flag_crowd(session: Session, click: LinkClick) -> None:
    """The first of a crowd stood alone when it came: it is judged anew by what is known now."""
    signs = click.signals.split()
    if "crowd" in signs:
        return
    click.signals = " ".join([*signs, "crowd"])
    if not click.machine and len(signs) + 1 >= SIGNS_OF_A_MACHINE:
        click.machine = True
        session.flush()
        _take_back(session, click.delivery_id)


def _flag_burst(session: Session, sent: Delivery, *, now: datetime) -> None:
    """The first clicks of a burst looked human when they came: they are flagged too, and the touch is taken back."""
    session.execute(
        update(LinkClick)
        .where(LinkClick.delivery_id == sent.id, LinkClick.at > now - BURST)
        .values(machine=True, signals=LinkClick.signals + " burst")
        .execution_options(synchronize_session=False)
    )
    _take_back(session, sent.id)


def _take_back(session: Session, delivery_id: int) -> None:
    """No touch stays where no click of a person is left."""
    human = session.scalar(
        select(LinkClick.id).where(LinkClick.delivery_id == delivery_id, ~LinkClick.machine).limit(1)
    )
    if human is None:
        session.execute(delete(Touch).where(Touch.origin == f"delivery:{delivery_id}", Touch.kind == "clicked"))
