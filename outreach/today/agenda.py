"""What stands on which day: events, sends, duties and quiet days, for the calendar, its feed and the next dates."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select, true
from sqlalchemy.orm import Session

from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries.returns import unknown_wishes
from outreach.events import standing_in
from outreach.events.handing_over import spoken
from outreach.events.models import Event, Invitation
from outreach.newsletters.models import Issue
from outreach.practice.models import Person, QuietDay
from outreach.today.dates.mail_days import TITLES, MailDay, mail_days
from outreach.today.planning import midnight
from outreach.ui import count

CLIENT_TASK = "Client task"
"""No client is named where others may look over a shoulder: a wall calendar, a phone, a shared feed."""
ASKED_TO_STOP = unknown_wishes.ORIGIN
"""Whose title names somebody whom nobody knows: it may be a client."""
TASKS = "/contacts/tasks?of=all"
MOST_TASKS = 2000
"""As many duties as one calendar holds."""
SHOWN_EVENTS = ("offered", "booked", "confirmed", "took-place", "cancelled")


KINDS = ("event", "send", "task", "quiet", "away")


@dataclass(frozen=True)
class Entry:
    """One thing on a local day; `at` is None for what has no time of day, `until_on` is the last of several days."""

    on: date
    at: datetime | None
    kind: str
    """One of KINDS."""
    title: str
    sub: str = ""
    href: str = ""
    id: int = 0
    changed_at: datetime | None = None
    source: str = ""
    """For sends, what they belong to: newsletter, card, campaign or event."""
    counted: bool = False
    """Mail of the ledger, counted by day."""
    held: bool = False
    """Does not leave before somebody resumes it."""
    until_on: date | None = None
    owner: str = ""

    def saying(self, sub: str) -> "Entry":
        """The same with another second line."""
        return replace(self, sub=sub)


def entries(session: Session, first: date, last: date, *, zone: ZoneInfo) -> list[Entry]:
    """Everything on these local days, both included, in order of time."""
    found = [
        *quiet_days(session, first, last),
        *away(session, first, last, zone=zone),
        *events(session, first, last),
        *sends(session, first, last, zone=zone),
        *tasks(session, first, last),
    ]
    return sorted(found, key=lambda entry: (entry.on, entry.at is not None, entry.at or midnight(entry.on, zone)))


def coming_up(session: Session, *, today: date, how_many: int = 3) -> list[Entry]:
    """The next dates after today that are more than a day's work: events, issues, quiet days."""
    first, last = today + timedelta(days=1), today + timedelta(days=60)
    found = [*quiet_days(session, first, last), *events(session, first, last), *issues(session, first, last)]
    found += cards(session, first, last)
    return sorted(found, key=lambda entry: (entry.on, entry.kind))[:how_many]


def events(session: Session, first: date, last: date) -> list[Entry]:
    """Events with their answers."""
    return [entry for _, entry in events_of(session, first, last)]


def events_of(
    session: Session, first: date, last: date, *, people: Collection[int] | None = None
) -> list[tuple[Event, Entry]]:
    """Events on these local days with their answers; those that `people` host or present at, when given."""
    coming = func.sum(case((Invitation.answer == "yes", 1), else_=0))
    whose = true() if people is None else or_(Event.host_id.in_(people), Event.presenter_id.in_(people))
    rows = session.execute(
        select(Event, func.count(Invitation.id), coming)
        .outerjoin(Invitation, (Invitation.event_id == Event.id) & (Invitation.state != "cancelled"))
        .where(Event.starts_on.between(first, last), Event.status.in_(SHOWN_EVENTS), Event.status != "cancelled", whose)
        .group_by(Event.id)
        .order_by(Event.starts_at, Event.id)
    )
    return [(event, _event(event, invited, yes or 0)) for event, invited, yes in rows if event.starts_on is not None]


def _event(event: Event, invited: int, yes: int) -> Entry:
    return Entry(
        on=event.starts_on or date.min,
        at=event.starts_at,
        kind="event",
        title=event.title,
        sub=f"{yes} of {invited} are coming" if invited else "Nobody invited yet",
        href=f"/events/{event.id}",
        id=event.id,
        changed_at=event.updated_at,
    )


def issues(session: Session, first: date, last: date) -> list[Entry]:
    """Newsletter issues with a planned day."""
    rows = session.scalars(
        select(Issue).where(
            Issue.deleted_at.is_(None), Issue.send_on.between(first, last), Issue.status.in_(("draft", "approved"))
        )
    )
    return [
        Entry(
            on=issue.send_on,
            at=issue.send_at,
            kind="send",
            title=issue.title,
            sub=_issue_words(issue),
            href=f"/newsletters/{issue.id}",
            id=issue.id,
            changed_at=issue.edited_at,
            source="newsletter",
        )
        for issue in rows
        if issue.send_on is not None
    ]


