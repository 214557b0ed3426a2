"""What the screens of events show. Lists are ordered by date, name and place, by nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.contacts.tasks import Task
from outreach.deliveries import outbox
from outreach.events import rules
from outreach.events.models import Attendance, CalendarAnswer, Event, EventMessage, Invitation, Rsvp
from outreach.events.timelines import MESSAGES, step_of

PAGE = 50
YEAR = timedelta(days=365)
VIEWS = ("upcoming", "ideas", "past", "cancelled")
SENT = ("sent", "delivered", "bounced", "complained", "unconfirmed")


@dataclass(frozen=True)
class Line:
    """One event of a list."""

    event: Event
    place: str
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """ "9 of 12 are coming", or nobody invited yet."""
        invited = sum(self.answers.values())
        return f"{self.answers.get('yes', 0)} of {invited} are coming" if invited else "Nobody invited yet"


@dataclass(frozen=True)
class Guest:
    """One invited person as the event page shows it. Diets are not here: they are counts, not names."""

    invitation: Invitation
    contact_id: int
    name: str
    kind: str
    place: str


@dataclass(frozen=True)
class Heads:
    """What the kitchen needs to know: people, and special meals as counts."""

    answers: dict[str, int]
    guests: int
    diets: dict[str, int]
    expected: int = 0
    """Clinicians and staff together, as the office said."""

    @property
    def kitchen(self) -> int:
        """For how many to cook and to copy: who said yes, and as long as nobody did, whom the office expects."""
        return self.total or self.expected

    @property
    def total(self) -> int:
        """Everyone who said yes, with whom they bring."""
        return self.answers.get("yes", 0) + self.guests


@dataclass(frozen=True)
class Posted:
    """One message of the timeline, with what became of it so far."""

    step: str
    title: str
    state: str
    due_at: datetime
    kind: str
    counts: dict[str, int]

    @property
    def sent(self) -> int:
        """How many left."""
        return sum(many for state, many in self.counts.items() if state in SENT)

    @property
    def waiting(self) -> int:
        """How many are in the outbox."""
        return sum(many for state, many in self.counts.items() if state in ("scheduled", "claimed", "sending", "held"))


@dataclass(frozen=True)
class Present:
    """One line of the sign-in sheet."""

    attendance: Attendance
    name: str
    place: str


def lines(session: Session, view: str, *, now: datetime, page: int = 1) -> list[Line]:
    """The events of a view; one more than a page, so that the screen knows whether there are more."""
    found = select(Event, Organization.name).outerjoin(Organization, Organization.id == Event.organization_id)
    over = or_(Event.status.in_(("took-place", "no-show")), Event.ends_at <= now)
    if view == "past":
        found = found.where(over, Event.status != "cancelled").order_by(Event.starts_at.desc())
    elif view == "ideas":
        found = found.where(Event.status.in_(("idea", "offered"))).order_by(Event.title)
    elif view == "cancelled":
        found = found.where(Event.status == "cancelled").order_by(Event.cancelled_at.desc())
    else:
        found = found.where(Event.status.in_(rules.STANDS), Event.ends_at > now).order_by(Event.starts_at)
    rows = session.execute(found.order_by(Event.id).limit(PAGE + 1).offset((page - 1) * PAGE)).all()
    counted = answers_of(session, [event.id for event, _ in rows])
    return [Line(event, place or event.place, counted.get(event.id, {})) for event, place in rows]


def between(session: Session, since: datetime, until: datetime) -> list[Line]:
    """The events that start in that span and were not cancelled, soonest first: for calendars and Today."""
    rows = session.execute(
        select(Event, Organization.name)
        .outerjoin(Organization, Organization.id == Event.organization_id)
        .where(Event.starts_at >= since, Event.starts_at < until, Event.status != "cancelled")
        .order_by(Event.starts_at, Event.id)
    ).all()
    counted = answers_of(session, [event.id for event, _ in rows])
    return [Line(event, place or event.place, counted.get(event.id, {})) for event, place in rows]


def answers_of(session: Session, event_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """{event id: {answer: people}} of the invited."""
    rows = session.execute(
        select(Invitation.event_id, Invitation.answer, func.count())
        .where(Invitation.event_id.in_(event_ids), Invitation.state != "not-sent")
        .group_by(Invitation.event_id, Invitation.answer)
    )
    found: dict[int, dict[str, int]] = {}
    for event_id, answer, many in rows:
        found.setdefault(event_id, {})[answer] = many
    return found


def guests(session: Session, event: Event) -> list[Guest]:
    """Everyone invited, by name."""
    rows = session.execute(
        select(Invitation, Contact, Organization.name)
        .join(Contact, Contact.id == Invitation.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(Invitation.event_id == event.id)
        .order_by(Contact.sort_name, Contact.id)
    )
    return [Guest(one, contact.id, contact.name, contact.kind, place or "") for one, contact, place in rows]


def heads(invited: Sequence[Guest], event: Event | None = None) -> Heads:
    """The counts behind the list, and what the office of the event expects."""
    answers: dict[str, int] = {}
    diets: dict[str, int] = {}
    brought = 0
    for guest in invited:
        one = guest.invitation
        if one.state == "not-sent":
            continue
        answers[one.answer] = answers.get(one.answer, 0) + 1
        if one.answer == "yes":
            brought += one.guests
            for name, many in one.diets.items():
                diets[name] = diets.get(name, 0) + many
    expected = (event.expected_clinicians or 0) + (event.expected_staff or 0) if event else 0
    return Heads(answers, brought, {name: diets[name] for name in rules.DIETS if name in diets}, expected)


def comments(session: Session, event: Event) -> list[str]:
    """What people wrote last, newest first, without names."""
    last = (
        select(func.max(Rsvp.id))
        .join(Invitation, Invitation.id == Rsvp.invitation_id)
        .where(Invitation.event_id == event.id, Rsvp.stale == "", Rsvp.comment != "")
        .group_by(Rsvp.invitation_id)
    )
    return list(session.scalars(select(Rsvp.comment).where(Rsvp.id.in_(last)).order_by(Rsvp.id.desc())))


def history(session: Session, invitation_id: int) -> list[Rsvp]:
    """Every answer of one person, newest first, the stale ones too."""
    found = select(Rsvp).where(Rsvp.invitation_id == invitation_id).order_by(Rsvp.id.desc())
    return list(session.scalars(found))


def messages(session: Session, event: Event) -> list[Posted]:
    """What is planned for the event as it stands, and what left already, in order."""
    counted = outbox.counts(session, "event", event.id)
    rows = session.scalars(
        select(EventMessage)
        .where(EventMessage.event_id == event.id, EventMessage.state != "cancelled")
        .order_by(EventMessage.due_at, EventMessage.id)
    )
    found = []
    for row in rows:
        step = step_of(event.type, row.step) or MESSAGES.get(row.step)
        kind = rules.MESSAGE_KINDS[step.audience] if step else "invitation"
        title = step.title if step else "Invitations"
        found.append(Posted(row.step, title, row.state, row.due_at, kind, counted.get(row.step, {})))
    for step_name, title in (("invitation-update", "Change of time or place"), ("cancellation", "Cancellation")):
        if step_name in counted:
            found.append(Posted(step_name, title, "sent", event.updated_at, step_name, counted[step_name]))
    return found


def checklist(session: Session, event: Event) -> list[Task]:
    """The tasks of the event, open ones first, by day."""
    found = select(Task).where(Task.event_id == event.id, func.coalesce(Task.outcome, "") != "dropped")
    return list(session.scalars(found.order_by(Task.closed_at.is_not(None), Task.due_on, Task.id)))


def sheet(session: Session, event: Event) -> list[Present]:
    """Who signed in, in the order of signing in."""
    rows = session.execute(
        select(Attendance, Contact, Organization.name)
        .outerjoin(Contact, Contact.id == Attendance.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(Attendance.event_id == event.id)
        .order_by(Attendance.id)
    )
    return [Present(row, contact.name if contact else row.name, place or "") for row, contact, place in rows]


def unread_answers(session: Session) -> list[tuple[CalendarAnswer, Event | None]]:
    """Calendar answers that a person has to look at, newest first."""
    rows = session.execute(
        select(CalendarAnswer, Event)
        .outerjoin(Invitation, Invitation.id == CalendarAnswer.invitation_id)
        .outerjoin(Event, Event.id == Invitation.event_id)
        .where(CalendarAnswer.looked_at.is_(None))
        .order_by(CalendarAnswer.at.desc())
        .limit(PAGE)
    )
    return [(answer, event) for answer, event in rows]


def same_topic_lately(session: Session, event: Event, *, now: datetime) -> Event | None:
    """Another event at the same office on the same topic within a year of this one (of today without a date): S19."""
    around = event.starts_at or now
    if not event.topic.strip() or event.organization_id is None:
        return None
    return session.scalar(
        select(Event)
        .where(
            Event.organization_id == event.organization_id,
            Event.id != event.id,
            func.lower(func.trim(Event.topic)) == event.topic.strip().lower(),
            Event.starts_at >= around - YEAR,
            Event.starts_at <= around + YEAR,
            Event.status.in_(("took-place", *rules.STANDS)),
        )
        .order_by(Event.starts_at.desc(), Event.id)
        .limit(1)
    )
