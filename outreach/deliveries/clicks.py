"""Tracked links: who followed which, and whether that was a person or a scanner. Rows are flagged, never deleted."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.contacts.timeline import Touch
from outreach.content.models import Message
from outreach.deliveries import links, machine_signs, telling
from outreach.deliveries.links import HIDDEN_LINK
from outreach.deliveries.machine_signs import BURST, HIDDEN_WITHIN, Asker
from outreach.deliveries.models import Delivery, LinkClick

__all__ = ["Asker", "Target", "arrived", "mark_of", "record", "target_of"]

SIGNS_OF_A_MACHINE = 2
"""One sign is never enough (standards D), except HEAD and the link that nobody sees, which no person presses."""


@dataclass(frozen=True)
class Target:
    """Where a tracked link leads, and which message it stood in."""

    delivery_id: int
    link_number: int
    url: str
    """Empty for the link that nobody sees: it leads nowhere."""
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
    if not listed or (number >= len(listed) and number != HIDDEN_LINK):
        return None
    return Target(delivery_id, number, "" if number == HIDDEN_LINK else listed[number], len(set(listed)))


def mark_of(key: bytes, address: str) -> str:
    """What is kept of a network address: enough to know it again, not enough to tell it."""
    return hmac.new(key, b"click-from|" + address.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:16]


def record(session: Session, target: Target, asker: Asker, *, now: datetime) -> bool:
    """The click is one more row; a person's click is a touch. Answers whether it looks like a person."""
    sent = session.get_one(Delivery, target.delivery_id)
    signs = machine_signs.of_click(session, sent, target.link_number, target.links, asker, now=now)
    others = machine_signs.of_others(session, sent, asker, now=now)
    signs += ["crowd"] if others.crowd else []
    signs += ["host"] if others.host and "host" not in signs else []
    alone = asker.method == "HEAD" or target.link_number == HIDDEN_LINK
    machine = alone or len(signs) >= SIGNS_OF_A_MACHINE
    session.add(
        LinkClick(
            delivery_id=sent.id,
            link_number=target.link_number,
            at=now,
            machine=machine,
            signals=" ".join(["head", *signs] if asker.method == "HEAD" else signs),
            user_agent="".join(c for c in asker.user_agent if c.isprintable())[:200],
            came_from=asker.came_from,
        )
    )
    session.flush()
    if target.link_number == HIDDEN_LINK:
        _add(session, _clicks_since(session, sent, now - HIDDEN_WITHIN), "hidden")
    if machine and "all-links" in signs:
        _add(session, _clicks_since(session, sent, now - BURST), "burst", proves=True)
    elif not machine:
        telling.happened(session, [sent], "clicked", at=now)
    _add(session, others.crowd, "crowd")
    _add(session, others.host, "host")
    return not machine


def arrived(session: Session, arrived_at: Mapping[int, datetime]) -> None:
    """{delivery id: when its mailbox took it} became known: clicks of before that and of the first seconds are judged
    anew. Idempotent; one statement where nobody clicked that early."""
    if not arrived_at:
        return
    early = select(LinkClick).where(LinkClick.delivery_id.in_(arrived_at)).order_by(LinkClick.id)
    rows = [row for row in session.scalars(early) if machine_signs.is_at_once(arrived_at[row.delivery_id], row.at)]
    _add(session, rows, "at-once")


def _clicks_since(session: Session, sent: Delivery, since: datetime) -> list[LinkClick]:
    found = select(LinkClick).where(LinkClick.delivery_id == sent.id, LinkClick.at > since).order_by(LinkClick.id)
    return list(session.scalars(found))


def _add(session: Session, rows: Iterable[LinkClick], sign: str, *, proves: bool = False) -> None:
    """These clicks stood alone when they came: they are judged anew by what is known now.

    A sign that `proves` makes them machine-made by itself: it was weighed already.
    """
    turned = set()
    for row in rows:
        signs = row.signals.split()
        if sign in signs:
            continue
        row.signals = " ".join([*signs, sign])
        if not row.machine and (proves or len(signs) + 1 >= SIGNS_OF_A_MACHINE):
            row.machine = True
            turned.add(row.delivery_id)
    session.flush()
    for delivery_id in sorted(turned):
        _take_back(session, delivery_id)


def _take_back(session: Session, delivery_id: int) -> None:
    """No touch stays where no click of a person is left."""
    human = session.scalar(
        select(LinkClick.id).where(LinkClick.delivery_id == delivery_id, ~LinkClick.machine).limit(1)
    )
    if human is None:
        session.execute(delete(Touch).where(Touch.origin == f"delivery:{delivery_id}", Touch.kind == "clicked"))
