"""Everything one contact's page shows, and one organization's: reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.consent import EVERYTHING, Consent, suppressed_topics, why
from outreach.contacts.groups import live
from outreach.contacts.models import Contact, ContactPayer, ContactTag, Membership, Organization
from outreach.contacts.queries import Month, months_of
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import PERSONAL, Touch, TouchKind
from outreach.practice.models import Payer, Person

MAIL_KINDS = ("emailed", "mailed", "not-sent", "clicked", "replied", "bounced", "complained")
TABS: dict[str, tuple[str, tuple[str, ...]]] = {
    "everything": ("Everything", ()),
    "referrals": ("Referrals", ("referred", "referred-to")),
    "touches": ("Touches", PERSONAL),
    "emails": ("Emails", MAIL_KINDS),
    "notes": ("Notes", ("note",)),
}
STORY_PAGE = 30
SHORT = {
    "education": "Email",
    "newsletter": "Newsletter",
    "events": "Invitations",
    "cards": "Cards",
    "asks": "Requests",
}


@dataclass(frozen=True)
class Permission:
    """What may be sent on one topic: state is "yes", "stopped", "no" or "never asked"."""

    label: str
    state: str
    since_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class Told:
    """One entry of the history, with the words and icon of its kind."""

    touch: Touch
    label: str
    icon: str
    tone: str
    by: str


@dataclass(frozen=True)
class Profile:
    """What stands beside the history."""

    contact: Contact
    organization: Organization | None
    owner: str
    memberships: list[tuple[Membership, Organization]]
    tags: list[str]
    payers: list[str]
    tasks: list[Task]
    permissions: list[Permission]
    months: list[Month]
    counts: dict[str, int]

    @property
    def may_mail(self) -> bool:
        """Whether anything at all may go to them by email."""
        return self.contact.email is not None and any(p.state in ("yes", "never asked") for p in self.permissions)


def profile_of(session: Session, contact: Contact, *, now: datetime, zone: ZoneInfo) -> Profile:
    """The contact with everything around it, in a constant number of queries."""
    memberships = session.execute(
        select(Membership, Organization)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.contact_id == contact.id)
        .order_by(Membership.until_on.is_not(None), Membership.id.desc())
    ).all()
    owner = session.scalar(select(Person.name).where(Person.id == contact.owner_id)) if contact.owner_id else None
    return Profile(
        contact=contact,
        organization=session.get(Organization, contact.organization_id) if contact.organization_id else None,
        owner=owner or "",
        memberships=[(row[0], row[1]) for row in memberships],
        tags=list(
            session.scalars(select(ContactTag.tag).where(ContactTag.contact_id == contact.id).order_by(ContactTag.tag))
        ),
        payers=list(
            session.scalars(
                select(Payer.name)
                .join(ContactPayer, ContactPayer.payer_id == Payer.id)
                .where(ContactPayer.contact_id == contact.id)
                .order_by(Payer.name)
            )
        ),
        tasks=list(
            session.scalars(
                select(Task)
                .where(Task.contact_id == contact.id, Task.closed_at.is_(None))
                .order_by(Task.due_on, Task.id)
            )
        ),
        permissions=permissions_of(session, contact),
        months=months_of(session, [contact.id], now=now, zone=zone)[contact.id],
        counts=_counts(session, [contact.id]),
    )


def permissions_of(session: Session, contact: Contact) -> list[Permission]:
    """Topic by topic: the strictest thing known counts, a stop before a yes."""
    stops = suppressed_topics(session, contact.address_hash) if contact.address_hash else {}
    said: dict[str, Consent] = {}
    for row in session.scalars(
        select(Consent).where(Consent.contact_id == contact.id).order_by(Consent.at, Consent.id)
    ):
        said[row.topic] = row
    found = []
    for topic, label in SHORT.items():
        stop = stops.get(EVERYTHING) or stops.get(topic)
        given = [row for row in (said.get(topic), said.get(EVERYTHING)) if row is not None]
        last = max(given, key=lambda row: (row.at, row.id)) if given else None
        if stop is not None:
            found.append(Permission(label, "stopped", stop.since_at, why(stop.reason, stop.source)))
        elif last is not None:
            found.append(Permission(label, "yes" if last.granted else "no", last.at, last.source))
        else:
            found.append(Permission(label, "never asked"))
    return found


def history(session: Session, ids: Sequence[int], tab: str, kinds: Sequence[TouchKind], *, limit: int) -> list[Told]:
    """The newest entries of one contact's (or one organization's people's) story, of the kinds of a tab."""
    words = {kind.name: kind for kind in kinds}
    wanted = TABS.get(tab, TABS["everything"])[1]
    found = (
        select(Touch, Person.name)
        .outerjoin(Person, Person.id == Touch.by_id)
        .where(Touch.contact_id.in_(ids))
        .order_by(Touch.at.desc(), Touch.id.desc())
        .limit(limit)
    )
    if wanted:
        found = found.where(Touch.kind.in_(wanted))
    return [_told(touch, by or "", words.get(touch.kind)) for touch, by in session.execute(found)]


def tab_counts(counts: dict[str, int]) -> dict[str, int]:
    """How many entries stand under each tab."""
    return {
        name: sum(counts.get(kind, 0) for kind in kinds) if kinds else sum(counts.values())
        for name, (_, kinds) in TABS.items()
    }


def people_at(session: Session, organization_id: int) -> list[Contact]:
    """Who belongs to the organization now, the desk first."""
    return list(
        session.scalars(
            select(Contact)
            .where(Contact.organization_id == organization_id, live())
            .order_by(Contact.first_name != "", Contact.sort_name, Contact.id)
        )
    )


def _counts(session: Session, ids: Sequence[int]) -> dict[str, int]:
    rows = session.execute(select(Touch.kind, func.count()).where(Touch.contact_id.in_(ids)).group_by(Touch.kind))
    return {row[0]: row[1] for row in rows}


def _told(touch: Touch, by: str, kind: TouchKind | None) -> Told:
    if kind is None:
        kind = TouchKind(touch.kind, touch.kind.replace("-", " ").capitalize(), "note")
    tone = "pine" if kind.from_yield else "iris" if kind.personal else "sky" if kind.name in MAIL_KINDS else "plain"
    return Told(touch, kind.label, kind.icon, tone, by)


def kinds_known(contributed: Sequence[TouchKind]) -> tuple[TouchKind, ...]:
    """Our own kinds and those that other rooms offer, each once."""
    return tuple({kind.name: kind for kind in (*timeline.OWN_KINDS, *contributed)}.values())
