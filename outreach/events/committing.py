"""Meals that are planned are value as good as given: what each person's place would be worth (domain 3.4)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Contact
from outreach.errors import Refusal
from outreach.events import rules
from outreach.events.models import Event, Invitation
from outreach.gifts import passing
from outreach.gifts import queries as ledger
from outreach.gifts.payback_models import LimitPass
from outreach.gifts.rules import CLIENT_YEAR_CENTS, is_limited, weigh

MAY_STILL_EAT = ("none", "maybe", "yes")
MOST_NAMED = 3


@dataclass(frozen=True)
class Over:
    """Somebody whom this meal would take over the limit of the year. `text`: how far, in words."""

    contact_id: int
    name: str
    text: str


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
    """The contacts whom a place at this meal would take over their limit of the year, with what is planned already.

    Whom an administrator let pass for this meal is not among them.
    """
    return [one.contact_id for one in over_limit(session, event)]


def over_limit(session: Session, event: Event) -> list[Over]:
    """The same with the words why."""
    if not event.meal or not event.budget_cents or event.starts_on is None:
        return []
    year, plate = event.starts_on.year, event.budget_cents
    limit = ledger.limit_of(session, year)
    spent, planned = ledger.spent(session, year), committed(session, year, besides=event.id)
    lowest = min(limit or CLIENT_YEAR_CENTS, CLIENT_YEAR_CENTS)
    near = [each for each in {*spent, *planned} if spent.get(each, 0) + planned.get(each, 0) + plate > lowest]
    passed = passing.passed_ids(session, event.id) if near else set()
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
        if standing.level == "blocked" and contact.id not in passed:
            over.append(Over(contact.id, contact.name, standing.text))
    return over


def still_over(session: Session, event: Event) -> list[Over]:
    """Whoever is on the list, has not said no, and may not eat this meal unless an administrator lets them."""
    over = over_limit(session, event)
    if not over:
        return []
    listed = select(Invitation.contact_id).where(
        Invitation.event_id == event.id,
        Invitation.state.in_(("invited", "by-phone")),
        Invitation.answer.in_(MAY_STILL_EAT),
    )
    ids = set(session.scalars(listed))
    return [one for one in over if one.contact_id in ids]


def let_come(
    session: Session, event: Event, contact_id: int, *, now: datetime, reason: str, by_id: int | None
) -> LimitPass | Refusal:
    """An administrator lets that person come to this meal over their limit. Idempotent: the first reason stays.

    Refusals: not-over (no meal of this event would take them over), and those of `passing.let_pass`.
    """
    known = passing.pass_of(session, event.id, contact_id)
    if known is None and contact_id not in would_pass(session, event):
        return Refusal("not-over", "This meal takes nobody of that name over the limit. Nothing was allowed.")
    return passing.let_pass(session, event.id, contact_id, now=now, reason=reason, by_id=by_id)


def refuse_over_limit(session: Session, event: Event) -> Refusal | None:
    """Why the meal cannot be confirmed: whoever would pass their limit with it."""
    names = [one.name for one in still_over(session, event)]
    if not names:
        return None
    said = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    text = f"{said} would pass the yearly limit with this meal. An administrator has to let them come, with a reason."
    return Refusal("over-limit", text, tuple(names))
