"""In October last year's cards come back: drafted with the same words, groups and choices, for a person to look at."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from outreach.cards import editing, listing, occasions
from outreach.cards.calendar_of_occasions import ALL
from outreach.cards.models import CardRecipient, CardRun
from outreach.cards.occasions import Occasion, Span
from outreach.contacts import tasks
from outreach.practice.queries import practice_of
from outreach.screen import World

FIRST_MONTH = 10
LAST_MONTH = 1
"""From October on, for what falls into the season: October to January."""
SENT = ("approved", "going-out", "done")


def propose(session: Session, *, now: datetime, world: World) -> int:
    """Every occasion of the season for which cards went out a year before has a draft with its list; answers how many
    were made. Idempotent: one that was put away does not come back."""
    today = now.astimezone(ZoneInfo(practice_of(session).time_zone)).date()
    if today.month < FIRST_MONTH:
        return 0
    coming = ((occasion, occasions.next_span(occasion, today)) for occasion in ALL if not occasion.personal)
    wanted = [(occasion, span) for occasion, span in coming if _in_season(span, today)]
    return sum(_proposed(session, occasion, span, now=now, today=today, world=world) for occasion, span in wanted)


def _in_season(span: Span, today: date) -> bool:
    following = date(today.year + 1, LAST_MONTH, 31)
    return date(today.year, FIRST_MONTH, 1) <= span.first_on <= following


def _proposed(session: Session, occasion: Occasion, span: Span, *, now: datetime, today: date, world: World) -> bool:
    year = span.first_on.year
    runs = session.scalars(
        select(CardRun).where(CardRun.occasion == occasion.key, CardRun.year.in_((year - 1, year)))
    ).all()
    before = [run for run in runs if run.year == year - 1 and run.status in SENT and run.deleted_at is None]
    if not before or any(run.year == year for run in runs):
        return False
    run = editing.start(session, occasion, now=now, world=world, by_id=None, year=year)
    run.proposed_at = now
    _same_choices(session, before[-1], run)
    listing.prepare(session, run, now=now, world=world)
    tasks.add(
        session,
        now=now,
        kind="prepare",
        title=f"Look over the list for {occasion.name}",
        script="It comes from last year: check who gets a card, put addresses right, then approve it under Cards.",
        due_on=max(today, min(run.send_on, span.first_on)),
        origin=f"card-run:{run.id}:proposed",
    )
    return True


def _same_choices(session: Session, before: CardRun, run: CardRun) -> None:
    """What a person chose for somebody last year is chosen again; making the list keeps it."""
    chosen = session.scalars(
        select(CardRecipient).where(CardRecipient.run_id == before.id, CardRecipient.by_hand)
    ).all()
    rows = [
        {
            "run_id": run.id,
            "contact_id": row.contact_id,
            "occasion": run.occasion,
            "year": run.year,
            "way": row.way,
            "reason": row.reason,
            "by_hand": True,
            "for_all": row.for_all,
            "send_on": run.send_on,
        }
        for row in chosen
    ]
    if rows:
        session.execute(insert(CardRecipient), rows)
        session.flush()
