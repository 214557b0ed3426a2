"""Reads shaped for screens: the list of campaigns, and one contact's campaigns."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.orm import Session

from outreach.campaigns.effects import SOURCE
from outreach.campaigns.models import Campaign, CampaignVersion, Enrollment
from outreach.campaigns.telling import stop_words
from outreach.contacts.models import Group
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery, LinkClick

TABS = {
    "all": ("All", ()),
    "live": ("Live", ("live", "held")),
    "draft": ("Drafts", ("draft",)),
    "ended": ("Ended", ("ended",)),
}
PAGE = 50


@dataclass(frozen=True)
class CampaignRow:
    """One line of the list."""

    campaign: Campaign
    group: str
    inside: int
    been: int
    sent: int
    clicked: int
    referred: int
    next_at: datetime | None
    has_draft: bool


@dataclass(frozen=True)
class OfContact:
    """One campaign that a contact is or was in."""

    campaign_id: int
    name: str
    state: str
    entered_at: datetime
    due_at: datetime | None
    why: str


def campaigns_in(session: Session, tab: str, *, offset: int = 0) -> list[CampaignRow]:
    """A page of the list, newest first, one more than fits; one statement."""
    statuses = TABS.get(tab, TABS["all"])[1]
    chosen = (
        select(
            Campaign,
            Group.name,
            _ways(Enrollment.state.in_(("active", "on-hold"))),
            _ways(Enrollment.state != "held-out"),
            _sent(),
            _clicked(),
            _referred(),
            _due(),
            _drafts(),
        )
        .outerjoin(Group, Group.id == Campaign.group_id)
        .where(Campaign.deleted_at.is_(None))
        .order_by(Campaign.id.desc())
        .limit(PAGE + 1)
        .offset(offset)
    )
    if statuses:
        chosen = chosen.where(Campaign.status.in_(statuses))
    return [
        CampaignRow(row[0], row[1] or "", row[2], row[3], row[4], row[5], row[6], row[7], bool(row[8]))
        for row in session.execute(chosen)
    ]


def tab_counts(session: Session) -> dict[str, int]:
    """How many campaigns stand under each tab."""
    rows = session.execute(
        select(Campaign.status, func.count()).where(Campaign.deleted_at.is_(None)).group_by(Campaign.status)
    )
    by_status = {row[0]: row[1] for row in rows}
    return {
        tab: sum(by_status.get(status, 0) for status in statuses) if statuses else sum(by_status.values())
        for tab, (_, statuses) in TABS.items()
    }


def of_contact(session: Session, contact_id: int) -> list[OfContact]:
    """The campaigns that a contact is or was in, newest first. Hold-outs are not told: that would spoil the draw."""
    rows = session.execute(
        select(Enrollment, Campaign.name)
        .join(Campaign, Campaign.id == Enrollment.campaign_id)
        .where(Enrollment.contact_id == contact_id, Enrollment.state != "held-out", Campaign.deleted_at.is_(None))
        .order_by(Enrollment.id.desc())
        .limit(20)
    )
    return [
        OfContact(
            way.campaign_id,
            name,
            way.state,
            way.entered_at,
            way.due_at,
            stop_words(way.stop_reason) if way.stop_reason else "",
        )
        for way, name in rows
    ]


def can_take(session: Session, contact_id: int) -> list[tuple[int, str]]:
    """(id, name) of the live campaigns that the contact is not in."""
    inside = select(Enrollment.campaign_id).where(Enrollment.contact_id == contact_id)
    rows = session.execute(
        select(Campaign.id, Campaign.name)
        .where(Campaign.status == "live", Campaign.deleted_at.is_(None), Campaign.id.not_in(inside))
        .order_by(Campaign.name)
    )
    return [(row.id, row.name) for row in rows]


def _ways(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    ways = select(func.count()).select_from(Enrollment).where(Enrollment.campaign_id == Campaign.id, condition)
    return ways.correlate(Campaign).scalar_subquery()


def _due() -> ScalarSelect[datetime | None]:
    due = select(func.min(Enrollment.due_at)).where(Enrollment.campaign_id == Campaign.id, Enrollment.state == "active")
    return due.correlate(Campaign).scalar_subquery()


def _sent() -> ScalarSelect[int]:
    sent = select(func.count()).select_from(Delivery).where(*_of_campaign(), Delivery.sent_at.is_not(None))
    return sent.correlate(Campaign).scalar_subquery()


def _clicked() -> ScalarSelect[int]:
    people = (
        select(func.count(func.distinct(Delivery.contact_id)))
        .join(LinkClick, LinkClick.delivery_id == Delivery.id)
        .where(*_of_campaign(), LinkClick.machine.is_(False))
    )
    return people.correlate(Campaign).scalar_subquery()


def _referred() -> ScalarSelect[int]:
    people = (
        select(func.count(func.distinct(Enrollment.contact_id)))
        .join(Touch, Touch.contact_id == Enrollment.contact_id)
        .where(
            Enrollment.campaign_id == Campaign.id,
            Enrollment.state != "held-out",
            Touch.kind == "referred",
            Touch.at >= Enrollment.entered_at,
        )
    )
    return people.correlate(Campaign).scalar_subquery()


def _drafts() -> ScalarSelect[int]:
    drafts = (
        select(func.count())
        .select_from(CampaignVersion)
        .where(CampaignVersion.campaign_id == Campaign.id, CampaignVersion.state == "draft")
    )
    return drafts.correlate(Campaign).scalar_subquery()


def _of_campaign() -> tuple[ColumnElement[bool], ...]:
    return Delivery.source == SOURCE, Delivery.source_id == Campaign.id
