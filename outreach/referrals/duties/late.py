"""What is owed and late: reports past their day, clients whom nobody called, clients without an appointment."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.duties.owing import DUTY_LABELS
from outreach.referrals.models import Referral

FIRST_CONTACT_DAYS = 2
FIRST_APPOINTMENT_DAYS = 7
"""Both counted from the day the referral was received."""
PAGE = 50
OPEN = and_(ReferralDuty.done_on.is_(None), ReferralDuty.dropped_at.is_(None))
_LIVE_IN = and_(Referral.deleted_at.is_(None), Referral.direction == "in")


@dataclass(frozen=True)
class Owed:
    """One line: what is owed, for which referral, to whom, how they like to get it, and since when it is late."""

    id: int
    """Of the duty, or of the referral where the client waits."""
    referral_id: int
    what: str
    client_number: str
    contact_id: int | None
    source: str
    source_kind: str
    place: str
    how: str
    due_on: date


def reports(session: Session, *, today: date, late: bool, after: tuple[date, int] | None = None) -> list[Owed]:
    """Open duties past their day (or still to come), the oldest first; one more than a page says there is a next."""
    wanted = (
        select(ReferralDuty, Referral, Contact, Organization)
        .join(Referral, Referral.id == ReferralDuty.referral_id)
        .join(Contact, Contact.id == Referral.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(OPEN, ReferralDuty.due_on < today if late else ReferralDuty.due_on >= today)
        .order_by(ReferralDuty.due_on, ReferralDuty.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        day, number = after
        wanted = wanted.where(
            or_(ReferralDuty.due_on > day, and_(ReferralDuty.due_on == day, ReferralDuty.id > number))
        )
    return [
        _owed(duty.id, DUTY_LABELS[duty.kind], referral, contact, place, duty.due_on)
        for duty, referral, contact, place in session.execute(wanted)
    ]


def waiting_clients(session: Session, which: str, *, today: date, after: tuple[date, int] | None = None) -> list[Owed]:
    """Referrals whose client nobody reached ("contact") or who has no appointment ("appointment"), longest first."""
    days = FIRST_CONTACT_DAYS if which == "contact" else FIRST_APPOINTMENT_DAYS
    what = "First contact with the client" if which == "contact" else "First appointment"
    wanted = (
        select(Referral, Contact, Organization)
        .outerjoin(Contact, Contact.id == Referral.contact_id)
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(_client_waits(which, today))
        .order_by(Referral.received_on, Referral.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        day, number = after
        since = day - timedelta(days=days)
        wanted = wanted.where(
            or_(Referral.received_on > since, and_(Referral.received_on == since, Referral.id > number))
        )
    return [
        _owed(referral.id, what, referral, contact, place, referral.received_on + timedelta(days=days))
        for referral, contact, place in session.execute(wanted)
    ]


def late_counts(session: Session, *, today: date) -> dict[str, int]:
    """How many are late: "reports", "contact", "appointment". Three counts along their indexes."""
    counted = {
        which: session.scalar(select(func.count()).select_from(Referral).where(_client_waits(which, today))) or 0
        for which in ("contact", "appointment")
    }
    owed = select(func.count()).select_from(ReferralDuty).where(OPEN, ReferralDuty.due_on < today)
    return {"reports": session.scalar(owed) or 0, **counted}


def duties_of(session: Session, referral_id: int) -> list[tuple[ReferralDuty, str]]:
    """What one referral owes or owed, by its day, with its words."""
    found = session.scalars(
        select(ReferralDuty)
        .where(ReferralDuty.referral_id == referral_id, ReferralDuty.dropped_at.is_(None))
        .order_by(ReferralDuty.due_on, ReferralDuty.id)
    )
    return [(duty, DUTY_LABELS[duty.kind]) for duty in found]


def _client_waits(which: str, today: date) -> ColumnElement[bool]:
    if which == "contact":
        return and_(
            _LIVE_IN,
            Referral.stage == "received",
            Referral.contacted_on.is_(None),
            Referral.received_on < today - timedelta(days=FIRST_CONTACT_DAYS),
        )
    return and_(
        _LIVE_IN,
        Referral.stage.in_(("received", "contacted")),
        Referral.scheduled_on.is_(None),
        Referral.received_on < today - timedelta(days=FIRST_APPOINTMENT_DAYS),
    )


def _owed(
    number: int, what: str, referral: Referral, contact: Contact | None, place: Organization | None, due_on: date
) -> Owed:
    channel = (place.preferred_channel if place else None) or ""
    fax = (contact.fax if contact else "") or (place.fax if place else "")
    return Owed(
        id=number,
        referral_id=referral.id,
        what=what,
        client_number=referral.client_number,
        contact_id=contact.id if contact else None,
        source=contact.name if contact else referral.source_type.replace("-", " ").capitalize(),
        source_kind=contact.kind if contact else "",
        place=place.name if place else "",
        how=f"{channel} {fax}".strip() if channel in ("", "fax") else channel,
        due_on=due_on,
    )