def cards(session: Session, first: date, last: date) -> list[Entry]:
    """Runs of cards by the day their emails leave."""
    people = (
        select(func.count())
        .where(CardRecipient.run_id == CardRun.id, CardRecipient.way != "skip")
        .correlate(CardRun)
        .scalar_subquery()
    )
    rows = session.execute(
        select(CardRun, people).where(
            CardRun.deleted_at.is_(None),
            CardRun.status.in_(("draft", "approved")),
            CardRun.send_on.between(first, last),
        )
    )
    return [
        Entry(
            on=run.send_on,
            at=None,
            kind="send",
            title=run.title,
            sub=f"{count(number, 'person')}." + (" Needs your OK" if run.status == "draft" else ""),
            href=f"/cards/{run.id}",
            id=run.id,
            changed_at=run.edited_at,
            source="card",
        )
        for run, number in rows
    ]


def quiet_days(session: Session, first: date, last: date) -> list[Entry]:
    """Days on which nothing is sent."""
    days = session.scalars(select(QuietDay).where(QuietDay.on.between(first, last)))
    return [Entry(on=day.on, at=None, kind="quiet", title=day.name, sub="No sends that day") for day in days]


def sends(session: Session, first: date, last: date, *, zone: ZoneInfo) -> list[Entry]:
    """Mail by day as it left or waits in the ledger, and what is planned but not in it yet."""
    counted = [_mail(one) for one in mail_days(session, first, last, zone=zone)]
    known = {(one.source, one.id) for one in counted}
    planned = (*issues(session, first, last), *cards(session, first, last))
    return [*(one for one in planned if (one.source, one.id) not in known), *counted]


def _mail(one: MailDay) -> Entry:
    word = TITLES[one.source][2]
    return Entry(
        on=one.on,
        at=None,
        kind="send",
        title=f"Mail about {one.title or 'an event'}" if one.source == "event" else one.title or word,
        sub=count(one.number, "email") + (" on hold" if one.held else ""),
        href=f"/{one.source}s/{one.source_id}",
        id=one.source_id,
        changed_at=one.changed_at,
        source=one.source,
        counted=True,
        held=one.held,
    )


def away(session: Session, first: date, last: date, *, zone: ZoneInfo) -> list[Entry]:
    """Who is away, and who stands in; once per absence, from its first day in sight."""
    found = []
    for absence, who, colleague in standing_in.away_between(session, first, last):
        back_on = absence.ended_at.astimezone(zone).date() if absence.ended_at else absence.until_on
        until = min(absence.until_on, back_on)
        if until < first:
            continue
        entry = Entry(
            on=max(absence.from_on, first),
            at=None,
            kind="away",
            title=f"{who} is away",
            sub=f"{colleague} stands in until {spoken(until)}",
            href="/events/away",
            id=absence.id,
            changed_at=absence.ended_at or absence.made_at,
            until_on=until,
        )
        found.append(entry)
    return found


def tasks(
    session: Session, first: date, last: date, *, owner_id: int | None = None, limit: int = MOST_TASKS
) -> list[Entry]:
    """Open duties by their day; those about clients without a name. `owner_id` narrows to one person's and nobody's."""
    wanted = (
        select(Task, Contact, Person.name)
        .outerjoin(Contact, Contact.id == Task.contact_id)
        .outerjoin(Person, Person.id == Task.owner_id)
        .where(Task.closed_at.is_(None), Task.due_on.between(first, last))
    )
    if owner_id is not None:
        wanted = wanted.where(Task.owner_id.is_(None) | (Task.owner_id == owner_id))
    rows = session.execute(wanted.order_by(Task.due_on, Task.id).limit(limit))
    return [replace(task_entry(task, contact), owner=owner or "") for task, contact, owner in rows]


def task_entry(task: Task, contact: Contact | None) -> Entry:
    """A duty as it may be shown anywhere: about a client it has neither words nor a name."""
    about_client = contact is not None and contact.audience_class == "client"
    stranger = (task.origin or "").startswith(ASKED_TO_STOP)
    place = f"/events/{task.event_id}" if task.event_id else f"/today/reach/{task.contact_id}" if contact else TASKS
    return Entry(
        on=task.due_on,
        at=None,
        kind="task",
        title=CLIENT_TASK if about_client else "Somebody asked to stop our mail" if stranger else task.title,
        sub="" if about_client or contact is None else contact.name,
        href=place,
        id=task.id,
        changed_at=task.created_at,
    )


def _issue_words(issue: Issue) -> str:
    people = count(issue.counts.get("people") or issue.counted or 0, "person")
    return f"{people}. Needs your OK" if issue.status == "draft" else people
