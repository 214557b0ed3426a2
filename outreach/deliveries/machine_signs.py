"""What speaks for a machine when a tracked link is followed. One sign is never enough (standards D)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.deliveries.links import HIDDEN_LINK
from outreach.deliveries.models import Delivery, LinkClick, Receipt
from outreach.deliveries.networks import is_of_machines

AT_ONCE = timedelta(seconds=10)
"""Nobody reads that fast after a mail arrived."""
BURST = timedelta(seconds=5)
MOST_LINKS = 3
"""So many links of one mail in a burst, or all of a shorter one."""
HIDDEN_WITHIN = timedelta(minutes=1)
"""Who took the link that nobody sees also took those of the same mail around that time."""
SAME_INSTANT = timedelta(seconds=1)
SAME_HOST = timedelta(minutes=10)
MANY_DOMAINS = 3
"""One address that reads the mail of so many mailbox domains within `SAME_HOST` is a scanner's host."""
LATEST_CLICKS = 50
"""Among so many of the newest rows others are looked for: the cost is the same in a table of any size."""
SCANNER_WORDS = ("bot", "crawl", "spider", "scan", "preview", "proofpoint", "barracuda", "mimecast", "curl", "python")


@dataclass(frozen=True)
class Asker:
    """Who followed a link, as far as a request tells. `came_from` is the keyed hash of the address, or empty."""

    method: str = "GET"
    user_agent: str = ""
    address: str = ""
    came_from: str = ""


@dataclass(frozen=True)
class Others:
    """The clicks of other mails that a new one makes suspicious, and is made suspicious by."""

    crowd: list[LinkClick]
    """At the same domain at the same instant: a scanner reads what a whole office was sent."""
    host: list[LinkClick]
    """From the same address, which reads the mail of many domains."""


def of_click(
    session: Session, sent: Delivery, link_number: int, links: int, asker: Asker, *, now: datetime
) -> list[str]:
    """The signs that this mail and this request show: at-once, all-links, hidden, host, agent."""
    lately = session.execute(
        select(LinkClick.link_number, LinkClick.at).where(
            LinkClick.delivery_id == sent.id, LinkClick.at > now - HIDDEN_WITHIN
        )
    ).all()
    signs = []
    if is_at_once(arrived_at(session, sent), now):
        signs.append("at-once")
    burst = {row.link_number for row in lately if row.at > now - BURST} | {link_number}
    there = links + (HIDDEN_LINK in burst)
    if there > 1 and len(burst) >= min(there, MOST_LINKS):
        signs.append("all-links")
    if link_number == HIDDEN_LINK or any(row.link_number == HIDDEN_LINK for row in lately):
        signs.append("hidden")
    if is_of_machines(asker.address):
        signs.append("host")
    if not asker.user_agent or any(word in asker.user_agent.lower() for word in SCANNER_WORDS):
        signs.append("agent")
    return signs


def is_at_once(arrived: datetime | None, at: datetime) -> bool:
    """Whether a click came before anybody can have read: before the mail was there, or within seconds."""
    return arrived is None or at - arrived < AT_ONCE


def arrived_at(session: Session, sent: Delivery) -> datetime | None:
    """When the mailbox took it, where that is known already; else when it left us."""
    told = select(func.min(Receipt.at)).where(Receipt.delivery_id == sent.id, Receipt.event == "delivered")
    return session.scalar(told) or sent.sent_at


def of_others(session: Session, sent: Delivery, asker: Asker, *, now: datetime) -> Others:
    """Who else clicked just now, and what that says; one statement."""
    newest = select(LinkClick.id).order_by(LinkClick.id.desc()).limit(LATEST_CLICKS).subquery()
    rows = session.execute(
        select(LinkClick, Delivery.email)
        .join(newest, newest.c.id == LinkClick.id)
        .join(Delivery, Delivery.id == LinkClick.delivery_id)
        .where(
            LinkClick.at.between(now - SAME_HOST, now), LinkClick.delivery_id != sent.id, Delivery.email != sent.email
        )
    ).all()
    own = _domain(sent.email)
    crowd = [click for click, email in rows if click.at >= now - SAME_INSTANT and own and _domain(email) == own]
    host = [(click, _domain(email)) for click, email in rows if asker.came_from and click.came_from == asker.came_from]
    many = len({own, *(domain for _, domain in host)}) >= MANY_DOMAINS
    return Others(crowd, [click for click, _ in host] if many else [])


def _domain(email: str) -> str:
    return email.rpartition("@")[2].lower()
