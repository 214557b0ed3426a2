"""Quiet days: public holidays are frozen into rows, so that a newer calendar package cannot move a planned mail."""

from datetime import date

import holidays
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice.models import Practice, QuietDay


def freeze_holidays(session: Session, *, practice: Practice, today: date) -> int:
    """The public holidays of this year and the next are quiet; days the practice dropped stay dropped this year.

    Answers how many days were added. Idempotent; days that are already known are never touched.
    """
    years = [today.year, today.year + 1]
    known = set(session.scalars(select(QuietDay.on).where(QuietDay.on >= date(today.year, 1, 1))))
    frozen_years = {on.year for on in session.scalars(select(QuietDay.on).where(~QuietDay.own))}
    added = [
        QuietDay(on=on, name=name[:200])
        for on, name in sorted(holidays_of(practice, years).items())
        if on not in known and on.year not in frozen_years
    ]
    session.add_all(added)
    return len(added)


def refreeze_holidays(session: Session, *, practice: Practice, today: date) -> int:
    """After a move to another state: coming holidays are those of the new place. Own days stay."""
    session.execute(delete(QuietDay).where(QuietDay.on >= today, ~QuietDay.own))
    known = set(session.scalars(select(QuietDay.on).where(QuietDay.on >= today)))
    years = [today.year, today.year + 1]
    added = [
        QuietDay(on=on, name=name[:200])
        for on, name in sorted(holidays_of(practice, years).items())
        if on >= today and on not in known
    ]
    session.add_all(added)
    return len(added)


def add_quiet_day(session: Session, *, today: date, on: date, name: str) -> QuietDay | Refusal:
    """Nothing is sent on that local day. Refusals: `day-is-over`, `already-quiet`."""
    if on < today:
        return Refusal("day-is-over", f"{on:%B} {on.day}, {on.year} is over already.")
    kept = session.get(QuietDay, on)
    if kept is not None:
        return Refusal("already-quiet", f"{on:%B} {on.day} is quiet already: {kept.name}.")
    day = QuietDay(on=on, name=name.strip() or "Closed", own=True)
    session.add(day)
    return day


def drop_quiet_day(session: Session, *, on: date) -> QuietDay | Refusal:
    """Mail may go out on that day again. Refusals: `not-quiet`."""
    day = session.get(QuietDay, on)
    if day is None:
        return Refusal("not-quiet", "That day is not quiet any more.")
    session.delete(day)
    return day


def holidays_of(practice: Practice, years: list[int]) -> dict[date, str]:
    """Public holidays, observed days included, of the practice's country and, where known, its state."""
    country = practice.country.upper()
    known = holidays.list_supported_countries()
    if country not in known:
        return {}
    state = practice.state.strip().upper()
    found = holidays.country_holidays(country, subdiv=state if state in known[country] else None, years=years)
    return dict(found.items())
