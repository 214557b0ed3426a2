"""What waits for a person: each line says what, how many, and leads to where it is mended."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import String, cast, func, literal, or_, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from outreach.campaigns.contributes import THANKS_SOURCES
from outreach.campaigns.models import Campaign
from outreach.contacts.consent import Authorization
from outreach.contacts.imports import ImportRun
from outreach.contacts.models import Contact
from outreach.contacts.tasks import Task
from outreach.deliveries.models import NEEDS_A_LOOK, Delivery, Hold, TransportState
from outreach.deliveries.ways import trouble
from outreach.deliveries.words import way_words
from outreach.events.models import CalendarAnswer, Event
from outreach.practice import audit_checking
from outreach.practice.models import Person
from outreach.referrals.duties.late import late_counts
from outreach.referrals.duties.thanking import late_count
from outreach.referrals.emr.emr_models import EmrRun
from outreach.referrals.queries import unmatched_count
from outreach.stories.models import Story
from outreach.today import causes
from outreach.ui import amount, count, plural

EXPIRING_DAYS = 60
SIGNED_DAYS = 7
IMPORT_DAYS = 7
MOST = 6


@dataclass(frozen=True)
class Waiting:
    """One line: what waits, and the word and place of what to do about it."""

    icon: str
    text: str
    label: str
    href: str


def waiting(session: Session, *, now: datetime, today: date, role: str = "") -> list[Waiting]:
    """Everything that stays still until somebody of this role looks, the most pressing first."""
    return [
        *(_altered(session) if role == "administrator" else []),
        *_stopped(session),
        *_not_getting_through(session, now=now),
        *_deliveries(session),
        *_unmatched(session),
        *_late(session, now=now, today=today),
        *_answers(session),
        *_imports(session, now=now),
        *_reports(session),
        *_stories(session, now=now, today=today),
        *_tasks(session, today=today),
    ]


def _altered(session: Session) -> list[Waiting]:
    if not audit_checking.altered(session):
        return []
    return [Waiting("alert-triangle", "The record of changes was altered", "Look", "/settings/audit/check")]


def _stopped(session: Session) -> list[Waiting]:
    lines = [
        Waiting("player-pause", _hold_text(scope, why, name), "Look", _hold_place(scope))
        for scope, why, name in session.execute(
            select(Hold.scope, Hold.why, Campaign.name)
            .outerjoin(Campaign, Hold.scope == literal("campaign:") + cast(Campaign.id, String))
            .where(Hold.lifted_at.is_(None), Hold.by_id.is_(None))
            .order_by(Hold.since_at)
            .limit(MOST)
        )
    ]
    paused = session.scalars(
        select(TransportState.name).where(TransportState.paused_at.is_not(None), TransportState.paused_by_id.is_(None))
    )
    return lines + [
        Waiting(
            "alert-triangle",
            f"{way_words(name)}: it refuses us, and no mail leaves by it",
            "Look",
            "/outbox/transports",
        )
        for name in paused
    ]


def _not_getting_through(session: Session, *, now: datetime) -> list[Waiting]:
    return [
        Waiting(
            "alert-triangle",
            f"{each.label}: mail does not get through. It is kept and tried again",
            "Look",
            "/outbox/transports",
        )
        for each in trouble.in_trouble(session, now=now)
        if each.lasting and not each.paused
    ]


def _hold_text(scope: str, why: str, campaign: str | None) -> str:
    if campaign:
        return f"“{campaign}” stopped itself" + (f": {why}" if why else "")
    return "All mail is on hold" + (f": {why}" if why else "") if scope == "all" else f"On hold: {why or scope}"


def _hold_place(scope: str) -> str:
    kind, _, number = scope.partition(":")
    return f"/campaigns/{number}" if kind == "campaign" else "/outbox"


def _deliveries(session: Session) -> list[Waiting]:
    rows = session.execute(
        select(Delivery.state, func.count(Delivery.id)).where(sql(NEEDS_A_LOOK)).group_by(Delivery.state)
    )
    numbers: dict[str, int] = {row[0]: row[1] for row in rows}
    said = {
        "unconfirmed": ("help", "{} may or may not have arrived", "Decide"),
        "failed": ("alert-triangle", "{} could not be sent", "Look"),
        "held": ("player-pause", "{} held back", "Look"),
    }
    return [
        Waiting(icon, words.format(count(numbers[state], "email")), label, f"/outbox?tab={state}")
        for state, (icon, words, label) in said.items()
        if numbers.get(state)
    ]


def _unmatched(session: Session) -> list[Waiting]:
    number = unmatched_count(session)
    if not number:
        return []
    text = f"{amount(number)} {plural(number, 'referral')} {plural(number, 'has')} no source yet"
    return [Waiting("user-plus", text, "Match", "/referrals/inbox")]


def _late(session: Session, *, now: datetime, today: date) -> list[Waiting]:
    counts = late_counts(session, today=today) | {"thanks": late_count(session, now=now, sources=THANKS_SOURCES)}
    said = (
        ("reports", "file-text", "{} to referrers {} late", "report", "Send"),
        ("thanks", "heart-handshake", "{} {} late", "thank-you", "Thank"),
        ("contact", "phone", "{} {} waiting for the first call", "new client", "Call"),
        ("appointment", "calendar-event", "{} {} without an appointment", "client", "Book"),
    )
    return [
        Waiting(icon, words.format(count(counts[which], noun), plural(counts[which], "is", "are")), label, href)
        for which, icon, words, noun, label in said
        if counts[which]
        for href in (f"/referrals/owed?tab={which}",)
    ]


def _answers(session: Session) -> list[Waiting]:
    number = session.scalar(
        select(func.count(CalendarAnswer.inbound_mail_id)).where(CalendarAnswer.looked_at.is_(None))
    )
    text = f"{count(number or 0, 'calendar answer')} to look at"
    return [Waiting("calendar-event", text, "Read", "/events/answers")] if number else []


def _imports(session: Session, *, now: datetime) -> list[Waiting]:
    runs = session.scalars(
        select(ImportRun)
        .where(ImportRun.created_at >= now - timedelta(days=IMPORT_DAYS), ImportRun.undone_at.is_(None))
        .order_by(ImportRun.id.desc())
        .limit(MOST)
    )
    lines = []
    for run in runs:
        problems = int(run.counts.get("problem") or 0)
        if run.status in ("done", "checked") and problems:
            rows = f"{amount(problems)} of {count(run.rows_total or problems, 'row')}"
            text = f"Import: {rows} {plural(problems, 'needs', 'need')} a look"
            lines.append(Waiting("file-import", text, "Fix", f"/contacts/import/{run.id}"))
        elif run.status == "failed":
            lines.append(Waiting("file-import", "An import stopped", "Look", f"/contacts/import/{run.id}"))
    return lines


def _reports(session: Session) -> list[Waiting]:
    rows = session.execute(
        select(EmrRun.id, EmrRun.status)
        .where(EmrRun.status.in_(("uploaded", "failed")))
        .order_by(EmrRun.id.desc())
        .limit(MOST)
    )
    said = {
        "uploaded": ("The EMR’s report waits for your check", "Check"),
        "failed": ("The EMR import stopped", "Look"),
    }
    return [Waiting("file-import", *said[status], f"/referrals/emr/{run_id}") for run_id, status in rows]


def _stories(session: Session, *, now: datetime, today: date) -> list[Waiting]:
    signed = (
        select(Story.id, Authorization.expires_on, Contact.first_name, Authorization.signed_at)
        .join(Authorization, Authorization.id == Story.authorization_id)
        .join(Contact, Contact.id == Authorization.contact_id)
        .where(Story.closed_at.is_(None))
    )
    live = (Authorization.state == "signed", Authorization.revoked_at.is_(None))
    fresh = signed.where(*live, Authorization.signed_at >= now - timedelta(days=SIGNED_DAYS))
    ending = signed.where(*live, Authorization.expires_on.between(today, today + timedelta(days=EXPIRING_DAYS)))
    rows = {row.id: row for part in (ending, fresh) for row in session.execute(part.limit(MOST))}
    return [_story(row.id, row.first_name, row.signed_at, row.expires_on, now=now) for row in rows.values()]


def _story(story_id: int, name: str, signed_at: datetime | None, ends_on: date | None, *, now: datetime) -> Waiting:
    who = name or "Somebody"
    if signed_at is not None and signed_at >= now - timedelta(days=SIGNED_DAYS):
        return Waiting("quote", f"{who} signed the testimonial permission", "View", f"/stories/{story_id}")
    end = f"{ends_on:%b} {ends_on.day}" if ends_on else "soon"
    return Waiting("quote", f"{who}’s testimonial permission ends {end}", "View", f"/stories/{story_id}")


def _tasks(session: Session, *, today: date) -> list[Waiting]:
    due = (Task.closed_at.is_(None), Task.due_on <= today, or_(Task.contact_id.is_(None), ~causes.ranked()))
    by_event = session.execute(
        select(Task.event_id, Event.title, func.count(Task.id), func.min(Task.title))
        .join(Event, Event.id == Task.event_id)
        .where(*due)
        .group_by(Task.event_id, Event.title)
        .order_by(func.min(Task.due_on), Task.event_id)
        .limit(MOST)
    )
    lines = [
        Waiting(
            "clipboard-check",
            title if number == 1 else f"{count(number, 'duty')} for “{name}”",
            "Open",
            f"/events/{event_id}",
        )
        for event_id, name, number, title in by_event
    ]
    others = session.execute(
        select(Task, Person.name)
        .outerjoin(Person, Person.id == Task.owner_id)
        .where(*due, Task.event_id.is_(None))
        .order_by(Task.due_on, Task.id)
        .limit(MOST)
    )
    return lines + [
        Waiting("clipboard-check", task.title + (f" ({owner})" if owner else ""), "Open", "/contacts/tasks?of=all")
        for task, owner in others
    ]
