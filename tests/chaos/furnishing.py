"""Fills a scene's database through the application's own verbs: people, one message, one delivery for each."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.consent import address_hash
from outreach.contacts.models import Contact
from outreach.content.models import Message
from outreach.deliveries import links, optouts, outbox, receipts, releasing, steering
from outreach.deliveries.house import house_of
from outreach.deliveries.models import Delivery
from outreach.practice.models import Practice
from outreach.runtime import Runtime
from tests.deliveries.posting import message_in
from tests.people import furnish

KEY = b"k" * 64
STEP = {"source": "campaign", "source_id": 1, "step": "1"}
BEFORE_THE_FENCE = ("scheduled", "resend-approved", "claimed", "sending")


def furnish_and_put(runtime: Runtime, many: int, *, kind: str) -> None:
    """The test practice, `many` physicians, and one delivery of one message for each of them."""
    with runtime.turn() as turn:
        furnish(turn.session, now=turn.now, key=runtime.key)
        practice = turn.session.get_one(Practice, 1)
        # Faster clocks pass the evening during a scene: sending hours have tests of their own.
        practice.send_from_minute, practice.send_until_minute = 0, 24 * 60 - 1
        practice.send_weekdays = list(range(7))
    with runtime.turn() as turn:
        rows = [_person(index, turn.now, runtime.key) for index in range(many)]
        turn.session.add_all(rows)
        message_in(turn.session, turn.now, kind=kind)
    put_again(runtime, kind=kind)


def put_again(runtime: Runtime, *, kind: str) -> None:
    """The one message is put for everybody in the crowd. Idempotent."""
    with runtime.turn() as turn:
        message_id = turn.session.scalar(select(Message.id))
        people = turn.session.scalars(select(Contact.id).where(Contact.last_name == "Crowd").order_by(Contact.id))
        outbox.put(
            turn.session,
            now=turn.now,
            world=runtime,
            message_id=message_id or 0,
            kind=kind,
            contact_ids=people.all(),
            **STEP,  # type: ignore[arg-type]
        )


def add_copies(runtime: Runtime, many: int, email: str) -> None:
    """That many further contacts share one address."""
    with runtime.turn() as turn:
        rows = [_person(index, turn.now, runtime.key, email) for index in range(many)]
        turn.session.add_all(rows)


def send_again(runtime: Runtime) -> None:
    """An operator decides for everything unconfirmed: send again."""
    with runtime.turn() as turn:
        house = house_of(turn.session, now=turn.now, transports=runtime.transports, settings=runtime.settings)
        for each in turn.session.scalars(select(Delivery.id).where(Delivery.state == "unconfirmed")).all():
            done = steering.settle(turn.session, each, "again", now=turn.now, house=house)
            assert done is None or not hasattr(done, "reason"), done


def resume_way(runtime: Runtime, name: str) -> None:
    """A person lets a paused way out carry mail again."""
    with runtime.turn() as turn:
        steering.resume(turn.session, name)


def release_held(runtime: Runtime) -> None:
    """What is held for a reason that may be gone is looked at again."""
    with runtime.turn() as turn:
        releasing.release(turn.session, now=turn.now, world=runtime, limit=5000, rest=timedelta())


def apply_all_receipts(runtime: Runtime) -> None:
    """The tick of the inbox of events, until it is empty."""
    handled = 1
    while handled:
        with runtime.turn() as turn:
            handled = receipts.apply(turn.session, now=turn.now, key=runtime.key, limit=500)


def replay_unsubscribes(runtime: Runtime) -> None:
    """The tick that carries out what was spooled."""
    optouts.replay_spooled(runtime)


def write_unsubscribe_paths(runtime: Runtime) -> None:
    """The file `paths` holds the one-click path of each delivery, in their order."""
    public = "https://outreach.cedarlane.example"
    with runtime.turn() as turn:
        rows = turn.session.execute(select(Delivery.id, Delivery.contact_id).order_by(Delivery.id)).all()
    urls = [
        links.own_pages(public, runtime.key, short=links.number(each), contact_id=who)["unsubscribe_url"]
        for each, who in rows
    ]
    (runtime.settings.home / "paths").write_text("\n".join(url.removeprefix(public) for url in urls))


def waiting(session: Session) -> int:
    """How many deliveries are not in a final or visible state yet."""
    counted = select(func.count()).select_from(Delivery).where(Delivery.state.in_(BEFORE_THE_FENCE))
    return session.scalar(counted) or 0


def _person(index: int, now: Any, key: bytes, email: str = "") -> Contact:
    email = email or f"n{index}@crowd.example"
    return Contact(
        kind="physician",
        first_name=f"N{index}",
        last_name="Crowd",
        sort_name=f"crowd n{index}",
        email=email,
        address_hash=address_hash(key, email),
        added_on=now.date(),
        created_at=now,
        updated_at=now,
    )
