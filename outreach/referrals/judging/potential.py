"""Who never referred, ranked by what they might send: their specialty, the payers we share, and how far away they are.

The weights of payers and distance are assumed, not measured; the screen says so and shows each part.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, and_, distinct, exists, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.kinds import REFERRING_KINDS
from outreach.contacts.models import Contact, ContactPayer
from outreach.contacts.standing import Standing
from outreach.practice.area_models import ZipDistance
from outreach.practice.models import Participation
from outreach.referrals.models import Referral

MOST = 2_000
"""Candidates that are weighed: those with the highest typical yield first."""
HALF_AT_MILES = 10.0
UNKNOWN_FIT = 0.75
UNKNOWN_NEAR = 0.5
PULL = 10.0
"""A specialty's own share is believed as much as ten contacts' worth of the average."""


@dataclass(frozen=True)
class Prospect:
    """Somebody who never referred, with the parts of their rank.

    *Units*: `typical` is what similar contacts send (started referrals in 90 days); `specialty_factor` how this
    specialty compares with all in this practice; `shared` of `known` payers; `miles` to the nearest clinic.
    """

    contact_id: int
    specialty: str
    typical: float
    specialty_factor: float
    shared: int
    known: int
    miles: float | None

    @property
    def potential(self) -> float:
        """The order of the list: the product of its parts. Not a forecast."""
        return self.typical * self.specialty_factor * self.fit * self.near

    @property
    def fit(self) -> float:
        """A half to one: the share of their payers that we take; 0.75 while none is known."""
        return 0.5 + 0.5 * self.shared / self.known if self.known else UNKNOWN_FIT

    @property
    def near(self) -> float:
        """One next door, a half at ten miles or where the distance is not known."""
        return UNKNOWN_NEAR if self.miles is None else 1.0 / (1.0 + self.miles / HALF_AT_MILES)

    @property
    def reason(self) -> str:
        """The parts in words."""
        payers = f"shares {self.shared} of {self.known} payers" if self.known else "payers not known"
        away = "distance not known" if self.miles is None else f"{self.miles:.0f} miles away"
        if self.miles is not None and self.miles < 1:
            away = "around the corner"
        said = ", ".join(part for part in (self.specialty, payers, away) if part)
        return said[:1].upper() + said[1:]


def prospects(session: Session, *, today: date, limit: int = 50) -> list[Prospect]:
    """Those who never referred, most promising first; two queries, at most 2,000 people weighed."""
    factors = _specialty_factors(session)
    found = [_prospect(row, factors) for row in session.execute(_candidates(today))]
    return sorted(found, key=lambda one: (-one.potential, one.contact_id))[:limit]


def never_referred() -> Any:
    """The condition on Contact: could refer, and never did."""
    referred = exists().where(
        Referral.contact_id == Contact.id, Referral.direction == "in", Referral.deleted_at.is_(None)
    )
    return and_(Contact.kind.in_(REFERRING_KINDS), ~referred)


def _prospect(row: Row[Any], factors: dict[str, float]) -> Prospect:
    return Prospect(
        contact_id=row.id,
        specialty=row.specialty,
        typical=row.expected_90,
        specialty_factor=factors.get(row.specialty, 1.0),
        shared=row.shared or 0,
        known=row.known or 0,
        miles=row.miles,
    )


def _candidates(today: date) -> Any:
    taken = select(Participation.payer_id).where(
        Participation.status == "in-network",
        Participation.since_on <= today,
        or_(Participation.until_on.is_(None), Participation.until_on >= today),
    )
    theirs = select(func.count()).where(ContactPayer.contact_id == Contact.id)
    miles = select(func.min(ZipDistance.miles)).where(ZipDistance.zip5 == Contact.zip5)
    return (
        select(
            Contact.id,
            Contact.specialty,
            Standing.expected_90,
            theirs.correlate(Contact).scalar_subquery().label("known"),
            theirs.where(ContactPayer.payer_id.in_(taken)).correlate(Contact).scalar_subquery().label("shared"),
            miles.correlate(Contact).scalar_subquery().label("miles"),
        )
        .join(Standing, Standing.contact_id == Contact.id)
        .where(
            never_referred(),
            Contact.deleted_at.is_(None),
            Contact.merged_into_id.is_(None),
            Contact.deceased_on.is_(None),
            Contact.recovery_hold_at.is_(None),
        )
        .order_by(Standing.expected_90.desc(), Standing.contact_id.desc())
        .limit(MOST)
    )


def _specialty_factors(session: Session) -> dict[str, float]:
    """How many of a specialty refer at all, against everybody's share, pulled to it; empty where nobody does."""
    rows = session.execute(
        select(Contact.specialty, func.count(distinct(Contact.id)), func.count(distinct(Referral.contact_id)))
        .outerjoin(
            Referral,
            and_(Referral.contact_id == Contact.id, Referral.direction == "in", Referral.deleted_at.is_(None)),
        )
        .where(Contact.kind.in_(("physician", "provider")), Contact.deleted_at.is_(None), Contact.specialty != "")
        .group_by(Contact.specialty)
    ).all()
    return factors_of((name, people, referring) for name, people, referring in rows)


def factors_of(counts: Iterable[tuple[str, int, int]]) -> dict[str, float]:
    """{specialty: factor} from (specialty, contacts, of them referring)."""
    known = list(counts)
    people, referring = sum(row[1] for row in known), sum(row[2] for row in known)
    if not referring:
        return {}
    share = referring / people
    return {name: (some + PULL * share) / (many + PULL) / share for name, many, some in known}
