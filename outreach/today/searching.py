"""Search over everything: people, places, what is sent, events, referrals by client number, and pages."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from outreach.campaigns.models import Campaign
from outreach.contacts.models import Organization
from outreach.contacts.queries import ContactCard, find
from outreach.events.models import Event
from outreach.events.rules import STATUS_LABELS
from outreach.newsletters.models import Issue
from outreach.referrals.models import Referral
from outreach.referrals.rules import STAGE_LABELS

MOST = 8
PAGES = (
    ("Today", "/", "whom to reach, what goes out"),
    ("Contacts", "/contacts/", "people physicians organizations"),
    ("Groups", "/groups/", "lists rules audience"),
    ("Import contacts", "/contacts/import", "csv spreadsheet upload mailchimp google nppes"),
    ("Referrals", "/referrals/", "clients sent sources"),
    ("Log a referral", "/referrals/new", "new client"),
    ("Log a touch", "/contacts/log-touch", "call visit note"),
    ("Campaigns", "/campaigns/", "drip emails"),
    ("Newsletters", "/newsletters/", "issue"),
    ("Holiday cards", "/cards/", "anniversary greeting labels"),
    ("Events", "/events/", "lunch and learn meetings talks"),
    ("Calendar", "/calendar", "month holidays agenda"),
    ("My day and week", "/calendar/mine", "plan meetings tasks print"),
    ("Calendar feeds", "/calendar/feeds", "subscribe ics google outlook iphone"),
    ("Hand over while away", "/events/away", "absence vacation stand in"),
    ("Testimonials", "/stories/", "stories permission authorization"),
    ("Analytics", "/reports/", "numbers lift payer lapsing"),
    ("Monthly report", "/reports/monthly", "owner print"),
    ("Outbox", "/outbox", "scheduled held failed mail"),
    ("Settings", "/settings/", "practice people sender limits"),
    ("Help", "/help", "shortcuts yield lift"),
)


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    title: str
    sub: str
    href: str


@dataclass(frozen=True)
class Found:
    """What was found, by kind; `people` with their cards."""

    people: list[ContactCard]
    organizations: list[Hit]
    sent: list[Hit]
    events: list[Hit]
    referrals: list[Hit]
    pages: list[Hit]

    def __bool__(self) -> bool:
        return bool(self.people or self.organizations or self.sent or self.events or self.referrals or self.pages)


def search(session: Session, text: str) -> Found:
    """Everything in which the text stands, at most eight of a kind. A client number must be typed from its start."""
    return Found(
        people=find(session, text, limit=MOST),
        organizations=_organizations(session, text),
        sent=[*_campaigns(session, text), *_issues(session, text)],
        events=_events(session, text),
        referrals=_referrals(session, text),
        pages=_pages(text),
    )


def _like(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    return func.lower(column).contains(text.lower().strip(), autoescape=True)


def _organizations(session: Session, text: str) -> list[Hit]:
    rows = session.scalars(
        select(Organization)
        .where(Organization.deleted_at.is_(None), _like(Organization.name.expression, text))
        .order_by(Organization.name)
        .limit(MOST)
    )
    return [Hit(one.name, one.city or one.type.replace("-", " "), f"/organizations/{one.id}") for one in rows]


def _campaigns(session: Session, text: str) -> list[Hit]:
    rows = session.scalars(
        select(Campaign)
        .where(Campaign.deleted_at.is_(None), _like(Campaign.name.expression, text))
        .order_by(Campaign.id.desc())
        .limit(MOST)
    )
    return [Hit(one.name, f"Campaign, {one.status}", f"/campaigns/{one.id}") for one in rows]


def _issues(session: Session, text: str) -> list[Hit]:
    rows = session.scalars(
        select(Issue)
        .where(Issue.deleted_at.is_(None), _like(Issue.title.expression, text))
        .order_by(Issue.id.desc())
        .limit(MOST)
    )
    return [Hit(one.title, f"Newsletter, {one.status}", f"/newsletters/{one.id}") for one in rows]


def _events(session: Session, text: str) -> list[Hit]:
    rows = session.scalars(
        select(Event)
        .where(_like(Event.title.expression, text) | _like(Event.topic.expression, text))
        .order_by(Event.starts_at.desc())
        .limit(MOST)
    )
    return [
        Hit(
            one.title,
            (f"{one.starts_on:%B} {one.starts_on.day}, " if one.starts_on else "") + STATUS_LABELS[one.status].lower(),
            f"/events/{one.id}",
        )
        for one in rows
    ]


def _referrals(session: Session, text: str) -> list[Hit]:
    rows = session.scalars(
        select(Referral)
        .where(Referral.deleted_at.is_(None), Referral.client_number.startswith(text.strip(), autoescape=True))
        .where(Referral.client_number != "")
        .order_by(Referral.received_on.desc(), Referral.id.desc())
        .limit(MOST)
    )
    return [
        Hit(
            f"Client {one.client_number}",
            f"{STAGE_LABELS[one.stage]}, received {one.received_on:%B} {one.received_on.day}",
            f"/referrals/{one.id}",
        )
        for one in rows
    ]


def _pages(text: str) -> list[Hit]:
    words = text.lower().split()
    return [
        Hit(name, "Page", href)
        for name, href, hint in PAGES
        if words and all(word in f"{name} {hint}".lower() for word in words)
    ]
