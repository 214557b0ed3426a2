"""Makes the list of a run from its groups: who gets a card which way, who is left out and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Table, case, delete, false, func, insert, null, or_, select, true
from sqlalchemy.orm import Session

from outreach.cards import rules
from outreach.cards.calendar_of_occasions import OCCASIONS
from outreach.cards.models import CardRecipient, CardRun
from outreach.cards.occasions import anniversary
from outreach.cards.rules import Choice, Person, Place
from outreach.cards.wishing import wishing
from outreach.cards.wishing.wish_models import CardWish
from outreach.contacts import groups
from outreach.contacts.models import Contact, Group, Organization
from outreach.contacts.timeline import Touch
from outreach.content.details import greeting_name
from outreach.deliveries.house import House, house_of
from outreach.errors import Refusal
from outreach.screen import World

TOPIC = "cards"
KIND = "card"
FOR_EVERY_WAY = ("deceased", "do-not-contact", "unsubscribed", "recovery-hold")
FOR_EMAIL = ("no-email", "bounced", "no-permission")
FROM_YIELD = Refusal(
    "from-yield",
    "This group rests on referrals or yield. Cards are the same for everybody, so choose a group that does not.",
)


def prepare(session: Session, run: CardRun, *, now: datetime, world: World) -> int | Refusal:
    """The list is made anew from the groups; ways that a person chose stay. Answers how many get a card.

    Idempotent. Refusals: not-a-draft, from-yield.
    """
    if run.status != "draft":
        return Refusal("not-a-draft", "This list is approved and is not made again.")
    chosen = groups_of(session, run.group_ids)
    if any(one.from_yield for one in chosen):
        return FROM_YIELD
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    by_hand = {
        row.contact_id: row
        for row in session.scalars(select(CardRecipient).where(CardRecipient.run_id == run.id, CardRecipient.by_hand))
    }
    found = people(session, in_any(chosen, now=now, world=world, house=house), run, house=house)
    choices = [rules.way_of(person, by_email=run.by_email, on_paper=run.on_paper) for person, _ in found]
    choices = [_kept(choice, by_hand.get(choice.person.id), run) for choice in choices]
    if run.one_per == "household":
        choices = rules.once_per_household(choices)
    choices = rules.once_per_address(choices)
    days = {person.id: day for person, day in found}
    session.execute(delete(CardRecipient).where(CardRecipient.run_id == run.id))
    session.expire_all()
    elsewhere = _elsewhere(session, run)
    rows = [_row(run, choice, days, elsewhere, by_hand, house.today) for choice in choices]
    if rows:
        session.execute(insert(cast(Table, CardRecipient.__table__)), rows)
    run.listed_at = now
    session.flush()
    return sum(1 for row in rows if row["way"] != "skip")


def choose(session: Session, run: CardRun, contact_id: int, way: str, *, now: datetime, world: World) -> Refusal | bool:
    """A person chose another way for somebody on the list. Refusals: not-a-draft, not-possible."""
    if run.status != "draft":
        return Refusal("not-a-draft", "This list is approved and is not changed any more.")
    row = session.get(CardRecipient, (run.id, contact_id))
    if row is None or way not in rules.WAYS:
        return Refusal("not-possible", "That is not on this list.")
    if way != "skip" and row.way == "skip" and row.reason in rules.CANNOT_BE_CHANGED:
        return Refusal("not-possible", f"They get no card: {rules.reason_words(row.reason)}.")
    house = house_of(session, now=now, transports=world.transports, settings=world.settings)
    found = people(session, Contact.id == contact_id, run, house=house)
    if not found:
        return Refusal("not-possible", "That is not on this list any more.")
    person = found[0][0]
    if way == "email" and person.no_email:
        return Refusal("not-possible", f"No email can go to them: {rules.reason_words(person.no_email)}.")
    if way == "print" and not person.place.complete:
        return Refusal("not-possible", "Their postal address is not complete. Put it right on their page first.")
    row.way, row.reason, row.by_hand = way, ("by-hand" if way == "skip" else ""), True
    session.flush()
    return True


def groups_of(session: Session, group_ids: Iterable[int]) -> list[Group]:
    """The chosen groups that still exist, by name."""
    wanted = select(Group).where(Group.id.in_(list(group_ids)), Group.deleted_at.is_(None))
    return list(session.scalars(wanted.order_by(Group.name)))


def in_any(chosen: Sequence[Group], *, now: datetime, world: World, house: House) -> ColumnElement[bool]:
    """The condition on Contact to be in at least one of the groups."""
    inside = [groups.members(one, now=now, zone=house.zone, facts=world.group_facts) for one in chosen]
    return or_(false(), *(Contact.id.in_(members) for members in inside))


def still_wanted(
    session: Session, group_ids: Iterable[int], *, now: datetime, world: World, house: House
) -> ColumnElement[bool]:
    """The condition on Contact to be wanted on an approved list still.

    A list that was approved stands: who fits a rule today ("discharged lately", "not called for 60 days") may not fit
    it on the day, and gets the card all the same. Only fixed lists are asked again: whoever was taken off them by hand
    is left out.
    """
    chosen = groups_of(session, group_ids)
    if not chosen or any(not one.fixed for one in chosen):
        return true()
    return in_any(chosen, now=now, world=world, house=house)


def people(session: Session, matching: ColumnElement[bool], run: CardRun, *, house: House) -> list[tuple[Person, date]]:
    """(person, their day) of everybody who matches, by name; personal occasions leave out who has no such day."""
    found = (
        select(Contact, Organization, _never().label("never"), _no_email().label("no_email"))
        .outerjoin(Organization, Organization.id == Contact.organization_id)
        .where(matching)
        .order_by(Contact.sort_name, Contact.id)
    )
    day = day_column(run)
    if day is not None:
        found = found.where(day.is_not(None))
    firsts = _first_referrals(session, matching, run, house)
    clients_go = house.transport_for(KIND, "client") is not None
    wishes = wishing.of(session, matching)
    listed = (
        (_as_wished(_person(row, clients_go), wishes.get(row[0].id), run), _day_of(row[0], run, firsts))
        for row in session.execute(found)
    )
    return [(person, on) for person, on in listed if on is not None]


def _never() -> ColumnElement[Any]:
    """A "no" that holds for every way: also for paper, since somebody who opted out of cards wants none."""
    known = dict(groups.eligibility(TOPIC))
    said_no = groups.latest_consent(TOPIC).is_(False)
    return case(*((known[name], name) for name in FOR_EVERY_WAY), (said_no, "no-permission"), else_=null())


def _no_email() -> ColumnElement[Any]:
    known = dict(groups.eligibility(TOPIC))
    return case(*((known[name], name) for name in FOR_EMAIL), else_=null())


def day_column(run: CardRun) -> Any:
    """The column that holds everybody's own day; None for occasions without one, and for first referrals."""
    return {"birthday": Contact.birthday_on, "discharge": Contact.discharged_on}.get(OCCASIONS[run.occasion].personal)


