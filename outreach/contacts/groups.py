"""Groups: named sets of contacts, counted and listed by the database, never by loading contacts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, not_, null, or_, select
from sqlalchemy.orm import Session, aliased, object_session

from outreach.contacts.consent import EVERYTHING, Consent, Suppression
from outreach.contacts.group_rules import Fact, GroupFact, in_group
from outreach.contacts.models import Contact, Group
from outreach.contacts.standing import Standing

__all__ = [
    "LEFT_OUT_WORDS",
    "Audience",
    "Fact",
    "GroupFact",
    "Reach",
    "audience",
    "count",
    "eligibility",
    "live",
    "members",
    "reach",
]

LEFT_OUT_WORDS = {
    "no-email": "no email address",
    "deceased": "deceased",
    "do-not-contact": "do not contact",
    "unsubscribed": "unsubscribed",
    "bounced": "their address bounces",
    "recovery-hold": "on hold because something went wrong",
    "no-permission": "no permission",
}


@dataclass(frozen=True)
class Audience:
    """Who of a group can be written to on a topic, highest standing first, and why the others are left out."""

    ids: list[int]
    left_out: dict[str, int] = field(default_factory=dict)
    matched: int = 0


@dataclass(frozen=True)
class Reach:
    """How many are in a group, and how many of them can not be written to, by reason: what `audience` says, counted."""

    matched: int
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def reachable(self) -> int:
        """How many can be written to."""
        return self.matched - sum(self.left_out.values())


def live() -> ColumnElement[bool]:
    """A contact that is neither in the trash nor merged into another."""
    return and_(Contact.deleted_at.is_(None), Contact.merged_into_id.is_(None))


def members(
    group: Group, *, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact], seeking: bool = False
) -> Select[int]:
    """The ids of the contacts in the group, unordered. A group that cannot be read matches nobody.

    `seeking` asks for the form that is quick over the whole book; the other is quick for contacts that are known.
    """
    session = object_session(group)
    return select(Contact.id).where(matching(session, group, now=now, zone=zone, facts=facts, seeking=seeking))


def count(session: Session, group: Group, *, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact]) -> int:
    """How many contacts are in the group now, whether or not they can be written to."""
    inside = matching(session, group, now=now, zone=zone, facts=facts, seeking=True)
    return session.scalar(select(func.count()).select_from(Contact).where(inside)) or 0


def reach(
    session: Session, group: Group, *, now: datetime, zone: ZoneInfo, facts: Sequence[GroupFact], topic: str
) -> Reach:
    """How many are in the group and how many are left out on the topic, in two counts, never by loading contacts."""
    inside = matching(session, group, now=now, zone=zone, facts=facts, seeking=True)
    matched = session.scalar(select(func.count()).select_from(Contact).where(inside)) or 0
    return Reach(matched, left_out_of(session, inside, topic=topic) if matched else {})


def audience(
    session: Session,
    group: Group,
    *,
    now: datetime,
    zone: ZoneInfo,
    facts: Sequence[GroupFact],
    topic: str,
    by_standing: bool = True,
) -> Audience:
    """Who can be written to on `topic`, and how many are left out for which reason (the first that applies).

    Ids by standing, highest first, then id; `by_standing=False` (rooms behind the yield fence) by id alone.
    """
    inside = matching(session, group, now=now, zone=zone, facts=facts, seeking=True)
    left_out = left_out_of(session, inside, topic=topic)
    allowed = not_(or_(*(clause for _, clause in eligibility(topic, whole=True))))
    chosen = select(Contact.id).where(inside, allowed)
    if by_standing:
        # An alias, so that a rule about standings stays a query of its own.
        own = aliased(Standing)
        chosen = chosen.outerjoin(own, own.contact_id == Contact.id).order_by(func.coalesce(own.expected_90, 0).desc())
    ids = list(session.scalars(chosen.order_by(Contact.id)))
    return Audience(ids, left_out, len(ids) + sum(left_out.values()))


def left_out_of(session: Session, matching: ColumnElement[bool], *, topic: str) -> dict[str, int]:
    """How many of the contacts that match are left out on the topic, by reason."""
    reason = case(*((clause, name) for name, clause in eligibility(topic, whole=True)), else_=null())
    named = select(reason.label("reason")).where(matching).subquery()
    rows = session.execute(
        select(named.c.reason, func.count()).where(named.c.reason.is_not(None)).group_by(named.c.reason)
    )
    counted: dict[str, int] = {row[0]: row[1] for row in rows}
    return {name: counted[name] for name in LEFT_OUT_WORDS if name in counted}


def eligibility(topic: str, *, whole: bool = False) -> tuple[tuple[str, ColumnElement[bool]], ...]:
    """The reasons for which a contact gets no mail on the topic, as conditions on Contact, in the order of telling.

    `whole` reads what people said once for the whole book, not contact by contact: the same answer, and half the time
    for a million; for a few known contacts the other form is quicker.
    """
    return (
        ("deceased", Contact.deceased_on.is_not(None)),
        (
            "do-not-contact",
            or_(
                Contact.do_not_contact_at.is_not(None),
                _suppressed(topic, ("do-not-contact", "deceased", "erased"), whole),
            ),
        ),
        ("no-email", Contact.email.is_(None)),
        ("unsubscribed", _suppressed(topic, ("unsubscribed", "complained", "imported"), whole)),
        ("bounced", _suppressed(topic, ("bounced", "invalid-address"), whole)),
        ("recovery-hold", Contact.recovery_hold_at.is_not(None)),
        ("no-permission", _without_permission(topic, whole)),
    )


def latest_consent(topic: str) -> ColumnElement[bool | None]:
    """What the contact last said about the topic (or everything): granted, withdrawn or NULL for never asked."""
    return (
        select(Consent.granted)
        .where(Consent.contact_id == Contact.id, Consent.topic.in_((topic, EVERYTHING)))
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .correlate(Contact)
        .scalar_subquery()
    )


def last_said(topic: str, *, granted: bool) -> Select[int]:
    """The ids of everybody whose latest word about the topic (or everything) was this; as `latest_consent`, whole."""
    later = aliased(Consent)
    topics = (topic, EVERYTHING)
    overtaken = exists().where(
        later.contact_id == Consent.contact_id,
        later.topic.in_(topics),
        or_(later.at > Consent.at, and_(later.at == Consent.at, later.id > Consent.id)),
    )
    return select(Consent.contact_id).where(Consent.granted.is_(granted), Consent.topic.in_(topics), not_(overtaken))


def _suppressed(topic: str, reasons: tuple[str, ...], whole: bool) -> ColumnElement[bool]:
    told = (
        Suppression.topic.in_((topic, EVERYTHING)),
        Suppression.lifted_at.is_(None),
        Suppression.reason.in_(reasons),
    )
    if whole:
        # Told apart from NULL, since "not in" of nothing is neither true nor false.
        listed = Contact.address_hash.in_(select(Suppression.address_hash).where(*told))
        return and_(Contact.address_hash.is_not(None), listed)
    return exists().where(Suppression.address_hash == Contact.address_hash, *told)


def _without_permission(topic: str, whole: bool) -> ColumnElement[bool]:
    # Clients, former clients and families must have said yes; anyone who said no is asked no more.
    said = latest_consent(topic)
    said_no = Contact.id.in_(last_said(topic, granted=False)) if whole else said.is_(False)
    return case((Contact.audience_class == "client", said.is_not(True)), else_=said_no)


def matching(
    session: Session | None,
    group: Group,
    *,
    now: datetime,
    zone: ZoneInfo,
    facts: Sequence[GroupFact],
    seeking: bool = False,
) -> ColumnElement[bool]:
    """The condition on Contact to be live and in the group; false for everybody when the group cannot be read."""
    try:
        return and_(live(), in_group(session, group, now=now, zone=zone, facts=facts, seeking=seeking))
    except ValueError:
        return false()
