"""Small words for the delivery tests: keep a message, put it, send, look at the ledger."""

import itertools
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from outreach.contacts.consent import Authorization, address_hash
from outreach.contacts.models import Contact
from outreach.content.models import Message, MessageAuthorization
from outreach.deliveries import outbox, sending
from outreach.deliveries.caps import limiting
from outreach.deliveries.models import Delivery
from outreach.deliveries.outbox import Put
from outreach.deliveries.transports.memory import MemoryTransport
from outreach.runtime import Runtime

_serial = itertools.count(1)


def message_in(session: Any, now: Any, *, kind: str = "drip", subject: str = "Hand therapy opens", **more: Any) -> int:
    """A kept message revision with a detail, a link and an unsubscribe link."""
    html = [
        "<p>Dear ",
        ["d", "first_name", "colleague", "h"],
        '</p><a href="',
        ["l", 0, "https://cedarlane.example/hands", "h"],
    ]
    html += ['">Read</a> <a href="', ["d", "unsubscribe_url", "", "h"], '">Unsubscribe</a>']
    text = [
        "Dear ",
        ["d", "first_name", "colleague", "t"],
        "\n",
        ["l", 0, "https://cedarlane.example/hands", "t"],
        "\n",
    ]
    text += [["d", "unsubscribe_url", "", "t"], "\n"]
    row = Message(
        digest=f"{next(_serial):064d}",
        kind=kind,
        mail_class=more.get("mail_class", "commercial"),
        topic=more.get("topic", "education"),
        audiences=["provider"],
        subject=subject,
        segments={"subject": [subject], "html": html, "text": text},
        links=["https://cedarlane.example/hands"],
        details=["first_name", "unsubscribe_url"],
        groups=[],
        draft={},
        made_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def put(runtime: Runtime, *contact_ids: int, kind: str = "drip", step: str = "1", **more: Any) -> Put:
    """A new message of that kind is put for these contacts."""
    with runtime.turn() as turn:
        message_id = more.pop("message_id", None) or message_in(turn.session, turn.now, kind=kind)
        more = {"source": "campaign", "source_id": 1, **more}
        return outbox.put(
            turn.session,
            now=turn.now,
            world=runtime,
            message_id=message_id,
            kind=kind,
            step=step,
            contact_ids=contact_ids,
            **more,
        )


def story(
    runtime: Runtime, contact_id: int, message_id: int, *, expires_on: date, scope: str = "email-providers"
) -> int:
    """A signed story that the message quotes."""
    with runtime.turn() as turn:
        signed = Authorization(
            contact_id=contact_id,
            state="signed",
            wording="I can lift my grandson again.",
            scopes=[scope],
            signed_at=turn.now - timedelta(days=30),
            expires_on=expires_on,
        )
        turn.session.add(signed)
        turn.session.flush()
        turn.session.add(
            MessageAuthorization(message_id=message_id, authorization_id=signed.id, scope=scope, line="Quote")
        )
        return signed.id


def without_limits(runtime: Runtime) -> None:
    """People may get mail after mail: for tests of other things."""
    with runtime.turn() as turn:
        limiting.choose(turn.session, now=turn.now, gap_days=0, per_quarter=30, with_touches=False, by_id=None)


def send(runtime: Runtime, **more: Any) -> int:
    """One run of the sender."""
    return sending.send_due(runtime, **more)


def memory(runtime: Runtime) -> MemoryTransport:
    """The memory transport of the test practice."""
    return runtime.transports["memory"]


def delivery(runtime: Runtime, delivery_id: int) -> Delivery:
    """The row as the database has it now."""
    with runtime.turn(write=False) as turn:
        return turn.session.get_one(Delivery, delivery_id)


def states(runtime: Runtime) -> dict[str, int]:
    """{state: how many} over the whole ledger."""
    with runtime.turn(write=False) as turn:
        found = [row.state for row in turn.session.scalars(select(Delivery))]
    return {state: found.count(state) for state in sorted(set(found))}


def hashed(runtime: Runtime, email: str) -> str:
    """The keyed hash of an address."""
    return address_hash(runtime.key, email)


def crowd(runtime: Runtime, many: int) -> list[int]:
    """That many further physicians, each with an address of their own."""
    with runtime.turn() as turn:
        rows = [
            Contact(
                kind="physician",
                first_name=f"N{index}",
                last_name="Crowd",
                sort_name=f"crowd n{index}",
                email=f"n{index}@crowd.example",
                address_hash=address_hash(runtime.key, f"n{index}@crowd.example"),
                added_on=turn.now.date(),
                created_at=turn.now,
                updated_at=turn.now,
            )
            for index in range(many)
        ]
        turn.session.add_all(rows)
        turn.session.flush()
        return [row.id for row in rows]
