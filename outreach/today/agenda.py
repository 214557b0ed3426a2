"""What stands on which day: events, sends, duties and quiet days, for the calendar, its feed and the next dates."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, or_, select, true
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign
from outreach.cards.models import CardRecipient, CardRun
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries.models import Delivery
from outreach.deliveries.rules import LEASED, WAITING
from outreach.events.models import Event, Invitation
from outreach.newsletters.models import Issue
from outreach.practice.models import QuietDay
from outreach.today.planning import midnight
from outreach.ui import count

CLIENT_TASK = "Client task"
"""No client is named where others may look over a shoulder: a wall calendar, a phone, a shared feed."""
SOURCES = ("campaign", "newsletter", "card", "event")
SHOWN_EVENTS = ("offered", "booked", "confirmed", "took-place", "cancelled")


@dataclass(frozen=True)
class Entry:
    """One thing on a local day; `at` is None for what has no time of day."""

    on: date
    at: datetime | None
    kind: str
    """event, send, task or quiet"""
    title: str
    sub: str = ""
    href: str = ""
    id: int = 0
    changed_at: datetime | None = None

    def saying(self, sub: str) -> "Entry":
        """The same with another second line."""
        return replace(self, sub=sub)


def entries(session: Session, first: date, last: date, *, zone: ZoneInfo) -> list[Entry]:
    """Everything on these local days, both included, in order of time."""
    found = [
        *quiet_days(session, first, last),
        *events(session, first, last),
        *issues(session, first, last),
        *cards(session, first, last),
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
        )
        for run, number in rows
    ]


def quiet_days(session: Session, first: date, last: date) -> list[Entry]:
    """Days on which nothing is sent."""
    days = session.scalars(select(QuietDay).where(QuietDay.on.between(first, last)))
    return [Entry(on=day.on, at=None, kind="quiet", title=day.name, sub="No sends that day") for day in days]


def sends(session: Session, first: date, last: date, *, zone: ZoneInfo) -> list[Entry]:
    """Mail per campaign, card or event and day: what left, and what the ledger will send."""
    start, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    moment = case((Delivery.sent_at.is_not(None), Delivery.sent_at), else_=Delivery.due_at)
    counts = Delivery.sent_at.is_not(None) | Delivery.state.in_((*WAITING, *LEASED))
    rows = session.execute(
        select(Delivery.source, Delivery.source_id, func.min(moment), func.count(Delivery.id), Campaign.name)
        .outerjoin(Campaign, (Campaign.id == Delivery.source_id) & (Delivery.source == "campaign"))
        .where(Delivery.source.in_(SOURCES), counts, moment >= start, moment < end)
        .group_by(Delivery.source, Delivery.source_id, func.date(moment), Campaign.name)
    )
    return [
        Entry(
            on=at.astimezone(zone).date(),
            at=at,
            kind="send",
            title=name or {"newsletter": "Newsletter", "card": "Cards", "event": "Event mail"}.get(source, "Mail"),
            sub=count(number, "email"),
            href=f"/{source}s/{source_id}",
            id=source_id,
        )
        for source, source_id, at, number, name in rows
    ]


def tasks(session: Session, first: date, last: date, *, owner_id: int | None = None) -> list[Entry]:
    """Open duties by their day; those about clients without a name. `owner_id` narrows to one person's and nobody's."""
    wanted = (
        select(Task, Contact)
        .outerjoin(Contact, Contact.id == Task.contact_id)
        .where(Task.closed_at.is_(None), Task.due_on.between(first, last))
    )
    if owner_id is not None:
        wanted = wanted.where(Task.owner_id.is_(None) | (Task.owner_id == owner_id))
    return [task_entry(task, contact) for task, contact in session.execute(wanted.order_by(Task.due_on, Task.id))]


def task_entry(task: Task, contact: Contact | None) -> Entry:
    """A duty as it may be shown anywhere: about a client it has neither words nor a name."""
    about_client = contact is not None and contact.audience_class == "client"
    place = f"/events/{task.event_id}" if task.event_id else f"/today/reach/{task.contact_id}" if contact else ""
    return Entry(
        on=task.due_on,
        at=None,
        kind="task",
        title=CLIENT_TASK if about_client else task.title,
        sub="" if about_client or contact is None else contact.name,
        href=place,
        id=task.id,
        changed_at=task.created_at,
    )


def _issue_words(issue: Issue) -> str:
    people = count(issue.counts.get("people") or issue.counted or 0, "person")
    return f"{people}. Needs your OK" if issue.status == "draft" else people
