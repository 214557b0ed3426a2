"""Everything one contact's page shows, and one organization's: reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts import timeline
from outreach.contacts.belonging import Relative, family_of
from outreach.contacts.consent import CAMPAIGN_TOPICS, EVERYTHING, Consent, suppressed_topics, why
from outreach.contacts.models import Contact, ContactPayer, ContactTag, Membership, Organization
from outreach.contacts.queries import Month, months_of
from outreach.contacts.tasks import Task
from outreach.contacts.timeline import PERSONAL, Touch, TouchKind
from outreach.practice.models import Payer, Person
from outreach.practice.service_area import Reach, reaches

MAIL_KINDS = ("emailed", "mailed", "not-sent", "clicked", "replied", "bounced", "complained")
FROM_THEM = ("referred", "replied", "clicked", "complained", "rsvp", "attended", "unsubscribed")
"""What comes from the contact; every other kind goes out from us or is our own note."""
TABS: dict[str, tuple[str, tuple[str, ...]]] = {
    "everything": ("Everything", ()),
    "referrals": ("Referrals", ("referred", "referred-to")),
    "touches": ("Touches", PERSONAL),
    "emails": ("Emails", MAIL_KINDS),
    "notes": ("Notes", ("note",)),
    "from-them": ("From them", FROM_THEM),
}
ANSWERS = (*FROM_THEM, "call", "visit", "meeting")
"""What shows that mail before it did not go into the void: anything from them, or a talk."""
YEAR = timedelta(days=365)
STORY_PAGE = 30
SHORT = {
    "education": "Email",
    "introductions": "Introductions",
    "referring": "About referring",
    "peers": "Between therapists",
    "aftercare": "After their time here",
    "acquaintances": "After meeting them",
    "newsletter": "Newsletter",
    "events": "Invitations",
    "cards": "Cards",
    "asks": "Requests",
}
_ALSO_EMAIL = {SHORT[topic] for topic in CAMPAIGN_TOPICS[1:]}


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
class MailFacts:
    """What became of our mail to them in twelve months."""

    sent: int
    came_back: int
    not_sent: int
    unanswered: int
    """How many went since the last time we heard from them in any way."""

    @property
    def sentence(self) -> str:
        """All of it in words; empty when nothing was ever tried."""
        if not (self.sent or self.not_sent):
            return ""
        said = [f"{self.sent} sent"]
        said += [f"{self.came_back} came back"] if self.came_back else []
        said += [f"{self.not_sent} not sent"] if self.not_sent else []
        said += [f"no answer to the last {self.unanswered}"] if self.unanswered > 1 else []
        return ", ".join(said)


@dataclass(frozen=True)
class Effort:
    """What twelve months of personal touches took: time, and money that is no gift."""

    touches: int
    minutes: int
    cost_cents: int

    @property
    def sentence(self) -> str:
        """In words; empty when nobody noted either."""
        if not (self.minutes or self.cost_cents):
            return ""
        each = self.cost_cents / max(self.touches, 1) / 100
        money = f", ${self.cost_cents / 100:,.2f} (${each:,.2f} a touch)" if self.cost_cents else ""
        return f"{self.minutes} minutes{money} for {self.touches} touch{'es' if self.touches != 1 else ''}"


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
    family: list[Relative]
    mail: MailFacts
    effort: Effort
    reach: Reach | None

    @property
    def may_mail(self) -> bool:
        """Whether anything at all may go to them by email."""
        if self.contact.do_not_contact_at is not None:
            return False
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
        family=family_of(session, contact.id),
        mail=mail_facts(session, contact.id, now=now),
        effort=effort_of(session, contact.id, now=now),
        reach=reaches(session, [contact.zip5]).get(contact.zip5[:5]) if contact.zip5 else None,
    )


def mail_facts(session: Session, contact_id: int, *, now: datetime) -> MailFacts:
    """What was sent, came back, could not go and found no answer, in one query."""
    heard = select(func.max(Touch.at)).where(Touch.contact_id == contact_id, Touch.kind.in_(ANSWERS)).scalar_subquery()
    sent = Touch.kind == "emailed"
    row = session.execute(
        select(
            func.count(case((sent, 1))),
            func.count(case((Touch.kind == "bounced", 1))),
            func.count(case((Touch.kind == "not-sent", 1))),
            func.count(case((and_(sent, or_(heard.is_(None), Touch.at > heard)), 1))),
        ).where(Touch.contact_id == contact_id, Touch.at >= now - YEAR)
    ).one()
    return MailFacts(*row)


def effort_of(session: Session, contact_id: int, *, now: datetime) -> Effort:
    """The personal touches of twelve months with their minutes and costs, in one query."""
    row = session.execute(
        select(
            func.count(), func.coalesce(func.sum(Touch.minutes), 0), func.coalesce(func.sum(Touch.cost_cents), 0)
        ).where(Touch.contact_id == contact_id, Touch.kind.in_(PERSONAL), Touch.at >= now - YEAR)
    ).one()
    return Effort(row[0], row[1] or 0, row[2] or 0)


def permissions_of(session: Session, contact: Contact) -> list[Permission]:
    """Topic by topic: the strictest thing known counts, a stop before a yes.

    Of the topics of campaigns, those are told that stand otherwise than "Email" does.
    """
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
    return [one for one in found if one.label not in _ALSO_EMAIL or one.state != found[0].state]


def place_history(session: Session, organization_id: int, kinds: Sequence[TouchKind], *, limit: int) -> list[Told]:
    """The story of a place: what happened with its people while they belonged to it, newest first.

    Whoever has a first or last day there brings only those days along; at most 200 such stays are looked at.
    """
    stays = session.scalars(
        select(Membership).where(Membership.organization_id == organization_id).order_by(Membership.id.desc())
    ).all()
    dated = [stay for stay in stays if stay.since_on or stay.until_on][:200]
    some = {stay.contact_id for stay in dated}
    always = {stay.contact_id for stay in stays if not (stay.since_on or stay.until_on)}
    here = select(Contact.id).where(Contact.organization_id == organization_id, Contact.id.not_in(some))
    return _telling(
        session, or_(Touch.contact_id.in_(here), Touch.contact_id.in_(always), *map(_during, dated)), kinds, limit
    )


def _during(stay: Membership) -> ColumnElement[bool]:
    days = [Touch.contact_id == stay.contact_id]
    if stay.since_on is not None:
        days.append(Touch.at >= datetime.combine(stay.since_on, time(), UTC) - timedelta(hours=14))
    if stay.until_on is not None:
        days.append(Touch.at < datetime.combine(stay.until_on, time(), UTC) + timedelta(hours=36))
    return and_(*days)


def history(session: Session, ids: Sequence[int], tab: str, kinds: Sequence[TouchKind], *, limit: int) -> list[Told]:
    """The newest entries of one contact's (or one organization's people's) story, of the kinds of a tab."""
    wanted = TABS.get(tab, TABS["everything"])[1]
    whose = Touch.contact_id.in_(ids)
    return _telling(session, and_(whose, Touch.kind.in_(wanted)) if wanted else whose, kinds, limit)


def _telling(session: Session, which: ColumnElement[bool], kinds: Sequence[TouchKind], limit: int) -> list[Told]:
    words = {kind.name: kind for kind in kinds}
    found = (
        select(Touch, Person.name)
        .outerjoin(Person, Person.id == Touch.by_id)
        .where(which)
        .order_by(Touch.at.desc(), Touch.id.desc())
        .limit(limit)
    )
    return [_told(touch, by or "", words.get(touch.kind)) for touch, by in session.execute(found)]


def tab_counts(counts: dict[str, int]) -> dict[str, int]:
    """How many entries stand under each tab."""
    return {
        name: sum(counts.get(kind, 0) for kind in kinds) if kinds else sum(counts.values())
        for name, (_, kinds) in TABS.items()
    }


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
