"""Reads shaped for the screens of issues: the list, progress, and what came of an issue person by person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, exists, func, literal, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.contacts.timeline import Touch
from outreach.deliveries.caps import capping
from outreach.deliveries.caps.cap_rules import WEIGHTS, Mail, allowed_from
from outreach.deliveries.house import House
from outreach.deliveries.models import Delivery, LinkClick
from outreach.deliveries.sets import is_one_of
from outreach.deliveries.words import reason_words, state_words
from outreach.newsletters.again import STEP as AGAIN
from outreach.newsletters.again import taken_back
from outreach.newsletters.audience import KIND, left_out_words
from outreach.newsletters.dispatching import ON_ITS_WAY, SOURCE
from outreach.newsletters.models import Issue, IssueRecipient

TABS = {
    "all": ("All", ()),
    "draft": ("Drafts", ("draft",)),
    "going": ("Scheduled and sending", ("approved", "sending", "held")),
    "sent": ("Sent", ("sent", "cancelled")),
}
PAGE = 50
FIRST_PEOPLE = 10
REACHED = ("sent", "delivered", "complained")
Row = tuple[Any, ...]
VIEWS = ("all", "delivered", "clicked", "replied", "problem", "waiting")


@dataclass(frozen=True)
class Results:
    """What came of an issue. Opens are not counted: mail programs fetch pictures by themselves."""

    people: int = 0
    sent: int = 0
    delivered: int = 0
    clicked: int = 0
    replied: int = 0
    came_back: int = 0
    waiting: int = 0
    not_sent: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many are settled, one way or the other."""
        return self.people - self.waiting


@dataclass(frozen=True)
class Line:
    """One person of an issue and what came of it."""

    contact_id: int
    name: str
    kind: str
    place: str
    words: str
    at: datetime | None
    clicked: bool
    replied: bool


def issues(session: Session, tab: str, *, limit: int = PAGE, offset: int = 0) -> Sequence[Issue]:
    """The issues of a tab: what is on its way first, then newest first."""
    going = case((Issue.status.in_(TABS["going"][1]), 0), (Issue.status == "draft", 1), else_=2)
    found = _listed(select(Issue), tab).order_by(going, func.coalesce(Issue.send_at, Issue.edited_at).desc(), Issue.id)
    return session.scalars(found.limit(limit).offset(offset)).all()


def tab_counts(session: Session) -> dict[str, int]:
    """How many issues each tab holds."""
    rows = session.execute(select(Issue.status, func.count()).where(Issue.deleted_at.is_(None)).group_by(Issue.status))
    by_status = {row[0]: row[1] for row in rows}
    return {
        tab: sum(many for status, many in by_status.items() if not statuses or status in statuses)
        for tab, (_, statuses) in TABS.items()
    }


def latest(session: Session) -> Issue | None:
    """The issue that a next one may start from: the last that was sent, else the last that was made."""
    sent_first = case((Issue.status == "sent", 0), else_=1)
    found = select(Issue).where(Issue.deleted_at.is_(None), Issue.status != "cancelled")
    return session.scalars(found.order_by(sent_first, Issue.id.desc()).limit(1)).first()


def _listed(found: Select[Issue], tab: str) -> Select[Issue]:
    statuses = TABS.get(tab, TABS["all"])[1]
    found = found.where(Issue.deleted_at.is_(None))
    return found.where(Issue.status.in_(statuses)) if statuses else found


def results_of(session: Session, issue_ids: Collection[int]) -> dict[int, Results]:
    """Results of many issues in three statements."""
    ids = list(issue_ids)
    if not ids:
        return {}
    people = _grouped(
        session,
        select(IssueRecipient.issue_id, IssueRecipient.left_out, IssueRecipient.planned_at.is_(None), func.count())
        .where(IssueRecipient.issue_id.in_(ids))
        .group_by(IssueRecipient.issue_id, IssueRecipient.left_out, IssueRecipient.planned_at.is_(None)),
    )
    states = _grouped(
        session,
        select(Delivery.source_id, Delivery.state, Delivery.reason, func.count())
        .where(Delivery.source == SOURCE, Delivery.source_id.in_(ids), ~_went_again(), ~taken_back())
        .group_by(Delivery.source_id, Delivery.state, Delivery.reason),
    )
    acts = _grouped(
        session,
        select(
            Delivery.source_id,
            func.count().filter(_clicked()),
            func.count().filter(_replied()),
        )
        .where(Delivery.source == SOURCE, Delivery.source_id.in_(ids), Delivery.sent_at.is_not(None))
        .group_by(Delivery.source_id),
    )
    return {each: _results(people.get(each, []), states.get(each, []), acts.get(each, [])) for each in ids}


