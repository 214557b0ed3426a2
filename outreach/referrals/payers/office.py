"""One page to bring to an office: what was lost there and why, which payers do not fit, and what is still promised."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact, Organization
from outreach.contacts.tasks import Task
from outreach.practice.models import Payer
from outreach.referrals.duties.duty_models import ReferralDuty
from outreach.referrals.duties.late import OPEN
from outreach.referrals.duties.owing import DUTY_LABELS
from outreach.referrals.models import Referral
from outreach.referrals.payers.leakage import Cause, Loss, Scope, Share, by_payer, causes, loss

PROMISED = 200


@dataclass(frozen=True)
class Promise:
    """Things of one sort promised to one person: how many, and the day of the first."""

    what: str
    who: str
    number: int
    due_on: date


@dataclass(frozen=True)
class OfficePage:
    """Everything the page shows of one organization."""

    organization: Organization
    people: list[Contact]
    loss: Loss
    causes: list[Cause]
    payers: list[Share]
    promises: list[Promise]
    services: list[tuple[str, int]]


def office_page(session: Session, organization: Organization, *, since: date, until: date) -> OfficePage:
    """The page, in a constant number of queries."""
    scope = Scope(since, until, organization_id=organization.id)
    people = list(
        session.scalars(
            select(Contact)
            .where(Contact.organization_id == organization.id, Contact.deleted_at.is_(None))
            .order_by(Contact.sort_name, Contact.id)
        )
    )
    disciplines = session.execute(
        select(Referral.discipline, func.count(Referral.id))
        .join(Contact, Contact.id == Referral.contact_id)
        .where(scope.where())
        .group_by(Referral.discipline)
        .order_by(func.count(Referral.id).desc())
    )
    return OfficePage(
        organization=organization,
        people=people,
        loss=loss(session, scope),
        causes=causes(session, scope),
        payers=[share for share in by_payer(session, scope) if share.part or share.lost],
        promises=_promises(session, organization.id),
        services=[(row[0], row[1]) for row in disciplines],
    )


def known_payers(session: Session) -> list[tuple[int, str]]:
    """All payers by name, for choosing."""
    return [(row[0], row[1]) for row in session.execute(select(Payer.id, Payer.name).order_by(Payer.name))]


def _promises(session: Session, organization_id: int) -> list[Promise]:
    tasks = session.execute(
        select(Task.title, Task.due_on, Contact)
        .join(Contact, Contact.id == Task.contact_id)
        .where(Contact.organization_id == organization_id, Task.closed_at.is_(None))
        .order_by(Task.due_on, Task.id)
        .limit(PROMISED)
    )
    duties = session.execute(
        select(ReferralDuty.kind, ReferralDuty.due_on, Contact)
        .join(Referral, Referral.id == ReferralDuty.referral_id)
        .join(Contact, Contact.id == Referral.contact_id)
        .where(Contact.organization_id == organization_id, OPEN)
        .order_by(ReferralDuty.due_on, ReferralDuty.id)
        .limit(PROMISED)
    )
    found = [(title, contact.name, due_on) for title, due_on, contact in tasks]
    # On paper that goes into an office no client number stands: only what is owed, to whom, and how often.
    found += [(DUTY_LABELS[kind], contact.name, due_on) for kind, due_on, contact in duties]
    days: dict[tuple[str, str], list[date]] = {}
    for what, who, due_on in found:
        days.setdefault((what, who), []).append(due_on)
    promises = [Promise(what, who, len(each), min(each)) for (what, who), each in days.items()]
    return sorted(promises, key=lambda one: (one.due_on, one.what, one.who))
