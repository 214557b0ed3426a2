"""Recurring newsletters draft themselves in time and wait for a person: nothing is sent that nobody approved."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.contacts import tasks
from outreach.contacts.models import Group
from outreach.errors import Refusal
from outreach.newsletters import editing
from outreach.newsletters.layouts import LAYOUTS
from outreach.newsletters.models import Issue
from outreach.newsletters.recurring.rhythm_rules import MONTHS, first_on, following
from outreach.newsletters.recurring.series_models import BEGINNINGS, Series
from outreach.practice.queries import practice_of

MOST_LATE = 40
"""So many issues that were missed (the machine was off) are passed over, not drafted one after another."""
LOOKED_OVER = timedelta(days=2)
"""So long before the day the draft should be looked over."""


def start(
    session: Session,
    *,
    now: datetime,
    name: str,
    rhythm: str,
    day: int,
    lead_days: int,
    layout: str,
    begins_with: str,
    group_ids: list[int],
    in_archive: bool,
    owner_id: int | None,
) -> Series | Refusal:
    """A recurring newsletter that drafts its first issue in time. Refusals: no-name, no-day, no-rhythm, no-group."""
    name = " ".join(name.split())[:150]
    if not name:
        return Refusal("no-name", "Give it a name, for example “News for physicians”.")
    if not 1 <= day <= 28 or not 1 <= lead_days <= 28:
        return Refusal("no-day", "Choose a day from 1 to 28, and from 1 to 28 days to look it over.")
    if rhythm not in MONTHS or layout not in LAYOUTS or begins_with not in BEGINNINGS:
        return Refusal("no-rhythm", "Choose how often it comes and what it begins with.")
    known = session.scalars(select(Group.id).where(Group.id.in_(group_ids), Group.deleted_at.is_(None))).all()
    if not known:
        return Refusal("no-group", "Choose at least one group. You can change it in every draft.")
    series = Series(
        name=name,
        rhythm=rhythm,
        day=day,
        lead_days=lead_days,
        layout=layout,
        begins_with=begins_with,
        group_ids=sorted(known),
        in_archive=in_archive,
        owner_id=owner_id,
        next_on=first_on(day, today=_today(session, now), lead_days=1),
        created_at=now,
    )
    session.add(series)
    session.flush()
    return series


def draft_due(session: Session, *, now: datetime) -> int:
    """Every series whose next issue is due to be drafted has it, once; answers how many. Idempotent."""
    today = _today(session, now)
    found = session.scalars(
        select(Series)
        .where(Series.deleted_at.is_(None), Series.paused_at.is_(None))
        .order_by(Series.id)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_drafted(session, series, now=now, today=today) for series in found)


def pause(series: Series, *, now: datetime) -> None:
    """No issue is drafted until it goes on. Idempotent."""
    series.paused_at = series.paused_at or now


def go_on(session: Session, series: Series, *, now: datetime) -> None:
    """It drafts again, from the next day that lies ahead. Idempotent."""
    series.paused_at = None
    _skip_what_is_over(series, _today(session, now))


def put_away(series: Series, *, now: datetime) -> None:
    """The series drafts no more; its issues stay. Idempotent."""
    series.deleted_at = series.deleted_at or now


def bring_back(session: Session, series: Series, *, now: datetime) -> None:
    """Out of the trash. Idempotent."""
    series.deleted_at = None
    _skip_what_is_over(series, _today(session, now))


def _drafted(session: Session, series: Series, *, now: datetime, today: date) -> bool:
    _skip_what_is_over(series, today)
    if series.next_on - timedelta(days=series.lead_days) > today:
        return False
    on = series.next_on
    series.next_on = following(on, series.rhythm)
    if session.scalar(select(Issue.id).where(Issue.series_id == series.id, Issue.series_on == on)) is not None:
        return False
    before = _last_of(session, series) if series.begins_with == "last" else None
    issue = editing.start(
        session,
        now=now,
        by_id=None,
        layout=series.layout,
        like=before,
        title=f"{series.name}, {on:%B %Y}",
    )
    issue.series_id, issue.series_on = series.id, on
    issue.group_ids, issue.in_archive = list(series.group_ids), series.in_archive
    session.flush()
    tasks.add(
        session,
        now=now,
        kind="write",
        title=f"Look over the newsletter “{issue.title}” and send it",
        script=f"It was drafted for {on:%B} {on.day}. It does not leave before you approve it.",
        due_on=max(today, on - LOOKED_OVER),
        owner_id=series.owner_id,
        origin=f"newsletter:{issue.id}:draft",
    )
    return True


def _skip_what_is_over(series: Series, today: date) -> None:
    for _ in range(MOST_LATE):
        if series.next_on >= today:
            return
        series.next_on = following(series.next_on, series.rhythm)


def _last_of(session: Session, series: Series) -> Issue | None:
    """The last issue of the series that was approved: drafts that nobody wanted are no beginning."""
    found = select(Issue).where(Issue.series_id == series.id, Issue.approved_at.is_not(None))
    return session.scalars(found.order_by(Issue.series_on.desc()).limit(1)).first()


def _today(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(practice_of(session).time_zone)).date()
