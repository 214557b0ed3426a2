"""A new year has a new limit: administrators are asked for it once, besides the warning on every entry."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.tasks import Task
from outreach.gifts import queries
from outreach.practice.models import Person, Practice, Role

ORIGIN = "year-limit"


def ask_for_limit(session: Session, *, now: datetime) -> int:
    """The daily look: every administrator has a task when the limit of this year is not known; answers how many.

    Once per person and year, done or not. Nothing is asked before January 1, local day.
    """
    practice = session.get(Practice, 1)
    if practice is None:
        return 0
    today = now.astimezone(ZoneInfo(practice.time_zone)).date()
    if queries.limit_of(session, today.year) is not None:
        return 0
    asked = set(session.scalars(select(Task.origin).where(Task.origin.startswith(_origin(today), autoescape=True))))
    who = select(Person.id).where(Person.active, Person.roles.any(Role.name == "administrator")).order_by(Person.id)
    new = [each for each in session.scalars(who) if f"{_origin(today)}{each}" not in asked]
    for each in new:
        tasks.add(
            session,
            now=now,
            kind="other",
            title=f"Enter the limit of {today.year} for meals and gifts: Events, Value ledger, Limits",
            due_on=today,
            owner_id=each,
            script="The government publishes the figure each autumn. Until it is entered, every entry warns.",
            origin=f"{_origin(today)}{each}",
        )
    return len(new)


def no_more_asked(session: Session, year: int, *, now: datetime) -> None:
    """The limit of that year is known: what asked for it is off every list. Idempotent."""
    tasks.drop(session, f"{ORIGIN}:{year}:", now=now)


def _origin(today: date) -> str:
    return f"{ORIGIN}:{today.year}:"
