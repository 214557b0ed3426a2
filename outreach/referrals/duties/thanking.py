"""Thanks for referrals: what starts when one comes in, and whose thanks are late. No client is ever named."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from outreach.contacts import tasks
from outreach.contacts.groups import live
from outreach.contacts.models import Contact, Organization
from outreach.contacts.timeline import Touch
from outreach.deliveries.models import Delivery
from outreach.errors import Refusal
from outreach.practice.models import Practice
from outreach.referrals.duties.duty_models import ThanksRule
from outreach.referrals.models import Referral

NEWS = timedelta(days=14)
"""What came longer ago is thanked for with the next one."""
SCRIPT = "Thank them for the referral. Say nothing about the client: not that they came, not for what."
LONGEST_HOURS = 24 * 14
STARTS = ("first", "every", "off")
ARRIVED = ("sent", "delivered")
PAGE = 50
Sources = Sequence[tuple[str, Any, Any]]
"""What thanks by mail: (source of its deliveries, query for the ids, query for the names of what runs now)."""


@dataclass(frozen=True)
class Unthanked:
    """Somebody whom nobody thanked in time: for how many referrals, and since when it is late."""

    contact_id: int
    name: str
    kind: str
    place: str
    referrals: int
    logged_at: datetime
    """When the oldest of them was logged."""
    due_at: datetime


def ask_for_thanks(
    session: Session, referrals: Sequence[Referral], *, now: datetime, today: date, by_id: int | None
) -> None:
    """A task to thank waits for each source that the rule names, once per referral; no client is named. Idempotent.

    Three queries and one statement, whatever the number of referrals.
    """
    rule = rule_of(session)
    news = [r for r in referrals if r.contact_id and r.direction == "in" and r.received_on >= today - NEWS]
    if not news or rule.by_campaign or not (rule.task_on_first or rule.task_on_every):
        return
    ids = {r.contact_id for r in news if r.contact_id}
    firsts = _first_referrals(session, ids)
    contacts = {one.id: one for one in session.scalars(select(Contact).where(Contact.id.in_(ids)))}
    due_on = _due_on(session, rule, now=now, today=today)
    rows = []
    for referral in news:
        contact, first = contacts.get(referral.contact_id or 0), firsts.get(referral.contact_id or 0) == referral.id
        if contact is not None and (rule.task_on_every or first):
            rows.append(_task(contact, referral, due_on, first=first, now=now, by_id=by_id))
    tasks.add_many(session, rows)


def rule_of(session: Session) -> ThanksRule:
    """What starts when a referral comes in; the first referral ever starts a task until somebody says otherwise."""
    return session.get(ThanksRule, 1) or ThanksRule(
        id=1, task_on_first=True, task_on_every=False, by_campaign=False, within_hours=48
    )


def starts_for(rule: ThanksRule) -> str:
    """Which referrals start thanks, a word of STARTS."""
    return "every" if rule.task_on_every else "first" if rule.task_on_first else "off"


def set_rule(
    session: Session, *, starts: str, by_campaign: bool, within_hours: int, sources: Sources = ()
) -> Refusal | None:
    """The rule counts for referrals logged from now on. Refusals: bad-start, bad-hours, no-campaign (none is live)."""
    if starts not in STARTS:
        return Refusal("bad-start", "Choose which referrals start thanks.")
    if not 1 <= within_hours <= LONGEST_HOURS:
        return Refusal("bad-hours", f"Say a number of hours between 1 and {LONGEST_HOURS} (two weeks).")
    if by_campaign and starts != "off" and not running(session, sources):
        return Refusal(
            "no-campaign", "No thank-you campaign is live yet. Publish one first; until then a task is made."
        )
    rule = session.get(ThanksRule, 1) or ThanksRule(id=1)
    rule.task_on_first, rule.task_on_every = starts == "first", starts == "every"
    rule.by_campaign, rule.within_hours = by_campaign, within_hours
    session.add(rule)
    session.flush()
    return None


def running(session: Session, sources: Sources) -> list[str]:
    """The names of what thanks by mail now."""
    return [name for _, _, live_names in sources for name in session.scalars(live_names)]


def late_thanks(
    session: Session, *, now: datetime, sources: Sources, after: tuple[datetime, int] | None = None
) -> list[Unthanked]:
    """Who sent us somebody and was not thanked within the hours of the rule, the longest first; one more than a page
    says that there is a next."""
    rule = rule_of(session)
    oldest, number = func.min(Referral.created_at), func.count(Referral.id)
    wanted = (
        select(Contact, func.max(Organization.name), number, oldest)
        .select_from(Referral)
        .join(Contact, Contact.id == Referral.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(_late(rule, now=now, sources=sources))
        .group_by(Contact.id)
        .order_by(oldest, Contact.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        since, contact_id = after
        wanted = wanted.having(or_(oldest > since, and_(oldest == since, Contact.id > contact_id)))
    return [
        Unthanked(one.id, one.name, one.kind, place or "", many, at, at + timedelta(hours=rule.within_hours))
        for one, place, many, at in session.execute(wanted)
    ]


def waiting_for_thanks(session: Session, contact_id: int, *, today: date, sources: Sources) -> tuple[int, date | None]:
    """How many of one contact's referrals of the last two weeks nobody thanked for, and the day of the last one.

    `today`: the local day.
    """
    said = exists().where(Touch.contact_id == contact_id, Touch.kind == "thank-you", Touch.at >= Referral.created_at)
    found = select(func.count(Referral.id), func.max(Referral.received_on)).where(
        Referral.contact_id == contact_id,
        Referral.direction == "in",
        Referral.deleted_at.is_(None),
        Referral.received_on >= today - NEWS,
        ~said,
        ~mailed_since(contact_id, Referral.created_at, sources),
    )
    number, last_on = session.execute(found).one()
    return number, last_on


def late_count(session: Session, *, now: datetime, sources: Sources) -> int:
    """How many contacts `late_thanks` lists."""
    return session.scalar(_late_contacts(rule_of(session), now=now, sources=sources)) or 0


def mailed_since(contact_id: ColumnElement[int | None] | Any, since: Any, sources: Sources) -> ColumnElement[bool]:
    """Whether mail of what thanks reached the contact since then."""
    return exists().where(
        Delivery.contact_id == contact_id,
        Delivery.sent_at >= since,
        Delivery.state.in_(ARRIVED),
        of_sources(sources),
    )


def of_sources(sources: Sources) -> ColumnElement[bool]:
    """The deliveries of what thanks by mail."""
    return or_(false(), *(and_(Delivery.source == source, Delivery.source_id.in_(ids)) for source, ids, _ in sources))


def _late_contacts(rule: ThanksRule, *, now: datetime, sources: Sources) -> Select[int]:
    return (
        select(func.count(func.distinct(Referral.contact_id)))
        .join(Contact, Contact.id == Referral.contact_id)
        .where(_late(rule, now=now, sources=sources))
    )


def _late(rule: ThanksRule, *, now: datetime, sources: Sources) -> ColumnElement[bool]:
    if starts_for(rule) == "off":
        return false()
    earlier = aliased(Referral)
    before = or_(
        earlier.received_on < Referral.received_on,
        and_(earlier.received_on == Referral.received_on, earlier.id < Referral.id),
    )
    not_first = exists().where(
        earlier.contact_id == Referral.contact_id, earlier.direction == "in", earlier.deleted_at.is_(None), before
    )
    said = exists().where(
        Touch.contact_id == Referral.contact_id, Touch.kind == "thank-you", Touch.at >= Referral.created_at
    )
    return and_(
        # A day more than the hours below, so that the index of days leads to the few that matter.
        Referral.received_on >= (now - NEWS - timedelta(days=1)).date(),
        Referral.created_at >= now - NEWS,
        Referral.created_at < now - timedelta(hours=rule.within_hours),
        Referral.direction == "in",
        Referral.deleted_at.is_(None),
        live(),
        Contact.deceased_on.is_(None),
        Contact.do_not_contact_at.is_(None),
        *([] if rule.task_on_every else [~not_first]),
        ~said,
        ~mailed_since(Referral.contact_id, Referral.created_at, sources),
    )


def _due_on(session: Session, rule: ThanksRule, *, now: datetime, today: date) -> date:
    zone = ZoneInfo(session.scalar(select(Practice.time_zone)) or "UTC")
    return max(today, (now + timedelta(hours=rule.within_hours)).astimezone(zone).date())


def _task(
    contact: Contact, referral: Referral, due_on: date, *, first: bool, now: datetime, by_id: int | None
) -> dict[str, object]:
    return {
        "kind": "thank",
        "title": f"Thank {contact.name} for {'their first' if first else 'the'} referral"[:500],
        "due_on": due_on,
        "owner_id": contact.owner_id or by_id,
        "contact_id": contact.id,
        "script": SCRIPT,
        "origin": f"referral:{referral.id}:thanks",
        "from_yield": True,
        "created_at": now,
    }


def _first_referrals(session: Session, contact_ids: Collection[int]) -> dict[int, int]:
    """The id of each contact's first referral to us."""
    rows = session.execute(
        select(Referral.contact_id, Referral.id)
        .where(Referral.contact_id.in_(contact_ids), Referral.direction == "in", Referral.deleted_at.is_(None))
        .order_by(Referral.received_on.desc(), Referral.id.desc())
    )
    return {contact_id: referral_id for contact_id, referral_id in rows if contact_id is not None}
