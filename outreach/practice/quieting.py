"""Quiet days: public holidays are frozen into rows, so that a newer calendar package cannot move a planned mail."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.errors import Refusal
from outreach.practice.models import Practice, QuietDay


def freeze_holidays(session: Session, *, practice: Practice, today: date) -> int:
    """The public holidays of this year and the next are quiet, unless the practice does not keep holidays.

    Answers how many days were added. Idempotent: a year is frozen once, so a day that was dropped stays dropped.
    """
    if not practice.keeps_holidays:
        return 0
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
    """After a move or a change of mind: coming holidays are those of the place, or none. Own days stay."""
    session.execute(delete(QuietDay).where(QuietDay.on >= today, ~QuietDay.own))
    if not practice.keeps_holidays:
        return 0
    known = set(session.scalars(select(QuietDay.on).where(QuietDay.on >= today)))
    years = [today.year, today.year + 1]
    added = [
        QuietDay(on=on, name=name[:200])
        for on, name in sorted(holidays_of(practice, years).items())
        if on >= today and on not in known
    ]
    session.add_all(added)
    return len(added)


def keep_frozen(session: Session, *, now: datetime) -> int:
    """The daily look: each new year's holidays are frozen in the year before. Idempotent."""
    practice = session.get(Practice, 1)
    if practice is None:
        return 0
    return freeze_holidays(session, practice=practice, today=now.astimezone(ZoneInfo(practice.time_zone)).date())


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
