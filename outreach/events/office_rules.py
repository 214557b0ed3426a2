"""What an office allows: weeks between lunches, visitors, how to book; and what it heard from us already."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from outreach.contacts.models import Organization
from outreach.events import rules
from outreach.events.models import Event

MOST_EARLIER = 8


@dataclass(frozen=True)
class Office:
    """The office of an event with its rules, and our other events there, latest first."""

    place: Organization
    others: list[Event]
    clashes_with: Event | None
    earliest_next: date | None
    """The first day for another lunch there, counted from the last one that took place or is booked."""

    @property
    def rules(self) -> list[tuple[str, str]]:
        """(name, what the office said) of every rule that is known."""
        place = self.place
        weeks, visitors = place.weeks_between_lunches, place.visitors_allowed
        known = [
            ("Books", place.booking_window),
            ("Between lunches", f"{weeks} weeks" if weeks and weeks != 1 else "1 week" if weeks else ""),
            ("Visitors allowed", "" if visitors is None else str(visitors)),
            ("Lunch hour", place.lunch_hour),
            ("Asks to", place.visit_rules),
            ("Parking", place.parking),
            ("Diets", place.diets),
            ("Physicians", str(place.physicians or "")),
            ("Call first", place.front_desk),
        ]
        return [(name, said) for name, said in known if said]


def office_of(session: Session, event: Event) -> Office | None:
    """The office that the event is at, or None when it is nowhere that we keep."""
    place = session.get(Organization, event.organization_id) if event.organization_id else None
    if place is None:
        return None
    there = select(Event).where(
        Event.organization_id == place.id,
        Event.id != event.id,
        Event.status.in_(rules.DATED),
        Event.status != "no-show",
    )
    others = list(session.scalars(there.order_by(Event.starts_at.desc(), Event.id.desc()).limit(MOST_EARLIER)))
    return Office(place, others, _clash(session, place, event), earliest_next(session, place))


def earliest_next(session: Session, place: Organization) -> date | None:
    """The first day on which the office lets us bring lunch again; None without a rule or an earlier lunch."""
    if not place.weeks_between_lunches:
        return None
    last = session.scalar(_lunches(place.id).order_by(Event.starts_on.desc()).limit(1))
    return last.starts_on + timedelta(weeks=place.weeks_between_lunches) if last and last.starts_on else None


def _clash(session: Session, place: Organization, event: Event) -> Event | None:
    """Another lunch there that is nearer than the office allows."""
    if not place.weeks_between_lunches or event.starts_on is None or not _is_lunch(event):
        return None
    apart = timedelta(weeks=place.weeks_between_lunches)
    near = _lunches(place.id).where(
        Event.id != event.id, Event.starts_on > event.starts_on - apart, Event.starts_on < event.starts_on + apart
    )
    return session.scalar(near.order_by(Event.starts_on.desc(), Event.id).limit(1))


def _is_lunch(event: Event) -> bool:
    return event.status in rules.STANDS and (event.meal or event.type == "lunch-and-learn")


def _lunches(place_id: int) -> Select[Event]:
    return select(Event).where(
        Event.organization_id == place_id,
        Event.status.in_(("took-place", *rules.STANDS)),
        Event.starts_on.is_not(None),
        or_(Event.meal, Event.type == "lunch-and-learn"),
    )
