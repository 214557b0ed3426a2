"""Inviting: one row, one token, one calendar file and one email per person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.models import Contact, Group
from outreach.errors import Refusal
from outreach.events import calendar, planning, posting, rsvping, rules
from outreach.events.choosing import choose
from outreach.events.committing import would_pass
from outreach.events.models import Event, EventMessage, Invitation
from outreach.practice.models import Practice
from outreach.practice.queries import practice_of
from outreach.screen import World

STEP = "invitation"


@dataclass(frozen=True)
class Invited:
    """How many invitations are in the outbox, how many could not be, and who was left out before."""

    invited: int
    not_sent: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


def invite(
    session: Session,
    event: Event,
    *,
    now: datetime,
    world: World,
    by_id: int | None,
    group_id: int | None = None,
    contact_ids: Collection[int] = (),
    expected: int | None = None,
) -> Invited | Refusal:
    """Everyone chosen has an invitation, and the event keeps how they were chosen. Nobody is invited twice.

    `expected` is the number that the person saw on the button. Refusals: not-booked, past, nobody, changed, no-group,
    from-yield, and those of keeping a message.
    """
    lock(session, event)
    if (no := refuse_inviting(event, now=now)) is not None:
        return no
    practice = practice_of(session)
    zone = ZoneInfo(practice.time_zone)
    chosen = choose(session, event, now=now, world=world, zone=zone, group_id=group_id, contact_ids=contact_ids)
    if isinstance(chosen, Refusal):
        return chosen
    if not chosen.ids:
        return Refusal("nobody", "There is nobody left to invite. Look at the reasons beside the list.")
    if expected is not None and expected != len(chosen.ids):
        text = f"It would be {len(chosen.ids)} people now, not {expected}. Look again, nothing was sent."
        return Refusal("changed", text)
    message_id = posting.words(session, event, chosen.ids, now=now, world=world, kind="invitation", by_id=by_id)
    if isinstance(message_id, Refusal):
        return message_id
    made = _rows(session, event, chosen.ids, practice, now=now, by_id=by_id)
    posted = posting.post(
        session,
        event,
        made,
        now=now,
        world=world,
        message_id=message_id,
        kind="invitation",
        step=STEP,
        method="REQUEST",
        not_after_at=event.starts_at,
    )
    _mark(made, posted)
    _tell(session, event, made, now=now, by_id=by_id)
    _remember(session, event, message_id, now=now)
    not_sent = _counted(made)
    event.criteria = [*event.criteria, _evidence(session, group_id, contact_ids, chosen.matched, made, now, by_id)]
    event.updated_at = now
    left = len(made) - sum(not_sent.values())
    if left:
        planning.tick_off(session, event, ("invite",), now=now, by_id=by_id)
    return Invited(left, not_sent, chosen.left_out)


def add_by_phone(
    session: Session, event: Event, contact_id: int, *, now: datetime, answer: str, guests: int = 0, by_id: int | None
) -> Invitation | Refusal:
    """Somebody who answered by telephone is on the list, without any email. Idempotent by contact.

    Refusals: not-booked, past, no-contact, over-limit (the meal would pass the yearly limit of who says yes), and those
    of answering.
    """
    lock(session, event)
    if (no := refuse_inviting(event, now=now)) is not None:
        return no
    contact = session.get(Contact, contact_id)
    if contact is None or contact.deleted_at is not None:
        return Refusal("no-contact", "Choose a contact.")
    known = session.scalar(
        select(Invitation).where(Invitation.event_id == event.id, Invitation.contact_id == contact_id)
    )
    if known is None and answer == "yes" and contact_id in would_pass(session, event):
        text = "With this meal they would pass their yearly limit. See the value ledger; nothing was noted."
        return Refusal("over-limit", text)
    invitation = known or _rows(session, event, [contact_id], practice_of(session), now=now, by_id=by_id)[0]
    if known is None:
        invitation.state = "by-phone"
    said = rsvping.answer(
        session, invitation, now=now, answer=answer, guests=guests, diets={}, source="staff", by_id=by_id
    )
    if isinstance(said, Refusal):
        if known is None:
            _take_back(session, [invitation])
        return said
    return invitation


def refuse_inviting(event: Event, *, now: datetime) -> Refusal | None:
    """Why nobody can be invited to this event now, or None."""
    if event.status not in rules.STANDS or event.starts_at is None:
        return Refusal("not-booked", "Book the event with a date first; then people can be invited.")
    if event.starts_at <= now:
        return Refusal("past", "The event has begun already.")
    return None


def lock(session: Session, event: Event) -> None:
    """The event is as it stands now; until the end of the turn nobody else changes it or takes its places."""
    session.flush()
    session.refresh(event, with_for_update=True)


def _rows(
    session: Session, event: Event, contact_ids: Sequence[int], practice: Practice, *, now: datetime, by_id: int | None
) -> list[Invitation]:
    made = [
        Invitation(
            event_id=event.id,
            contact_id=each,
            sequence=event.sequence,
            issued_at=now,
            invited_at=now,
            invited_by_id=by_id,
            diets={},
        )
        for each in contact_ids
    ]
    session.add_all(made)
    session.flush()
    domain = posting.domain_of(practice)
    for one in made:
        one.uid = calendar.uid_for(event.id, one.id, domain)
    session.flush()
    return made


def _take_back(session: Session, made: Sequence[Invitation]) -> None:
    for one in made:
        session.delete(one)
    session.flush()


def _mark(made: Sequence[Invitation], posted: posting.Posted) -> None:
    for one in made:
        state, reason = posted.states.get(one.contact_id, ("failed", "no-email"))
        if state in (*posting.NOT_REACHED, "duplicate-address"):
            one.state, one.reason = "not-sent", reason or state


def _counted(made: Sequence[Invitation]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for one in made:
        if one.state == "not-sent":
            counted[one.reason] = counted.get(one.reason, 0) + 1
    return counted


def _tell(session: Session, event: Event, made: Sequence[Invitation], *, now: datetime, by_id: int | None) -> None:
    timeline.add_many(
        session,
        [
            {
                "contact_id": one.contact_id,
                "kind": "invited",
                "at": now,
                "text": f"Invited to “{event.title}”",
                "minutes": None,
                "by_id": by_id,
                "origin": f"event:{event.id}",
                "from_yield": False,
            }
            for one in made
            if one.state == "invited"
        ],
    )


def _remember(session: Session, event: Event, message_id: int, *, now: datetime) -> None:
    """The list of messages shows the first batch; later batches go with the same step."""
    known = select(EventMessage).where(EventMessage.event_id == event.id, EventMessage.step == STEP)
    if session.scalar(known) is None:
        session.add(
            EventMessage(
                event_id=event.id,
                step=STEP,
                sequence=event.sequence,
                due_on=now.astimezone(ZoneInfo(event.time_zone)).date(),
                due_at=now,
                state="sent",
                message_id=message_id,
                settled_at=now,
            )
        )


def _evidence(
    session: Session,
    group_id: int | None,
    contact_ids: Collection[int],
    matched: int,
    made: Sequence[Invitation],
    now: datetime,
    by_id: int | None,
) -> dict[str, object]:
    group = session.get(Group, group_id) if group_id is not None else None
    return {
        "at": now.isoformat(),
        "by_id": by_id,
        "group": group.name if group else "",
        "group_id": group_id,
        "rules": group.rules if group else {},
        "by_hand": len(set(contact_ids)),
        "matched": matched,
        "invited": len(made),
    }
