"""On the day: who came, walk-ins, and the meal into the value ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from outreach.contacts import tasks, timeline
from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.events import planning, rules
from outreach.events.models import Attendance, Event, Invitation
from outreach.events.timelines import BEFORE_THE_DAY
from outreach.gifts import curing, recording
from outreach.gifts.recording import Given
from outreach.gifts.rules import share

ROLES = {"clinician": "Clinician", "staff": "Office staff", "ours": "From our practice", "other": "Somebody else"}
ROLE_OF_KIND = {"physician": "clinician", "provider": "clinician", "peer-therapist": "clinician"}
ROLE_OF_KIND |= {"office-staff": "staff", "office": "staff"}
SAME_PRESS = timedelta(minutes=1)


@dataclass(frozen=True)
class Held:
    """What the end of an event left: how many were there, whose meal is in the ledger, who is over the limit."""

    present: int
    in_ledger: int = 0
    over_limit: int = 0


def sign_in(
    session: Session,
    event: Event,
    *,
    now: datetime,
    by_id: int | None,
    contact_id: int | None = None,
    name: str = "",
    role: str = "",
) -> Attendance | Refusal:
    """That person was there. Whoever was not invited is a walk-in. Idempotent for a contact.

    The same typed name within a minute is the same press. Who is remembered after the meal was shared has their plate
    in the value ledger too.

    Refusals: no-contact, no-name, unknown-role, cancelled, too-early (before the day of the event).
    """
    if (no := refuse_sign_in(event, now=now)) is not None:
        return no
    contact = session.get(Contact, contact_id) if contact_id else None
    if contact_id and (contact is None or contact.deleted_at is not None):
        return Refusal("no-contact", "This contact does not exist.")
    if contact is None and not name.strip():
        return Refusal("no-name", "Type a name or choose a contact.")
    role = role or (ROLE_OF_KIND.get(contact.kind, "other") if contact else "other")
    if role not in ROLES:
        return Refusal("unknown-role", "Choose what the person is.")
    session.execute(select(Event.id).where(Event.id == event.id).with_for_update())
    typed = "" if contact else " ".join(name.split())[:200]
    known = is_there(session, event, contact_id) or _just_signed(session, event, typed, role, now=now)
    if known is not None:
        return known
    invited = contact_id is not None and session.scalar(
        select(Invitation.id).where(Invitation.event_id == event.id, Invitation.contact_id == contact_id)
    )
    row = Attendance(
        event_id=event.id,
        contact_id=contact_id,
        name=typed,
        role=role,
        walk_in=not invited,
        at=now,
        by_id=by_id,
    )
    session.add(row)
    session.flush()
    if contact_id and event.starts_at:
        timeline.add(
            session,
            now=now,
            at=min(event.starts_at, now),
            contact_id=contact_id,
            kind="attended",
            text=f"Came to “{event.title}”",
            by_id=by_id,
            origin=f"event:{event.id}",
        )
    _enter_late(session, event, row, now=now, by_id=by_id)
    return row


def sign_out(session: Session, event: Event, attendance_id: int) -> Refusal | None:
    """A slip at the door is taken back, with its line on the timeline. Refusals: over. Idempotent."""
    if event.status == "took-place":
        return Refusal("over", "The sign-in sheet is closed. Correct the value ledger instead.")
    row = session.get(Attendance, attendance_id)
    if row is None or row.event_id != event.id:
        return None
    if row.contact_id is not None:
        touch = timeline.Touch
        session.execute(
            delete(touch).where(
                touch.origin == f"event:{event.id}", touch.kind == "attended", touch.contact_id == row.contact_id
            )
        )
    session.delete(row)
    session.flush()
    return None


def take_place(
    session: Session,
    event: Event,
    *,
    now: datetime,
    by_id: int | None,
    cost_cents: int | None = None,
    questions: str = "",
) -> Held | Refusal:
    """The event took place; a meal is shared over everyone who signed in and stands in the value ledger. Idempotent.

    Refusals: too-early, no-way, no-sign-in (a meal that nobody signed for cannot be split), bad-cost,
    already-shared (with another cost).
    """
    if event.status != "took-place" and not rules.may_become(event.status, "took-place"):
        return Refusal("no-way", f"An event that is “{rules.STATUS_LABELS[event.status]}” cannot have taken place.")
    if event.starts_at is None or event.starts_at > now:
        return Refusal("too-early", "The event has not begun yet.")
    if cost_cents is not None and not 0 <= cost_cents <= 1_000_000:
        return Refusal("bad-cost", "Enter what the meal cost in dollars, for example 186.40.")
    present = list(session.scalars(select(Attendance).where(Attendance.event_id == event.id)))
    if event.status == "took-place" and event.cost_cents and cost_cents not in (None, event.cost_cents):
        text = "The meal is in the value ledger already, with another cost. Correct the entries there."
        return Refusal("already-shared", text)
    if cost_cents and not present:
        return Refusal("no-sign-in", "Enter who came first: the cost of a meal is split over the sign-in sheet.")
    event.status, event.updated_at, event.version = "took-place", now, event.version + 1
    event.questions = questions.strip() or event.questions
    entered = over = 0
    if cost_cents:
        event.cost_cents = cost_cents
        plate = share(cost_cents, len(present))
        entered, over = _enter_meal(session, event, present, plate, now=now, by_id=by_id)
    planning.tick_off(session, event, ("sign-in",), now=now, by_id=by_id)
    # What nobody ticked off before the day has no meaning after it.
    planning.tick_off(session, event, BEFORE_THE_DAY, now=now, by_id=by_id, outcome="dropped")
    planning.lay_out(session, event, now=now)
    return Held(len(present), entered, over)


def refuse_sign_in(event: Event, *, now: datetime) -> Refusal | None:
    """Why nobody can sign in, or None."""
    if event.status == "cancelled":
        return Refusal("cancelled", "The event was cancelled.")
    zone = ZoneInfo(event.time_zone)
    if event.starts_on is None or now.astimezone(zone).date() < event.starts_on:
        return Refusal("too-early", "People sign in on the day of the event.")
    return None


def is_there(session: Session, event: Event, contact_id: int | None) -> Attendance | None:
    """The line of that contact on the sign-in sheet, or None."""
    if contact_id is None:
        return None
    return session.scalar(
        select(Attendance).where(Attendance.event_id == event.id, Attendance.contact_id == contact_id)
    )


def _just_signed(session: Session, event: Event, name: str, role: str, *, now: datetime) -> Attendance | None:
    same = select(Attendance).where(
        Attendance.event_id == event.id,
        Attendance.contact_id.is_(None),
        Attendance.name == name,
        Attendance.role == role,
        Attendance.at > now - SAME_PRESS,
    )
    return session.scalars(same.order_by(Attendance.id).limit(1)).first() if name else None


def _enter_late(session: Session, event: Event, row: Attendance, *, now: datetime, by_id: int | None) -> None:
    """The meal was shared already: the plates of the others stay, this one is added."""
    if event.status == "took-place" and event.cost_cents:
        heads = select(func.count()).select_from(Attendance).where(Attendance.event_id == event.id)
        plate = share(event.cost_cents, session.scalar(heads) or 1)
        _enter_meal(session, event, [row], plate, now=now, by_id=by_id)


def _enter_meal(
    session: Session, event: Event, present: list[Attendance], plate: int, *, now: datetime, by_id: int | None
) -> tuple[int, int]:
    """Everyone bears their own plate; our own people and names without a contact are not in the ledger."""
    assert event.starts_on is not None
    entered = over = 0
    for row in present:
        if row.contact_id is None or row.role == "ours":
            continue
        made = recording.record_eaten(
            session,
            Given(
                contact_id=row.contact_id,
                given_on=event.starts_on,
                kind="meal",
                what=f"Meal at “{event.title}”",
                amount_cents=plate,
                event_id=event.id,
                receipt_note="Sign-in sheet",
            ),
            now=now,
            today=now.astimezone(ZoneInfo(event.time_zone)).date(),
            by_id=by_id,
        )
        if isinstance(made, Refusal):
            continue
        entered += 1
        if made.standing.level == "blocked":
            over += 1
            _look_at_excess(session, event, row.contact_id, made.standing.text, now=now)
    return entered, over


def _look_at_excess(session: Session, event: Event, contact_id: int, text: str, *, now: datetime) -> None:
    assert event.starts_on is not None
    today = now.astimezone(ZoneInfo(event.time_zone)).date()
    cure = curing.said_of(session, contact_id, event.starts_on.year, today=today) or text
    tasks.add(
        session,
        now=now,
        kind="other",
        title=f"Over the yearly limit after “{event.title}”: an administrator has to look at it. {cure}"[:500],
        due_on=today,
        owner_id=event.host_id,
        contact_id=contact_id,
        event_id=event.id,
        origin=f"value:{event.id}:{contact_id}",
    )
