"""Meals that are planned are value as good as given: what each person's place would be worth (domain 3.4)."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.events import rules
from outreach.events.models import Event, Invitation
from outreach.gifts import queries as ledger
from outreach.gifts.rules import CLIENT_YEAR_CENTS, is_limited, weigh

MAY_STILL_EAT = ("none", "maybe", "yes")


def committed(
    session: Session, year: int, *, contact_ids: Collection[int] | None = None, besides: int | None = None
) -> dict[int, int]:
    """{contact id: cents} of the meals in that calendar year to which they are invited and have not said no.

    A meal counts with its budget per head until it took place or was cancelled; then the ledger has what was eaten.
    `besides` leaves one event out.
    """
    found = (
        select(Invitation.contact_id, func.sum(Event.budget_cents))
        .join(Event, Event.id == Invitation.event_id)
        .where(
            Event.meal,
            Event.budget_cents > 0,
            Event.status.in_(rules.STANDS),
            Event.starts_on.between(date(year, 1, 1), date(year, 12, 31)),
            Invitation.state.in_(("invited", "by-phone")),
            Invitation.answer.in_(MAY_STILL_EAT),
        )
        .group_by(Invitation.contact_id)
    )
    if contact_ids is not None:
        found = found.where(Invitation.contact_id.in_(contact_ids))
    if besides is not None:
        found = found.where(Event.id != besides)
    return {contact_id: int(cents or 0) for contact_id, cents in session.execute(found)}


def would_pass(session: Session, event: Event) -> list[int]:
    """The contacts whom a place at this meal would take over their limit of the year, with what is planned already."""
    if not event.meal or not event.budget_cents or event.starts_on is None:
        return []
    year, plate = event.starts_on.year, event.budget_cents
    limit = ledger.limit_of(session, year)
    spent, planned = ledger.spent(session, year), committed(session, year, besides=event.id)
    lowest = min(limit or CLIENT_YEAR_CENTS, CLIENT_YEAR_CENTS)
    near = [each for each in {*spent, *planned} if spent.get(each, 0) + planned.get(each, 0) + plate > lowest]
    over = []
    for contact in session.scalars(select(Contact).where(Contact.id.in_(near)).order_by(Contact.id)):
        standing = weigh(
            plate,
            before_cents=spent.get(contact.id, 0),
            limit_cents=limit,
            limited=is_limited(contact.kind, stark_physician=contact.stark_physician),
            client=contact.audience_class == "client",
            year=year,
            committed_cents=planned.get(contact.id, 0),
        )
        if standing.level == "blocked":
            over.append(contact.id)
    return over
