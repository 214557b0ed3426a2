"""Moving and cancelling: SEQUENCE + 1, a calendar file to everyone who has the old one, reminders that follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.deliveries import outbox
from outreach.errors import Refusal
from outreach.events import calling, inviting, places, planning, posting, telling
from outreach.events.calendar import Method
from outreach.events.models import Event, EventMessage, Invitation
from outreach.events.planning import When
from outreach.events.timelines import MESSAGES
from outreach.screen import World


@dataclass(frozen=True)
class Changed:
    """How many people get the change by mail, and how many somebody has to call."""

    told: int = 0
    to_call: int = 0


def move(
    session: Session, event: Event, when: When, *, now: datetime, world: World, by_id: int | None
) -> Changed | Refusal:
    """The event has the new time and place, everyone invited the new calendar entry; reminders and tasks follow.

    A new time asks everyone anew: answers to the old one are kept as `earlier_answer`. The same time and place again
    changes nothing. Refusals: over, past, too-far, unknown-zone, bad-length, and those of keeping a message.
    """
    inviting.lock(session, event)
    if event.status in ("cancelled", "took-place", "no-show"):
        return Refusal("over", "This event is over. Plan a new one.")
    if (no := planning.refuse_time(when, now=now)) is not None:
        return no
    invited = _invited(session, event)
    letters = _letters(session, event, invited, ("invitation", "invitation-update"), now=now, world=world, by_id=by_id)
    if isinstance(letters, Refusal):
        return letters
    was = (event.starts_at, event.ends_at, event.time_zone)
    same_place = when.place.strip()[:500] == event.place
    planning.set_time(event, when)
    new_time = was != (event.starts_at, event.ends_at, event.time_zone)
    if not new_time and same_place:
        return Changed()
    event.updated_at, event.version = now, event.version + 1
    if was[0] is None:
        event.status = "booked" if event.status in ("idea", "offered") else event.status
        planning.lay_out(session, event, now=now)
        return Changed()
    event.sequence += 1
    if new_time:
        _ask_anew(invited)
    planning.lay_out(session, event, now=now)
    places.tell_signed_up(session, event, "moved", now=now)
    return _send_change(session, event, invited, letters, now=now, world=world)


def cancel(session: Session, event: Event, *, now: datetime, world: World, by_id: int | None) -> Changed | Refusal:
    """The event is cancelled: CANCEL to everyone whose calendar may have it, everything planned is taken back.

    Who cannot get mail any more becomes a call. Idempotent. Refusals: over, and those of keeping a message.
    """
    inviting.lock(session, event)
    if event.status == "cancelled":
        return Changed()
    if event.status in ("took-place", "no-show"):
        return Refusal("over", "This event is over; it cannot be cancelled any more.")
    future = event.starts_at is not None and event.starts_at > now
    invited = _invited(session, event)
    letters = _letters(session, event, invited, ("cancellation",), now=now, world=world, by_id=by_id)
    if isinstance(letters, Refusal):
        return letters
    _never_mind(session, event, now=now)
    arrived = posting.reached(session, event)
    event.sequence += 1
    event.status, event.cancelled_at, event.updated_at, event.version = "cancelled", now, now, event.version + 1
    planning.lay_out(session, event, now=now)
    tasks.drop(session, f"event:{event.id}:", now=now)
    if future:
        places.tell_signed_up(session, event, "cancelled", now=now)
    told = [one for one in invited if one.contact_id in arrived] if future else []
    _stamp(told, event, now=now)
    changed = _post_change(session, event, told, letters, now=now, world=world, kind="cancellation", method="CANCEL")
    calls = calling.call(session, event, _by_phone(invited) if future else (), now=now, what="is cancelled")
    for one in invited:
        one.state = "cancelled"
    return Changed(changed.told, changed.to_call + calls)


def _letters(
    session: Session,
    event: Event,
    invited: Sequence[Invitation],
    kinds: Sequence[str],
    *,
    now: datetime,
    world: World,
    by_id: int | None,
) -> dict[str, int] | Refusal:
    """{kind: message id}, kept before anything changes: words that may not go must not leave half a change."""
    found: dict[str, int] = {}
    for kind in kinds if invited else ():
        ids = [one.contact_id for one in invited]
        kept = posting.words(session, event, ids, now=now, world=world, kind=kind, by_id=by_id)
        if isinstance(kept, Refusal):
            return kept
        found[kind] = kept
    return found


def _send_change(
    session: Session,
    event: Event,
    invited: Sequence[Invitation],
    letters: dict[str, int],
    *,
    now: datetime,
    world: World,
) -> Changed:
    """Who has the old entry gets an update; whose invitation still waits gets a fresh one in its place."""
    _never_mind(session, event, now=now)
    arrived = posting.reached(session, event)
    mailed = [one for one in invited if one.state == "invited"]
    _stamp(mailed, event, now=now)
    told = to_call = 0
    for kind, people in (
        ("invitation", [one for one in mailed if one.contact_id not in arrived]),
        ("invitation-update", [one for one in mailed if one.contact_id in arrived]),
    ):
        changed = _post_change(session, event, people, letters, now=now, world=world, kind=kind, method="REQUEST")
        told, to_call = told + changed.told, to_call + changed.to_call
    return Changed(told, to_call + calling.call(session, event, _by_phone(invited), now=now, what="was moved"))


def _by_phone(invited: Sequence[Invitation]) -> list[int]:
    """Who answered by telephone and may come: nobody writes to them."""
    hopes = ("yes", "maybe", "waiting")
    return [
        one.contact_id
        for one in invited
        if one.state == "by-phone" and (one.answer in hopes or one.earlier_answer in hopes)
    ]


def _post_change(
    session: Session,
    event: Event,
    invitations: Sequence[Invitation],
    letters: dict[str, int],
    *,
    now: datetime,
    world: World,
    kind: str,
    method: Method,
) -> Changed:
    if not invitations:
        return Changed()
    posted = posting.post(
        session,
        event,
        invitations,
        now=now,
        world=world,
        message_id=letters[kind],
        kind=kind,
        step=kind,
        occurrence=str(event.sequence),
        method=method,
        not_after_at=event.starts_at,
    )
    what = "is cancelled" if method == "CANCEL" else "was moved"
    calls = 0 if kind == "invitation" else calling.call(session, event, posted.to_call, now=now, what=what)
    return Changed(len(posted.states) - len(posted.not_reached), calls)


def _never_mind(session: Session, event: Event, *, now: datetime) -> None:
    """Invitations and changes that wait in the outbox or to be called tell something that is no longer true."""
    calling.never_mind(session, event, now=now)
    _stop_waiting_reminders(session, event, now=now)
    for step in ("invitation", "invitation-update", *telling.STEPS):
        outbox.cancel(session, now=now, source=posting.SOURCE, source_id=event.id, step=step, why="event-changed")


def _stop_waiting_reminders(session: Session, event: Event, *, now: datetime) -> None:
    for name in MESSAGES:
        outbox.cancel(session, now=now, source=posting.SOURCE, source_id=event.id, step=name, why="event-changed")
    session.execute(
        update(EventMessage)
        .where(
            EventMessage.event_id == event.id,
            EventMessage.state == "planned",
            EventMessage.sequence < event.sequence,
        )
        .values(state="cancelled", settled_at=now)
    )


def _invited(session: Session, event: Event) -> list[Invitation]:
    found = select(Invitation).where(Invitation.event_id == event.id, Invitation.state != "cancelled")
    return list(session.scalars(found.order_by(Invitation.id)))


def _ask_anew(invited: Sequence[Invitation]) -> None:
    for one in invited:
        if one.answer != "none":
            one.earlier_answer, one.answer, one.answered_at = one.answer, "none", None


def _stamp(invited: Sequence[Invitation], event: Event, *, now: datetime) -> None:
    for one in invited:
        one.sequence, one.issued_at = event.sequence, now
