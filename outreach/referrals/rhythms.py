"""How long each tier may go without being met: the practice's own intervals, who is past them, and coverage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, String, and_, case, exists, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.contacts.groups import eligibility
from outreach.contacts.models import Contact
from outreach.contacts.standing import Standing
from outreach.contacts.timeline import PERSONAL, Touch
from outreach.db import Base, one_of
from outreach.deliveries.pacing import DAY_MINUTES, resolved
from outreach.errors import Refusal
from outreach.referrals.rules import RHYTHM_DAYS

TIERS = tuple(RHYTHM_DAYS)
SHORTEST_DAYS, LONGEST_DAYS = 7, 365
TIER_WORDS = {
    "A": "the top fifth of their kind by yield",
    "B": "the next three tenths of their kind",
    "C": "everyone else",
}


class TierRhythm(Base):
    """The interval that the practice chose for a tier; a tier without a row keeps to `RHYTHM_DAYS`."""

    __tablename__ = "tier_rhythm"
    __table_args__ = (
        CheckConstraint(one_of("tier", TIERS), name="tier"),
        CheckConstraint(f"every_days BETWEEN {SHORTEST_DAYS} AND {LONGEST_DAYS}", name="every_days"),
    )

    tier: Mapped[str] = mapped_column(String(1), primary_key=True)
    every_days: Mapped[int]
    set_at: Mapped[datetime]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


@dataclass(frozen=True)
class Coverage:
    """The contacts of some tiers: all, those past their interval, and those added lately whose first is not yet due."""

    of_all: int = 0
    overdue: int = 0
    new: int = 0

    @property
    def reached(self) -> int:
        """How many were met within their tier's interval."""
        return self.of_all - self.overdue - self.new

    def __add__(self, other: "Coverage") -> "Coverage":
        """Both together."""
        return Coverage(self.of_all + other.of_all, self.overdue + other.overdue, self.new + other.new)


def rhythms_of(session: Session) -> dict[str, int]:
    """{tier: days}: how often each tier is met, as the practice set it."""
    own = {row.tier: row.every_days for row in session.scalars(select(TierRhythm))}
    return {tier: own.get(tier, days) for tier, days in RHYTHM_DAYS.items()}


def set_rhythms(
    session: Session, days: Mapping[str, int], *, now: datetime, by_id: int | None
) -> dict[str, int] | Refusal:
    """Each tier is met this often from now on; answers what changed. Idempotent.

    Refusals: `no-interval` (a tier is missing, or its days lie outside 7 to 365), `out-of-order`.
    """
    if any(not SHORTEST_DAYS <= days.get(tier, 0) <= LONGEST_DAYS for tier in TIERS):
        return Refusal("no-interval", f"Give each tier between {SHORTEST_DAYS} and {LONGEST_DAYS} days.")
    if sorted(TIERS, key=lambda tier: (days[tier], tier)) != list(TIERS):
        return Refusal("out-of-order", "A better tier cannot wait longer than the one below it.")
    before = rhythms_of(session)
    changed = {tier: days[tier] for tier in TIERS if days[tier] != before[tier]}
    for tier, every in changed.items():
        session.merge(TierRhythm(tier=tier, every_days=every, set_at=now, set_by_id=by_id))
    session.flush()
    return changed


def rule_of(tier: str, every_days: int) -> str:
    """The tier's interval as a sentence."""
    return f"Tier {tier}, {TIER_WORDS[tier]}: a call, visit, note or meeting at least every {every_days} days."


def counted() -> ColumnElement[bool]:
    """Contacts (joined with Standing) that have an interval at all: nobody gone, on hold or who asked to be left be."""
    left_be = dict(eligibility("asks"))["do-not-contact"]
    return and_(
        Standing.tier.is_not(None),
        Contact.deleted_at.is_(None),
        Contact.merged_into_id.is_(None),
        Contact.deceased_on.is_(None),
        Contact.recovery_hold_at.is_(None),
        ~left_be,
    )


def overdue(days: Mapping[str, int], *, on: date, zone: ZoneInfo) -> ColumnElement[bool]:
    """Whether nobody met the contact for longer than the tier's interval, as seen at the end of that local day.

    Somebody never met is overdue once they have been here for that long.
    """
    return or_(*(_past(tier, every, on=on, zone=zone) for tier, every in days.items()))


def coverage_by_owner(
    session: Session, *, on: date, zone: ZoneInfo, days: Mapping[str, int] | None = None
) -> dict[tuple[int | None, str], Coverage]:
    """{(owner id or None, tier): coverage} at the end of that local day, in one query."""
    every = days or rhythms_of(session)
    first = {tier: on - timedelta(days=number) for tier, number in every.items()}
    # One look at each contact's late touches tells nearly all; `overdue` asks twice a tier, as a page of fifty may.
    late = [
        Touch.contact_id == Contact.id,
        Touch.kind.in_(PERSONAL),
        Touch.at >= resolved(min(first.values()), 0, zone),
    ]
    one = (
        select(
            *(Contact.id, Contact.owner_id, Contact.added_on),
            *(func.max(Standing.tier).label("tier"), func.max(Touch.at).label("last")),
        )
        .join(Standing, Standing.contact_id == Contact.id)
        .outerjoin(Touch, and_(*late, Touch.at < resolved(on, DAY_MINUTES, zone)))
        .where(counted(), Contact.added_on <= on)
        .group_by(Contact.id)
        .subquery()
    )
    begins = case({tier: resolved(day, 0, zone) for tier, day in first.items()}, value=one.c.tier)
    old = one.c.added_on < case(first, value=one.c.tier)
    earlier = exists().where(Touch.contact_id == one.c.id, *late[1:2], Touch.at < resolved(on, 0, zone))
    unmet = one.c.last.is_(None)
    rows = session.execute(
        select(
            one.c.owner_id,
            one.c.tier,
            func.count(),
            _sum(or_(one.c.last < begins, and_(unmet, or_(old, earlier)))),
            _sum(and_(unmet, ~old, ~earlier)),
        ).group_by(one.c.owner_id, one.c.tier)
    )
    return {(owner, tier or ""): Coverage(of_all, late or 0, new or 0) for owner, tier, of_all, late, new in rows}


def coverage(session: Session, tiers: tuple[str, ...] = TIERS, *, on: date, zone: ZoneInfo) -> Coverage:
    """The coverage of these tiers together, whoever looks after them."""
    found = coverage_by_owner(session, on=on, zone=zone)
    return sum((one for (_, tier), one in found.items() if tier in tiers), Coverage())


def _past(tier: str, every: int, *, on: date, zone: ZoneInfo) -> ColumnElement[bool]:
    first = on - timedelta(days=every)
    met_before = _met(None, first, zone=zone)
    # Not by the index of tiers, which leads to everybody: a page goes along the order that it is wanted in.
    own = func.coalesce(Standing.tier, "") == tier
    return and_(own, ~_met(first, on, zone=zone), or_(Contact.added_on < first, met_before))


def _met(first: date | None, last: date, *, zone: ZoneInfo) -> ColumnElement[bool]:
    """A touch on these local days, both included; without `first`, before `last`."""
    met = [Touch.contact_id == Contact.id, Touch.kind.in_(PERSONAL)]
    if first is None:
        met.append(Touch.at < resolved(last, 0, zone))
    else:
        met += [Touch.at >= resolved(first, 0, zone), Touch.at < resolved(last, DAY_MINUTES, zone)]
    return exists().where(*met)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
