"""Entry by event: what has to have happened to somebody of the group before they enter. One condition per campaign.

What happened is read where every room may read it: the contact, its timeline, and the facts that rooms contribute.
"""

from calendar import isleap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, extract, false, or_, select
from sqlalchemy.orm import aliased

from outreach.contacts.models import Contact
from outreach.contacts.timeline import Touch
from outreach.deliveries.pacing import resolved
from outreach.screen import World

FIRST_YEAR = 2000
"""No referral is older: see referrals.logging."""
GRACE_DAYS = 7
"""Somebody enters up to so many days after their day: a referral is logged late, a worker stood still, a hold ended."""
LAPSING_FACT = "lapsing"


@dataclass(frozen=True)
class Moment:
    """When people are asked for: `since` is when the campaign went live, `days_after` what the event is followed by."""

    now: datetime
    since: datetime
    zone: ZoneInfo
    days_after: int
    world: World

    @property
    def until_on(self) -> date:
        """The last day of the event for those who enter now."""
        return self.now.astimezone(self.zone).date() - timedelta(days=self.days_after)

    @property
    def from_on(self) -> date:
        """The first one: never before the campaign went live, never further back than the grace."""
        begun = self.since.astimezone(self.zone).date() - timedelta(days=self.days_after)
        return max(begun, self.until_on - timedelta(days=GRACE_DAYS))

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Both days as instants: from (included) and until (excluded)."""
        after = self.until_on + timedelta(days=1)
        return resolved(self.from_on, 0, self.zone), min(resolved(after, 0, self.zone), self.now)

    @property
    def days(self) -> list[date]:
        """Every day from the first to the last."""
        return [self.from_on + timedelta(days=each) for each in range((self.until_on - self.from_on).days + 1)]


@dataclass(frozen=True)
class EntryEvent:
    """An event. `said` is how the form offers it, `sign` and `later` ("… days" before it) stand under the group card;
    `dated`: days can follow."""

    said: str
    sign: str
    later: str
    clause: Callable[[Moment], ColumnElement[bool]]
    from_yield: bool = False
    dated: bool = True
    yearly: bool = False


def is_leap_day_kept(day: date) -> bool:
    """Whether those of 29 February have their day on this one: 28 February, in years without their own."""
    return (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3


def who_enters(entry: str, moment: Moment) -> ColumnElement[bool] | None:
    """The condition on Contact, or None for the entries that are no events ("group", "hand")."""
    event = EVENTS.get(entry)
    return event.clause(moment) if event else None


def _became_contact(moment: Moment) -> ColumnElement[bool]:
    start, end = moment.span
    # To the minute: an import of the same morning, before the campaign went live, is no new contact.
    begun = moment.since - timedelta(days=moment.days_after)
    return and_(Contact.created_at > begun, Contact.created_at >= start, Contact.created_at <= end)


def _first_referral(moment: Moment) -> ColumnElement[bool]:
    earlier = aliased(Touch)
    start, end = moment.span
    before = exists().where(earlier.contact_id == Touch.contact_id, earlier.kind == "referred", earlier.at < Touch.at)
    return Contact.id.in_(select(Touch.contact_id).where(*_in(start, end, "referred"), ~before))


def _referral(moment: Moment) -> ColumnElement[bool]:
    return Contact.id.in_(select(Touch.contact_id).where(*_in(*moment.span, "referred")))


def _attended(moment: Moment) -> ColumnElement[bool]:
    return Contact.id.in_(select(Touch.contact_id).where(*_in(*moment.span, "attended")))


def _in(start: datetime, end: datetime, kind: str) -> tuple[ColumnElement[bool], ...]:
    return Touch.kind == kind, Touch.at >= start, Touch.at <= end


def _lapsing(moment: Moment) -> ColumnElement[bool]:
    fact = next((fact for fact in moment.world.group_facts if fact.name == LAPSING_FACT), None)
    if fact is None:
        return false()
    asked: ColumnElement[bool] = fact.clause("is", ["yes"], now=moment.now, zone=moment.zone)
    return asked


def _discharged(moment: Moment) -> ColumnElement[bool]:
    return and_(Contact.discharged_on >= moment.from_on, Contact.discharged_on <= moment.until_on)


def _discharge_year(moment: Moment) -> ColumnElement[bool]:
    return or_(*_on_days(Contact.discharged_on, moment.days))


def _referral_year(moment: Moment) -> ColumnElement[bool]:
    earlier = aliased(Touch)
    before = exists().where(earlier.contact_id == Touch.contact_id, earlier.kind == "referred", earlier.at < Touch.at)
    # Days before the first one is looked for: else every referral of everybody would be asked about.
    years = [_years_before(moment, number) for number in range(1, moment.until_on.year - FIRST_YEAR + 1)]
    days = [and_(Touch.at >= begin, Touch.at < end) for begin, end in years]
    return Contact.id.in_(select(Touch.contact_id).where(Touch.kind == "referred", or_(false(), *days), ~before))


def _years_before(moment: Moment, number: int) -> tuple[datetime, datetime]:
    """The days of the moment so many years ago, as the practice counts days: from (included) and until (excluded)."""
    first, after = moment.from_on, moment.until_on + timedelta(days=1)
    return resolved(_back(first, number), 0, moment.zone), resolved(_back(after, number), 0, moment.zone)


def _back(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29) and not isleap(day.year - years):
        return date(day.year - years, 3, 1)
    return day.replace(year=day.year - years)


def _on_days(column: Any, days: Iterable[date]) -> list[ColumnElement[bool]]:
    month, number, year = extract("month", column), extract("day", column), extract("year", column)
    clauses = []
    for day in days:
        numbers = [day.day, 29] if is_leap_day_kept(day) else [day.day]
        clauses.append(and_(month == day.month, number.in_(numbers), year < day.year))
    return clauses


EVENTS: dict[str, EntryEvent] = {
    "new-contact": EntryEvent(
        "When they become a contact", "When they are new", "after they became a contact", _became_contact
    ),
    "first-referral": EntryEvent(
        "When they refer someone for the first time",
        "After their first referral",
        "after their first referral",
        _first_referral,
        from_yield=True,
    ),
    "referral": EntryEvent(
        "Each time they refer someone", "After each referral", "after each referral", _referral, from_yield=True
    ),
    "lapsing": EntryEvent(
        "When they refer less than is usual for them",
        "When they become quiet",
        "",
        _lapsing,
        from_yield=True,
        dated=False,
    ),
    "discharged": EntryEvent("When their care has ended", "After discharge", "after discharge", _discharged),
    "discharge-yearly": EntryEvent(
        "Every year on the day their care ended",
        "Every year after discharge",
        "after the day of discharge",
        _discharge_year,
        yearly=True,
    ),
    "referral-yearly": EntryEvent(
        "Every year on the day of their first referral",
        "Every year after their first referral",
        "after the day of their first referral",
        _referral_year,
        from_yield=True,
        yearly=True,
    ),
    "attended": EntryEvent("When they came to an event", "After an event", "after an event", _attended),
}