def _grouped(session: Session, found: Select[*tuple[Any, ...]]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = {}
    for row in session.execute(found):
        grouped.setdefault(row[0], []).append(tuple(row[1:]))
    return grouped


def _results(people: list[Row], states: list[Row], acts: list[Row]) -> Results:
    total = sum(many for _, _, many in people)
    unplanned = sum(many for _, unplanned, many in people if unplanned)
    not_sent = {left_out_words(why): many for why, _, many in people if why}
    by_state: dict[str, int] = {}
    for state, reason, many in states:
        by_state[state] = by_state.get(state, 0) + many
        if state not in (*REACHED, *ON_ITS_WAY, "bounced", "unconfirmed"):
            words = reason_words(reason) if reason else state_words(state).lower()
            not_sent[words] = not_sent.get(words, 0) + many
    clicked, replied = acts[0] if acts else (0, 0)
    return Results(
        people=total,
        sent=sum(by_state.get(state, 0) for state in (*REACHED, "bounced")),
        delivered=sum(by_state.get(state, 0) for state in ("delivered", "complained")),
        clicked=clicked,
        replied=replied,
        came_back=by_state.get("bounced", 0),
        waiting=unplanned + sum(by_state.get(state, 0) for state in ON_ITS_WAY),
        not_sent=not_sent,
    )


def _went_again() -> ColumnElement[bool]:
    """A mail that did not arrive, for which another one stands."""
    again = exists().where(
        IssueRecipient.issue_id == Delivery.source_id,
        IssueRecipient.contact_id == Delivery.contact_id,
        IssueRecipient.again_at.is_not(None),
    )
    return and_(Delivery.step == "", again.correlate(Delivery))


def _clicked() -> ColumnElement[bool]:
    return exists().where(LinkClick.delivery_id == Delivery.id, LinkClick.machine.is_(False)).correlate(Delivery)


def _replied() -> ColumnElement[bool]:
    return (
        exists()
        .where(
            Touch.contact_id == Delivery.contact_id,
            Touch.kind == "replied",
            Touch.origin == literal("delivery:") + cast(Delivery.id, String),
        )
        .correlate(Delivery)
    )


def lines(
    session: Session,
    issue: Issue,
    view: str,
    *,
    limit: int = PAGE,
    offset: int = 0,
    only: Collection[int] | None = None,
) -> list[Line]:
    """The people of an issue with what came of it, in the order in which they were planned; with `only`, these."""
    ours = and_(
        Delivery.source == SOURCE,
        Delivery.source_id == issue.id,
        Delivery.contact_id == IssueRecipient.contact_id,
        Delivery.step == case((IssueRecipient.again_at.is_not(None), AGAIN), else_=""),
        ~taken_back(),
    )
    clicked, replied = _clicked(), _replied()
    found = (
        select(IssueRecipient, Contact, Organization.name, Delivery, clicked.label("clicked"), replied.label("replied"))
        .join(Contact, Contact.id == IssueRecipient.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .outerjoin(Delivery, ours)
        .where(IssueRecipient.issue_id == issue.id)
        .order_by(IssueRecipient.place)
    )
    wanted = {
        "delivered": Delivery.state == "delivered",
        "clicked": clicked,
        "replied": replied,
        "waiting": Delivery.state.in_(ON_ITS_WAY) | IssueRecipient.planned_at.is_(None),
        "problem": Delivery.state.in_(("bounced", "failed", "suppressed", "held", "expired", "unconfirmed"))
        | (IssueRecipient.left_out != ""),
    }
    if view in wanted:
        found = found.where(wanted[view])
    if only is not None:
        found = found.where(is_one_of(session, IssueRecipient.contact_id.expression, only))
    return [
        Line(
            contact_id=contact.id,
            name=contact.name,
            kind=contact.kind,
            place=place or "",
            words=_words(recipient, delivery),
            at=(delivery.sent_at or (delivery.due_at if delivery.state in ON_ITS_WAY else None)) if delivery else None,
            clicked=bool(did_click),
            replied=bool(did_reply),
        )
        for recipient, contact, place, delivery, did_click, did_reply in session.execute(
            found.limit(limit).offset(offset)
        )
    ]


def _words(recipient: IssueRecipient, delivery: Delivery | None) -> str:
    if recipient.left_out:
        return f"Left out: {left_out_words(recipient.left_out)}"
    if delivery is None:
        return "Waits for its turn"
    words = state_words(delivery.state)
    return f"{words}: {reason_words(delivery.reason)}" if delivery.reason else words


@dataclass(frozen=True)
class FirstPerson:
    """One of the first people of an issue, with the moment it is planned for."""

    contact_id: int
    name: str
    kind: str
    place: str
    at: datetime | None
    zone: str
    waits: bool = False
    """It comes later than to others: they had much mail from us."""


def first_people(
    session: Session, contact_ids: Sequence[int], *, at: datetime, now: datetime, house: House
) -> list[FirstPerson]:
    """The first ten people, each with the time in their own zone, as the limits of what one person gets allow it."""
    chosen = list(contact_ids[:FIRST_PEOPLE])
    limits = capping.limits_of(session)
    loads = capping.loads_of(session, chosen, now=now, limits=limits)
    mail = Mail(0, at, WEIGHTS[KIND])
    rows = session.execute(
        select(Contact, Organization.name)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(Contact.id.in_(chosen))
    )
    found = {contact.id: (contact, place) for contact, place in rows}
    people = []
    for each in chosen:
        contact, place = found[each]
        zone = house.zone_of(contact.time_zone)
        allowed_at = allowed_from(loads[each], mail, limits=limits) if each in loads else at
        slot = house.slot(allowed_at, zone, None)
        due_at = slot.due_at if slot else None
        people.append(FirstPerson(each, contact.name, contact.kind, place or "", due_at, zone, allowed_at > at))
    return people
