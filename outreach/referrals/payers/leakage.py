"""Where referrals are lost: out of network per source, reasons and barriers by source and payer, and the fixes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.errors import Refusal
from outreach.practice.models import Payer
from outreach.referrals.models import Referral
from outreach.referrals.payers.payer_models import LossFix
from outreach.referrals.queries import out_of_network
from outreach.referrals.rules import BARRIERS, CLOSE_REASONS

PERIOD_DAYS = 365
SHOWN = 25
LEAKED = ("chose-other-provider", "never-scheduled", "out-of-network")
"""What counts as leakage of everything closed (reference/domain.md 2.3)."""
FEWEST = 5


@dataclass(frozen=True)
class Scope:
    """What is looked at: referrals received in a span, perhaps of one source, one office or one payer."""

    since: date
    until: date
    contact_id: int | None = None
    organization_id: int | None = None
    payer_id: int | None = None

    def where(self) -> ColumnElement[bool]:
        """The condition on Referral, with Contact outer-joined."""
        parts = [
            Referral.direction == "in",
            Referral.deleted_at.is_(None),
            Referral.received_on.between(self.since, self.until),
        ]
        wanted = (
            (Referral.contact_id, self.contact_id),
            (Contact.organization_id, self.organization_id),
            (Referral.payer_id, self.payer_id),
        )
        return and_(*parts, *(column == value for column, value in wanted if value))


@dataclass(frozen=True)
class Share:
    """n of m of one source or payer; the share only with at least five."""

    id: int
    name: str
    place: str
    part: int
    whole: int
    lost: int = 0

    @property
    def text(self) -> str:
        """ "3 of 4", or the percent beside it once it means something."""
        said = f"{self.part} of {self.whole}"
        return f"{self.part / self.whole:.0%} ({said})" if self.whole >= FEWEST else said


@dataclass(frozen=True)
class Cause:
    """A reason or barrier: how many referrals it cost, and what the practice does about it."""

    cause: str
    is_barrier: bool
    number: int
    fixes: tuple[LossFix, ...]


@dataclass(frozen=True)
class Loss:
    """The numbers of a scope."""

    received: int
    closed: int
    leaked: int
    known_payer: int
    outside: int


def loss(session: Session, scope: Scope) -> Loss:
    """How many came, closed, leaked, and were out of network of those whose payer is known."""
    leaked = case((and_(Referral.stage == "closed", Referral.close_reason.in_(LEAKED)), 1), else_=0)
    row = session.execute(
        select(
            func.count(Referral.id),
            func.coalesce(func.sum(case((Referral.stage == "closed", 1), else_=0)), 0),
            func.coalesce(func.sum(leaked), 0),
            func.count(Referral.payer_id),
            func.coalesce(func.sum(case((out_of_network(), 1), else_=0)), 0),
        )
        .outerjoin(Contact, Contact.id == Referral.contact_id)
        .where(scope.where())
    ).one()
    return Loss(*row)


def misfits(session: Session, scope: Scope) -> list[Share]:
    """Sources with out-of-network referrals, most of them first: n of those whose payer is known."""
    outside = func.sum(case((out_of_network(), 1), else_=0))
    rows = session.execute(
        select(Contact, Organization.name, outside, func.count(Referral.payer_id))
        .join(Contact, Contact.id == Referral.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(scope.where(), Referral.payer_id.is_not(None))
        .group_by(Contact.id, Organization.name)
        .having(outside > 0)
        # Of equals, whose share is larger: two of twelve before two of twenty.
        .order_by(outside.desc(), func.count(Referral.payer_id), Contact.sort_name)
        .limit(SHOWN)
    )
    return [Share(contact.id, contact.name, place or "", out, known) for contact, place, out, known in rows]


def by_payer(session: Session, scope: Scope) -> list[Share]:
    """Payers with how many of their referrals were lost, and how many were out of network on their day."""
    outside = func.sum(case((out_of_network(), 1), else_=0))
    lost = func.sum(case((Referral.stage == "closed", 1), else_=0))
    rows = session.execute(
        select(Payer.id, Payer.name, outside, func.count(Referral.id), lost)
        .join(Payer, Payer.id == Referral.payer_id)
        .outerjoin(Contact, Contact.id == Referral.contact_id)
        .where(scope.where())
        .group_by(Payer.id, Payer.name)
        .order_by(lost.desc(), Payer.name)
        .limit(SHOWN)
    )
    return [Share(number, name, "", out, whole, lost=gone) for number, name, out, whole, gone in rows]


def causes(session: Session, scope: Scope) -> list[Cause]:
    """Close reasons and barriers of the scope, the costliest first, each with the fixes that apply to it."""
    fixes = _fixes(session, scope)
    found = []
    for column, is_barrier in ((Referral.close_reason, False), (Referral.barrier, True)):
        rows = session.execute(
            select(column, func.count(Referral.id))
            .outerjoin(Contact, Contact.id == Referral.contact_id)
            .where(scope.where(), Referral.stage == "closed", column.is_not(None))
            .group_by(column)
        )
        found += [
            Cause(word, is_barrier, number, tuple(fix for fix in fixes if fix.cause == _key(word, is_barrier)))
            for word, number in rows
            if word is not None
        ]
    return sorted(found, key=lambda one: (one.is_barrier, -one.number, one.cause))


def choose_fix(
    session: Session,
    *,
    cause: str,
    is_barrier: bool,
    what: str,
    contact_id: int | None,
    payer_id: int | None,
    now: datetime,
    today: date,
    by_id: int | None,
) -> LossFix | Refusal:
    """The practice's fix is on record for that cause, and stands beside it until it is ended.

    Refusals: unknown-cause, no-words, unknown-source.
    """
    if cause not in (BARRIERS if is_barrier else CLOSE_REASONS):
        return Refusal("unknown-cause", "Choose a reason or a barrier from the list.")
    if not what.strip():
        return Refusal("no-words", "Say in a few words what you do about it.")
    gone = (contact_id and session.get(Contact, contact_id) is None) or (
        payer_id and session.get(Payer, payer_id) is None
    )
    if gone:
        return Refusal("unknown-source", "This source or payer is no longer there.")
    fix = LossFix(
        cause=_key(cause, is_barrier),
        contact_id=contact_id,
        payer_id=payer_id,
        what=" ".join(what.split())[:500],
        chosen_on=today,
        by_id=by_id,
        created_at=now,
    )
    session.add(fix)
    session.flush()
    return fix


def end_fix(fix: LossFix, *, today: date) -> None:
    """The fix is over; it stays on record. Idempotent."""
    fix.ended_on = fix.ended_on or today


def _key(cause: str, is_barrier: bool) -> str:
    return f"barrier:{cause}" if is_barrier else cause


def _fixes(session: Session, scope: Scope) -> Sequence[LossFix]:
    """Live fixes for everybody and for the source and payer looked at."""
    wanted = select(LossFix).where(LossFix.ended_on.is_(None)).order_by(LossFix.chosen_on.desc(), LossFix.id.desc())
    if scope.contact_id:
        wanted = wanted.where(or_(LossFix.contact_id.is_(None), LossFix.contact_id == scope.contact_id))
    if scope.organization_id:
        people = select(Contact.id).where(Contact.organization_id == scope.organization_id)
        wanted = wanted.where(or_(LossFix.contact_id.is_(None), LossFix.contact_id.in_(people)))
    if scope.payer_id:
        wanted = wanted.where(or_(LossFix.payer_id.is_(None), LossFix.payer_id == scope.payer_id))
    return session.scalars(wanted.limit(200)).all()