def _first_referrals(session: Session, matching: ColumnElement[bool], run: CardRun, house: House) -> dict[int, date]:
    """{contact: the local day of their first referral}, for the anniversary of that; how many followed is not read."""
    if OCCASIONS[run.occasion].personal != "first-referral":
        return {}
    wanted = select(Contact.id).where(matching)
    rows = session.execute(
        select(Touch.contact_id, func.min(Touch.at))
        .where(Touch.kind == "referred", Touch.contact_id.in_(wanted))
        .group_by(Touch.contact_id)
    )
    return {row[0]: row[1].astimezone(house.zone).date() for row in rows}


def _day_of(contact: Contact, run: CardRun, firsts: Mapping[int, date]) -> date | None:
    personal = OCCASIONS[run.occasion].personal
    if not personal:
        return run.send_on
    of = {"birthday": contact.birthday_on, "discharge": contact.discharged_on}.get(personal, firsts.get(contact.id))
    if of is None or (personal != "birthday" and of.year >= run.year):
        return None
    return anniversary(of, run.year, leap_day_after=run.leap_day_after)


def _person(row: Row[Any], clients_go: bool) -> Person:
    contact, place, never, no_email = tuple(row)
    if no_email is None and contact.audience_class == "client" and not clients_go:
        no_email = "no-allowed-transport"
    return Person(
        id=contact.id,
        name=contact.name,
        kind=contact.kind,
        audience_class=contact.audience_class,
        never=never,
        no_email=no_email,
        address_hash=contact.address_hash,
        place=place_of(contact, place),
        place_id=contact.organization_id,
    )


def _as_wished(person: Person, wish: CardWish | None, run: CardRun) -> Person:
    never = person.never or ("wishes" if wishing.forbids(wish, run.occasion) else None)
    return replace(person, never=never, wish=wish.way if wish is not None else "either")


def place_of(contact: Contact, organization: Organization | None) -> Place:
    """Where the envelope goes: the contact's own address, else the organization's."""
    if contact.street or organization is None:
        return Place("", contact.street, contact.city, contact.state, contact.zip5)
    return Place(organization.name, organization.street, organization.city, organization.state, organization.zip5)


def said_name(contact: Contact) -> str:
    """The name after "Dear" on paper."""
    return greeting_name(contact.kind, contact.prefix, contact.first_name, contact.last_name)


def _kept(choice: Choice, before: CardRecipient | None, run: CardRun) -> Choice:
    if before is None or choice.person.never:
        return choice
    possible = {
        "email": choice.person.no_email is None,
        "print": choice.person.place.complete,
        "skip": True,
    }[before.way]
    return Choice(choice.person, before.way, before.reason) if possible else choice


def _elsewhere(session: Session, run: CardRun) -> set[int]:
    """Who is on another list for the same occasion of the same year."""
    return set(
        session.scalars(
            select(CardRecipient.contact_id).where(
                CardRecipient.occasion == run.occasion,
                CardRecipient.year == run.year,
                CardRecipient.run_id != run.id,
                CardRecipient.way != "skip",
            )
        )
    )


def _row(
    run: CardRun,
    choice: Choice,
    days: dict[int, date],
    elsewhere: set[int],
    by_hand: dict[int, CardRecipient],
    today: date,
) -> dict[str, Any]:
    way, reason, day = choice.way, choice.reason, days[choice.person.id]
    if way != "skip" and choice.person.id in elsewhere:
        way, reason = "skip", "other-run"
    elif way != "skip" and OCCASIONS[run.occasion].personal and day < today:
        way, reason = "skip", "day-passed"
    return {
        "run_id": run.id,
        "contact_id": choice.person.id,
        "occasion": run.occasion,
        "year": run.year,
        "way": way,
        "reason": reason,
        "by_hand": choice.person.id in by_hand,
        "for_all": choice.for_all,
        "send_on": day,
    }


def counts_of(session: Session, run_id: int) -> dict[str, int]:
    """{way: how many} of a run's list."""
    rows = session.execute(
        select(CardRecipient.way, func.count()).where(CardRecipient.run_id == run_id).group_by(CardRecipient.way)
    )
    return {**dict.fromkeys(rules.WAYS, 0), **{row[0]: row[1] for row in rows}}
